"""Sixteen processes migrate one empty database at once."""

import asyncio
import os
import sys

import pytest

FULL = bool(os.environ.get("CHATKEEP_FULL"))

CODE = """
import asyncio, sys
from pathlib import Path
from chatkeep.kit.folder.reading import Folder
from chatkeep.kit.migrate import Options, migrate
sys.stdin.readline()  # all begin together
asyncio.run(migrate(Folder.read(Path(sys.argv[1])), sys.argv[2], options=Options(lock_wait=240)))
"""
PLAIN = [
    "create table t (i int)",
    "insert into t values (1)",
    "alter table t add column n int default 5",
    "insert into t values (2)",
]
CONCURRENT = [
    *PLAIN[:2],
    "create index concurrently t_i on t (i)",
    "alter table t add column n int",
    "-- chatkeep:no-transaction\ninsert into t values (2); vacuum t",
    "create unique index concurrently t_n on t (n)",
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["concurrently", *(["plain"] if FULL else [])])
async def test_each_migration_runs_once_and_all_processes_end_well(
    name, folder_of, database_url, rows
):
    texts = {"plain": PLAIN, "concurrently": CONCURRENT}[name]
    root = folder_of(*texts)
    pipe = asyncio.subprocess.PIPE
    words = [sys.executable, "-c", CODE, str(root), database_url]
    runs = [await asyncio.create_subprocess_exec(*words, stdin=pipe) for _ in range(16)]
    for run in runs:
        assert run.stdin is not None
        run.stdin.write(b"\n")
        run.stdin.close()
    assert [await run.wait() for run in runs] == [0] * 16
    dates = [(100 * number,) for number in range(1, len(texts) + 1)]
    assert await rows(database_url, "select created_at from drizzle.__drizzle_migrations") == dates
    ledger = "select created_at from chatkeep.migrations where state = 'applied' order by id"
    assert await rows(database_url, ledger) == dates
    assert await rows(database_url, "select i from t order by i") == [(1,), (2,)]
    assert await rows(database_url, "select 1 from pg_index where not indisvalid") == []
