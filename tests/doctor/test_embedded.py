"""`chatkeep doctor` on the embedded server: the demo's database is clean, and the server itself."""

import asyncio
import json
import os
import signal
import sys
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatkeep.cli.main import cli
from chatkeep.doctor import CHECKS, Limits, Options, diagnose
from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.presets import deepsearch
from chatkeep.server import EmbeddedServer, find_binaries
from doctor.conftest import ALWAYS, FULL, Admit
from fixtures.embedded import eventually, supervisor_pid


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


async def test_what_the_demos_migrations_make_is_clean(admit: Admit):
    patient = await admit(deepsearch.schema(), tables=False)
    with resources.as_file(resources.files("chatkeep.demo").joinpath("drizzle")) as folder:
        await migrate(Folder.read(folder), patient.url)
        report = await patient.report(skip=ALWAYS, folder=folder, limits=Limits())
    assert (report.findings, report.unseen) == ((), ())


@pytest.mark.slow
@pytest.mark.skipif(not FULL, reason="the whole demo; its migrations stand for it")
def test_the_demos_database_is_clean(
    project: Path, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(project)
    assert run("demo", "--directory", str(project), "--json").exit_code == 0
    folder = resources.files("chatkeep.demo").joinpath("drizzle")
    (project / "chatkeep.toml").write_text(
        f'schema = "demo_tables:schema"\nmigrations = "{folder}"\n'
    )
    (project / "demo_tables.py").write_text(
        "from chatkeep.presets import deepsearch\nschema = deepsearch.schema()\n"
    )
    with server.acquire():
        url = server.url("chatkeep_demo")
        report = run("doctor", "--url", url, "--json")
        told = json.loads(report.output)
        assert report.exit_code == 0, report.output
        assert {finding["severity"] for finding in told["findings"]} <= {"note"}
        assert told["not_looked_at"] == []
        assert len(told["checked"]) == len(CHECKS)
        printed = run("doctor", "--url", url, "--skip", "unbounded-waits")
        assert printed.exit_code == 0
        assert printed.output == f"Nothing found, {len(CHECKS) - 1} checks made.\n"
    sys.modules.pop("demo_tables", None)


def test_the_command_on_a_project_with_something_wrong(
    project: Path, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(project)
    (project / "chatkeep.toml").write_text('schema = "wrong_tables:schema"\n')
    (project / "wrong_tables.py").write_text(
        'from chatkeep.presets import maps\nschema = maps.schema(prefix="m_")\n'
    )
    done = run("doctor", "--only", "missing-table", "--only", "migration-pending")
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[0] == "error: database chatkeep (missing-table)"
    assert "        chatkeep generate && chatkeep migrate" in lines
    assert lines[-2].startswith("not looked at: migration-pending: no migrations folder")
    assert lines[-1] == "1 error, 2 checks made."
    wrong = run("doctor", "--only", "nonesuch")
    assert wrong.exit_code == 2
    assert "there is no check `nonesuch`" in wrong.output
    sys.modules.pop("wrong_tables", None)
    assert server.root.is_dir()


async def test_a_server_whose_watcher_was_killed(
    project: Path, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(project)
    await asyncio.to_thread(server.start, keep=True)
    options = Options(only=("embedded-unwatched",), embedded=server.root)
    schema, url = deepsearch.schema(), server.url()
    assert (await diagnose(schema, url, options)).findings == ()
    pid = supervisor_pid(server)
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(eventually, lambda: not is_alive(pid))
    (found,) = (await diagnose(schema, url, options)).findings
    assert found.mend == "chatkeep db start"
    done = await asyncio.to_thread(run, *found.mend.split()[1:])
    assert done.exit_code == 0
    assert (await diagnose(schema, url, options)).findings == ()


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


async def test_programs_that_are_newer_than_the_server(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    options = Options(only=("embedded-outdated",), embedded=server.root)
    schema = deepsearch.schema()
    with server.acquire() as lease:
        assert (await diagnose(schema, lease.url, options)).findings == ()
        real = find_binaries().folder
        for program in real.iterdir():
            if program.name != "postgres":
                (tmp_path / program.name).symlink_to(program)
        postgres = tmp_path / "postgres"
        postgres.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.99'\n")
        postgres.chmod(0o755)
        monkeypatch.setenv("PG_BIN", str(tmp_path))
        (found,) = (await diagnose(schema, lease.url, options)).findings
        assert "the programs are 18.99 by now" in found.message
        assert found.mend == "chatkeep db stop --force && chatkeep db start"
