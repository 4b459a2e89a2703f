"""Better Auth's own adapter suite, published as `@better-auth/test-utils`, on the preset's tables.

Before each group of tests the suite migrates: our tables are made anew, under the names that the
group gives them, and the suite's own migration adds the tables and columns of the plugins that the
group brings, beside ours.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import asyncpg
import pytest

from auth.better_auth.conftest import WHOLE
from chatkeep.auth.better_auth_config import better_auth_config
from chatkeep.presets import maps
from chatkeep.schema.ddl import create_statements
from fixtures.node import for_node, installed
from fixtures.servers import PgServer

pytestmark = pytest.mark.needs("node")
NODE = Path(__file__).parents[1] / "node" / "better_auth"
VITEST = ("node_modules/.bin/vitest", "run", "adapter.test.mjs", "--reporter=json")

# Every test of these passes, none is left out: the suite's heading, and how many tests stand there.
RUN = {
    "normalTestSuite": ("normal", 107),
    "authFlowTestSuite": ("auth-flow", 7),
    "transactionsTestSuite": ("transactions", 1),
    "joinsTestSuite": ("joins", 106),
    "caseInsensitiveTestSuite": ("case-insensitive", 12),
}
# Left out, each with its reason.
LEFT_OUT = {
    "uuidTestSuite": 'generateId: "uuid" leaves the id to the column: of type uuid, with a default',
    "numberIdTestSuite": 'generateId: "serial" wants ids that are integers and count by themselves',
    "createTestSuite": "makes suites; it is none",
}


def test_every_published_suite_is_run_or_left_out_for_a_reason(node_script):
    assert set(node_script("better_auth", "suites.mjs")) == RUN.keys() | LEFT_OUT.keys()


@pytest.mark.parametrize(
    "version",
    ["18", pytest.param("15", marks=[pytest.mark.slow, WHOLE, pytest.mark.needs("pg15")])],
)
async def test_the_suite_passes(version: str, request, fresh_database, tmp_path: Path):
    server: PgServer = request.getfixturevalue(f"pg{version}")
    schema = maps.schema(prefix="x_")
    url = await fresh_database(server)()
    done, found = _run(schema, url, tmp_path / "report.json")
    failed = [
        (each["title"], each["failureMessages"]) for each in found if each["status"] != "passed"
    ]
    assert failed == []
    assert done.returncode == 0, done.stdout + done.stderr
    assert _counts([each["title"] for each in found]) == dict(RUN.values())
    connection = await asyncpg.connect(url)
    there = await connection.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    await connection.close()
    assert {"x_users_email_lower_idx", "x_sessions_token_unique"} <= {row[0] for row in there}


def _counts(titles: list[str]) -> dict[str, int]:
    """How many tests stand under each heading."""
    counts: dict[str, int] = {}
    name = ""
    for title in titles:
        heading = re.search(r"─ \[(.+?)\] ─", re.sub(r"\x1b\[\d+m", "", title))
        if heading:
            name = heading[1]
            counts[name] = 0
        else:
            counts[name] += 1
    return counts


def _run(schema: maps.Schema, url: str, report: Path):
    installed(NODE)
    made = better_auth_config(schema)
    given = {
        "options": made.options(),
        "columns": {model.name: dict(model.columns) for model in made.models},
        "sql": ";\n".join(create_statements(schema.metadata, schema.extras)),
        "run": list(RUN),
    }
    done = subprocess.run(
        [*VITEST, f"--outputFile={report}"],
        cwd=NODE,
        env={**os.environ, "DATABASE_URL": for_node(url), "CHATKEEP_GIVEN": json.dumps(given)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert report.exists(), done.stdout + done.stderr
    (file,) = json.loads(report.read_text())["testResults"]
    return done, file["assertionResults"]
