"""`chatkeep cache stats`, as a user types it."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner, Result

from cache.stats.conftest import SCHEMA, World
from chatkeep import Database
from chatkeep.cli.main import cli
from fixtures.servers import Databases, PgServer


@pytest.fixture
async def stored_url(pg18: PgServer, fresh_database: Callable[[PgServer], Databases]) -> str:
    url = await fresh_database(pg18).holding(SCHEMA)
    sql = await asyncpg.connect(url)
    async with Database(SCHEMA, url) as db:
        world, now = World(db, url, sql), datetime.now(UTC)
        for days, number, outcome, tier in (
            (0, 30, "hit", "memory"), (0, 10, "miss", "fetch"), (1, 5, "stale", "postgres"),
            (30, 1, "failed", "fetch"),
        ):  # fmt: skip
            at = now - timedelta(days=days)
            more = {"outcome": outcome, "tier": tier, "calls": number, "latency_us": 2000 * number}
            await world.event(at, f"{outcome} \x1b[31m{'long' * 30}", **more, latency_max_us=9000)
        await world.event(now, "nothing", no_results=1, user_group="paid", latency_us=2000)
    await sql.close()
    return url


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "chatkeep.toml").write_text('schema = "cache_stats_schema:schema"\n')
    (tmp_path / "cache_stats_schema.py").write_text(
        'from chatkeep.presets import deepsearch\nschema = deepsearch.schema(prefix="x_")\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "cache_stats_schema", raising=False)
    return tmp_path


def stats(*words: str, **env: str) -> Result:
    return CliRunner().invoke(cli, ["cache", "stats", *words], env=env)


def test_it_says_how_searches_were_answered(place: Path, stored_url: str):
    told = stats("--url", stored_url)
    assert (told.exit_code, told.stderr) == (0, "")
    day = f"{datetime.now(UTC).date()}"
    lines = told.stdout.splitlines()
    assert lines[0].startswith("46 searches since ")
    assert lines[0].endswith(", 78.3% answered by the cache.")
    assert lines[1] == "At least 31 fetches were saved. Latency 2.0 ms mean, 9.0 ms at most."
    assert lines[2] == (
        "31 hits, 5 stale, 10 misses, 0 failed, 0 not tried again; 1 found nothing."
    )
    (today,) = (line.split() for line in lines if line.startswith(f"  {day}"))
    assert today[:6] == [day, "41", "75.6%", "2.0", "9.0", "hit"]
    assert [line.split()[0] for line in lines if line.startswith("  ")][2:7] == [
        "memory", "fetch", "postgres", "-", "paid",
    ]  # fmt: skip
    assert lines[-2:] == ["Found nothing", "         1  nothing  (serper, en)"]
    assert "\x1b" not in told.stdout
    assert "█" not in told.stdout


def test_it_does_not_open_redis(place: Path, stored_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "redis", None)  # as where it is not installed
    monkeypatch.delitem(sys.modules, "chatkeep.cache.redis_link", raising=False)
    told = stats("--url", stored_url, REDIS_URL="redis://localhost/0")
    assert (told.exit_code, told.stderr) == (0, "")


def test_a_terminal_gets_a_chart(place: Path, stored_url: str):
    told = stats("--url", stored_url, FORCE_COLOR="1", COLUMNS="100", TERM="xterm")
    assert told.exit_code == 0
    assert "█ hit" in told.stdout
    longest = max(line.count("█") for line in told.stdout.splitlines())
    assert 30 <= longest <= 34
    assert "\x1b[31mlong" not in told.stdout  # what somebody searched for does nothing


def test_it_can_be_narrowed_and_read_by_programs(place: Path, stored_url: str):
    found = json.loads(stats("--url", stored_url, "--json", "--since", "all").stdout)
    assert (found["calls"], found["failed"], found["since"]) == (47, 1, None)
    assert [len(day["queries"]) for day in found["days"]] == [1, 1, 3]
    found = json.loads(stats("--url", stored_url, "--json", "--top", "1", "--since", "1d").stdout)
    assert (found["calls"], len(found["days"]), len(found["queries"])) == (41, 1, 1)
    found = json.loads(stats("--url", stored_url, "--json", "--group", "paid").stdout)
    assert [query["query"] for query in found["queries"]] == ["nothing"]
    day = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    found = json.loads(stats("--url", stored_url, "--json", "--since", day).stdout)
    assert (found["calls"], found["since"]) == (46, day)
    none = stats("--url", stored_url, "--provider", "nobody", "--since", "2w")
    assert (none.exit_code, none.stdout.partition(" since ")[0]) == (0, "No searches were counted")


@pytest.mark.parametrize("since", ["7", "0d", "2026-02-30", "7h", "9999999w", "yesterday"])
def test_another_time_is_wrong_usage(place: Path, since: str):
    done = stats("--url", "postgresql://localhost/none", "--since", since)
    assert done.exit_code == 2
    assert "--since" in done.stderr


def test_a_database_that_cannot_be_reached_is_exit_1(place: Path):
    done = stats("--url", "postgresql://user:hidden@127.0.0.1:1/none", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["code"]
    assert "hidden" not in done.output
