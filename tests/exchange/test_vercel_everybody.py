"""All people of another product's database at once, from Python and from the command line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatkeep import Database, NewUser
from chatkeep.database.creation import create_tables
from chatkeep.errors import ConfigError
from chatkeep.exchange.everybody import import_everybody
from chatkeep.exchange.importing import ImportOptions, Progress
from chatkeep.presets import deepsearch
from exchange import open_webui_tables as webui
from exchange.vercel_tables import GUEST, contents, make
from fixtures.servers import Databases, PgServer

Make = Callable[[PgServer], Databases]
SCHEMA = deepsearch.schema(prefix="x_")


async def test_each_ones_chats_go_to_who_has_the_same_address(
    pg18: PgServer, fresh_database: Make, tmp_path: Path
):
    new = fresh_database(pg18)
    source, own = await new(), await new()
    await make(source, "2026-07")
    other = await webui.make(tmp_path / "webui.db", "2026-08")
    await other.run("UPDATE chat SET user_id = 'gone' WHERE id = 'c2'")
    await create_tables(SCHEMA, own)
    async with Database(SCHEMA, own) as db:
        ada = await db.users.create(NewUser(email="ADA@example.com"))
        told: list[Progress] = []
        options = ImportOptions(on_progress=told.append)
        report = await import_everybody(db, source, "vercel", options)
        assert (report.users, report.conversations, report.messages) == (1, 1, 4)
        assert [one.conversations for one in report.unmatched] == [1, 1]
        assert report.unmatched[0].id == str(GUEST)
        assert told[-1].report.conversations == 1
        assert told[-1].size == 3
        bob = await db.users.create(NewUser(email="bob@example.com"))
        again = await import_everybody(db, source, "vercel")
        assert (again.users, again.conversations, again.there_already) == (2, 1, 1)
        assert len((await db.as_user(bob.id).chats.list()).items) == 1
        report = await import_everybody(db, other.url, "open-webui")
        assert (report.users, report.conversations) == (1, 2)
        assert [one.id for one in report.unmatched] == ["gone"]
        assert len((await db.as_user(ada.id).chats.list()).items) == 3
        with pytest.raises(ConfigError, match="one person's"):
            await import_everybody(db, source, "chatgpt")
        with pytest.raises(ConfigError, match="name no account"):
            await import_everybody(db, source, "vercel", ImportOptions(account="x"))


def chatkeep(folder: Path, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatkeep", *words],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "DATABASE_URL": url},
    )  # fmt: skip


async def test_the_command_line(pg18: PgServer, fresh_database: Make, tmp_path: Path):
    new = fresh_database(pg18)
    source, target, own = await new(), await new(), await new()
    await make(source, "2026-07")
    await make(target, "2026-07", rows=False)
    await create_tables(SCHEMA, own)
    (tmp_path / "shop.py").write_text(
        "from chatkeep.presets import deepsearch\nschema = deepsearch.schema(prefix='x_')\n"
    )
    (tmp_path / "chatkeep.toml").write_text('schema = "shop:schema"\n')
    async with Database(SCHEMA, own) as db:
        await db.users.create(NewUser(email="ada@example.com"))
        await db.users.create(NewUser(email="bob@example.com"))
    command = ["import", "--format", "vercel", source]
    wrong = chatkeep(tmp_path, own, *command)
    assert wrong.returncode == 2
    done = chatkeep(tmp_path, own, *command, "--all")
    assert done.returncode == 1
    assert f"No user here has the e-mail of {GUEST}; 1 conversation left out." in done.stderr
    assert done.stdout.startswith("2 conversations with 5 messages imported")
    done = chatkeep(tmp_path, own, *command, "--user", "bob@example.com", "--account", str(GUEST))
    assert done.returncode == 0, done.stderr
    report = json.loads(chatkeep(tmp_path, own, *command, "--all", "--json").stdout)
    assert (report["thereAlready"], report["users"]) == (2, 2)
    assert report["unmatched"] == [{"id": str(GUEST), "conversations": 1}]
    done = chatkeep(tmp_path, own, "export", "--format", "vercel", "--all", "--out", target)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 chats with 6 messages are in the database")
    done = chatkeep(tmp_path, own, "export", "--format", "vercel", "--all", "--out", target)
    assert done.stdout.startswith("0 chats with 0 messages are in the database")
    assert done.stdout.endswith(", 3 were there already.\n")
    written = await contents(target, "2026-07")
    assert written["Message_v2"] == (await contents(source, "2026-07"))["Message_v2"]
