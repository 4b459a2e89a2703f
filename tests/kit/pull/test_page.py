"""docs/how-to/pull-and-push.md: its SQL, commands and settings run, and its module is what pull writes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "pull-and-push.md"
PUSHED = """
from sqlalchemy import Column, MetaData, Table, Text

schema = MetaData()
Table("app_note", schema, Column("id", Text, primary_key=True))
"""


def blocks(part: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", part, re.DOTALL)


def run_all(
    root: Path, url: str, scratch: str, text: str
) -> list[subprocess.CompletedProcess[str]]:
    """Run each line; a comment says of a command that it fails."""
    done = []
    for line in text.splitlines():
        command, _, says = line.partition("  # ")
        words = [word.strip('"') for word in command.split()]
        assert words[0] == "chatkeep"
        words += ["--scratch-url", scratch] if words[1] not in {"status", "schema"} else []
        done.append(
            subprocess.run(
                [sys.executable, "-m", *words],
                cwd=root,
                env={**os.environ, "DATABASE_URL": url},
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
            )
        )
        assert done[-1].returncode == (1 if says.startswith("exit 1") else 0), done[-1].stderr
    return done


async def test_pull(fresh_database, pg18, tmp_path):
    pull, _, _ = PAGE.read_text().partition("\n## Push")
    url, scratch = await fresh_database(pg18)(), pg18.admin_url
    connection = await asyncpg.connect(url)
    await connection.execute(blocks(pull, "sql")[0] + "create table strangers (id int);")
    await connection.close()
    pulling, adopting = blocks(pull, "sh")
    run_all(tmp_path, url, scratch, pulling)
    (shown,) = blocks(pull, "python")
    assert shown in (tmp_path / "tables.py").read_text()
    assert (tmp_path / "drizzle" / "0000_initial_schema.sql").exists()
    (tmp_path / "chatkeep.toml").write_text(blocks(pull, "toml")[0])
    generated, _, status = run_all(tmp_path, url, scratch, adopting)
    assert "Nothing to do" in generated.stdout
    assert "0 pending" in status.stdout
    printed, _ = run_all(tmp_path, url, scratch, "chatkeep schema sql\nchatkeep schema docs\n")
    assert "CREATE TYPE mood" in printed.stdout


async def test_push(fresh_database, pg18, tmp_path):
    _, _, push = PAGE.read_text().partition("\n## Push")
    url, scratch = await fresh_database(pg18)(), pg18.admin_url
    (tmp_path / "chatkeep.toml").write_text('schema = "app:schema"\n')
    (tmp_path / "app.py").write_text(PUSHED)
    first, more, refused, keeping = blocks(push, "sh")
    (done,) = run_all(tmp_path, url, scratch, first)
    assert "1 statement run." in done.stdout
    dry, as_json = run_all(tmp_path, url, scratch, more)
    assert "Nothing to do" in dry.stdout
    assert '"pushed": false' in as_json.stdout
    run_all(tmp_path, url, scratch, keeping)
    run_all(tmp_path, url, scratch, refused)
