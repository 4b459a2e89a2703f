"""The benchmarks run, refuse a wrong answer, and their written results are their own."""

import json
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from benchmarks import data, report
from benchmarks.patterns import PATTERNS, Pattern
from benchmarks.peers.catalogue import BY_NAME as PEERS
from benchmarks.promises import promises
from benchmarks.verify import WrongAnswerError, verify
from benchmarks.workers import Worker

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
SMALL = ["--quick", "--chats", "50", "--messages", "500", "--rounds", "1", "--seconds", "0.01"]


def test_one_command_measures_every_pattern(tmp_path: Path):
    words = [*SMALL, "--peers", "asyncpg,chatkeep", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "results.json").read_text())
    assert list(found["patterns"]) == [pattern.name for pattern in PATTERNS]
    for peers in found["patterns"].values():
        assert list(peers) == ["asyncpg", "chatkeep"]
        for figures in peers.values():
            assert len(figures["p50_us_by_round"]) == 1
            assert 0 < figures["p50_us"] <= figures["p99_us"]
            assert set(figures["calls_a_second"]) == {"16", "64"}
    assert "times bare asyncpg" in done.stdout
    assert all(pattern.short in done.stdout for pattern in PATTERNS)


class Liar(Worker):
    """Answers what the true peer answered, but for one value."""

    def __init__(self, truth: object):
        self.peer = PEERS["chatkeep"]
        self.truth = truth

    async def answer(self, pattern: Pattern, values: list[object]) -> object:
        return self.truth


async def test_a_wrong_answer_is_not_timed(database_url: str):
    size = data.Size(chats=20, messages=200)
    await data.fill(database_url, size)
    connection = await asyncpg.connect(database_url)
    keeper = data.Keeper(connection, size, seed=1)
    user_id = await connection.fetchval("select id from b_user")
    right = {"id": user_id, "email": "somebody@example.com"}
    with pytest.raises(WrongAnswerError, match="chatkeep gives a wrong answer for user_by_email"):
        await verify(Liar(right), PATTERNS[0], keeper)
    await connection.close()


def figures(*p50: float, rate: float = 100.0) -> dict[str, object]:
    by_round = {"64": [rate] * len(p50)}
    return {
        "p50_us_by_round": list(p50),
        "calls_a_second": {"64": rate},
        "calls_a_second_by_round": by_round,
    }


def test_a_missed_promise_is_named():
    found = {
        "versions": {"asyncpg": {}, "chatkeep": {}, "drizzle": {}},
        "patterns": {
            # The third round was disturbed: the median of the ratios does not see it.
            "user_by_email": {
                "asyncpg": figures(100, 100, 100),
                "chatkeep": figures(114, 115, 900, rate=85),
                "drizzle": figures(230, 230, 230),
            },
            "chats_of_user": {
                "asyncpg": figures(100, 100, 100),
                "chatkeep": figures(117, 118, 119, rate=84),
                "drizzle": figures(230, 230, 230),
            },
            "messages_before": {
                "asyncpg": figures(100, 100, 100),
                "chatkeep": figures(125, 125, 125),
                "drizzle": figures(500, 500, 500),
            },
        },
    }
    missed = [promise.missed for promise in promises(found)]
    assert missed == [["chats_of_user"], ["chats_of_user"], ["chats_of_user"]]


def test_the_written_results_are_those_of_the_last_run():
    found = json.loads((BENCHMARKS / "results.json").read_text())
    assert report.markdown(found) in (BENCHMARKS / "RESULTS.md").read_text()


def test_the_written_results_have_every_pattern():
    text = (BENCHMARKS / "RESULTS.md").read_text()
    table = text.partition("| column | pattern |\n|---|---|\n")[2].partition("\n\n")[0]
    written = re.findall(r"^\| (.+) \| (.+) \|$", table, re.MULTILINE)
    assert written == [(pattern.short, pattern.title) for pattern in PATTERNS]
