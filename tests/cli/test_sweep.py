"""`chatkeep sweep`, as a user types it."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner, Result

from chatkeep.cli.main import cli
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch

CONFIG = """
schema = "sweep_cli_schema:schema"
[[retention]]
what = "chats"
older_than = "30d"
[[retention]]
what = "trash"
older_than = "never"
"""
ROWS = """
insert into "ai-app-template_user" (id, email) values ('u', 'u@example.com');
insert into "ai-app-template_chat" (id, user_id, title, updated_at)
select 'c' || n, 'u', 'secret title', now() - interval '10 d' * n from generate_series(1, 20) as n;
insert into "ai-app-template_message" (id, chat_id, user_id, role, content)
select 'm' || n, 'c' || n, 'u', 'user', 'secret text' from generate_series(1, 20) as n;
"""
FEW = """delete from "ai-app-template_chat" where id not in ('c1', 'c20')"""
SIGN_INS = """
insert into "ai-app-template_session" (session_token, user_id, expires)
select 'secret token ' || n, 'u', now() + interval '1 d' from generate_series(1, 5) as n;
"""
NOTIFY = """
create function told() returns trigger language plpgsql as
$$ begin perform pg_notify('swept', ''); return null; end $$;
create trigger told after delete on "ai-app-template_chat"
for each statement execute function told();
"""

Sweep = Callable[..., Result]


@pytest.fixture
async def swept_url(database_url: str) -> str:
    await create_tables(deepsearch.schema(), database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute(ROWS)
    await connection.close()
    return database_url


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "chatkeep.toml").write_text(CONFIG)
    (tmp_path / "sweep_cli_schema.py").write_text(
        "from chatkeep.presets import deepsearch\nschema = deepsearch.schema()\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "sweep_cli_schema", raising=False)
    return tmp_path


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def sweep(*words: str) -> Result:
    return CliRunner().invoke(cli, ["sweep", *words])


def test_it_reports_then_removes_then_has_nothing_to_do(place: Path, swept_url: str):
    told = sweep("--url", swept_url)
    assert (told.exit_code, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert lines[0].startswith("chats, older than 30d: 18 chats, 18 messages  20")
    assert lines[1:] == [
        "trash, never: none",
        "sessions, expired: none",
        "verification_tokens, expired: none",
        "search_cache, expired: none",
        "search_events, summed up by day: none",
        "Nothing was changed. `chatkeep sweep --yes` removes this for good.",
    ]
    done = sweep("--url", swept_url, "--yes", "--json", "--actor", "nightly")
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert report["found"] == report["removed"] == {"chats": 18, "messages": 18}
    assert report["policies"][0]["difference"] == report["policies"][0]["kept"] == {}
    assert "secret" not in done.stdout
    again = sweep("--url", swept_url, "--yes")
    assert again.exit_code == 0
    assert again.stdout.splitlines()[-1] == "Nothing is to go."


def test_one_of_a_kind_is_no_plural(place: Path, swept_url: str):
    asyncio.run(execute(swept_url, FEW))
    told = sweep("--url", swept_url)
    assert told.stdout.startswith("chats, older than 30d: 1 chat, 1 message  20")


def test_sessions_beyond_a_number_go(place: Path, swept_url: str):
    (place / "chatkeep.toml").write_text(
        CONFIG.replace('"trash"\nolder_than = "never"', '"sessions"\nat_most = 2')
    )
    asyncio.run(execute(swept_url, SIGN_INS))
    told = sweep("--url", swept_url)
    lines = [line.partition("  20")[0] for line in told.stdout.splitlines()]
    assert lines[1:3] == ["sessions beyond 2 of a user: 3 sessions", "sessions, expired: none"]
    done = json.loads(sweep("--url", swept_url, "--yes", "--json").stdout)
    assert (done["policies"][1]["at_most"], done["policies"][1]["removed"]) == (2, {"sessions": 3})


def test_a_wrong_policy_is_one_sentence(place: Path):
    (place / "chatkeep.toml").write_text(CONFIG.replace("never", "soon"))
    done = sweep("--url", "postgresql://nobody@localhost:1/none")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"chatkeep: {place / 'chatkeep.toml'}, retention entry 2: ")
    assert len(done.stderr.splitlines()) == 1


def test_wrong_usage_is_exit_2(place: Path):
    assert sweep("--rows", "0").exit_code == 2
    assert sweep("--lock-timeout", "0").exit_code == 2


async def test_a_signal_ends_it_between_batches(place: Path, swept_url: str):
    connection = await asyncpg.connect(swept_url)
    await connection.execute(NOTIFY)
    removed = asyncio.Event()
    await connection.add_listener("swept", lambda *_: removed.set())
    options = ("--yes", "--json", "--rows", "8", "--pause", "60", "--url", swept_url)
    process = subprocess.Popen(
        [sys.executable, "-m", "chatkeep", "sweep", *options],
        cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        await asyncio.wait_for(removed.wait(), 60)
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.to_thread(process.communicate)
    finally:
        await connection.close()
        process.kill()
    assert process.returncode == 1
    assert err == "Stopping after this batch; once more takes it back.\n"
    report = json.loads(out)
    assert report["is_stopped"]
    assert report["removed"] == {"chats": 4, "messages": 4}
    assert report["found"] == {"chats": 18, "messages": 18}
