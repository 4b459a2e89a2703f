"""Fixtures for every test: see tests/fixtures/. Nothing of PostgreSQL is faked."""

import sys
from pathlib import Path

import pytest

sys.path.insert(
    0, str(Path(__file__).parent)
)  # so that tests say `from fixtures.servers import ...`

from fixtures.embedded import project, server
from fixtures.parts import check_needs, left_out
from fixtures.pgbouncer import pgbouncer
from fixtures.redis import redis_of_debian, redis_server, valkey
from fixtures.servers import database_url, fresh_database, pg, pg15, pg18
from fixtures.studio import chromium, open_studio, visit, world, world_template

__all__ = [
    "chromium",
    "database_url",
    "fresh_database",
    "open_studio",
    "pg",
    "pg15",
    "pg18",
    "pgbouncer",
    "project",
    "redis_of_debian",
    "redis_server",
    "server",
    "valkey",
    "visit",
    "world",
    "world_template",
]


def pytest_runtest_setup(item: pytest.Item) -> None:
    check_needs(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in left_out(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(f"chatkeep: {line}", yellow=True)
