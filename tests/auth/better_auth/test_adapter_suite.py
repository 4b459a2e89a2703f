"""Better Auth's own adapter suite, published as `@better-auth/test-utils`, on the preset's tables.

Before each group of tests the suite migrates: our tables are made anew, under the names that the
group gives them, and the suite's own migration adds the tables and columns of the plugins that the
group brings, beside ours. With drizzle-orm the tables are those of our schema.ts and no others.
"""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from auth.better_auth.conftest import WHOLE, Written
from chatkeep.auth.better_auth_config import Adapter, better_auth_config
from chatkeep.presets import maps
from chatkeep.schema.ddl import create_statements
from fixtures.node import for_node, installed
from fixtures.servers import PgServer

pytestmark = pytest.mark.needs("node")
NODE = Path(__file__).parents[1] / "node" / "better_auth"
VITEST = ("node_modules/.bin/vitest", "run", "adapter.test.mjs", "--reporter=json")

# By the suite: its heading, and how many tests stand there.
RUN = {
    "normalTestSuite": ("normal", 107),
    "authFlowTestSuite": ("auth-flow", 7),
    "transactionsTestSuite": ("transactions", 1),
    "joinsTestSuite": ("joins", 106),
    "caseInsensitiveTestSuite": ("case-insensitive", 12),
}
# Left out whole, each with its reason.
LEFT_OUT = {
    "uuidTestSuite": 'generateId: "uuid" leaves the id to the column: of type uuid, with a default',
    "numberIdTestSuite": 'generateId: "serial" wants ids that are integers and count by themselves',
    "createTestSuite": "makes suites; it is none",
}
# Tests left out by adapter, each with its reason. Through pg none is.
ADDS = "adds a table or a column, which our schema.ts has not"
RENAMES = "gives a table or a column another name than our schema.ts"
OTHER_IDS = "gives every user one id until one of the tests above takes that back"
LEFT_OUT_OF: dict[Adapter, dict[str, str]] = {
    "pg": {},
    "drizzle": {
        "create - should use generateId if provided": OTHER_IDS,
        "create - should return null for nullable foreign keys": ADDS,
        "create - should apply default values to fields": ADDS,
        "create - should support arrays": ADDS,
        "create - should support json": ADDS,
        "deleteMany - should delete many models with numeric values": ADDS,
        "findMany - should find many models with sortBy": ADDS,
        "findMany - should find many models with sortBy and limit": ADDS,
        "findMany - should find many models with sortBy and limit and offset": ADDS,
        "findMany - should find many models with sortBy and limit and offset and where": ADDS,
        "findMany - should find many models with sortBy and offset": ADDS,
        "findMany - should find many with both one-to-one and one-to-many joins": ADDS,
        "findMany - should find many with join and sortBy": ADDS,
        "findMany - should find many with one-to-one join": ADDS,
        "findMany - should handle mixed joins correctly when some are missing": ADDS,
        "findMany - should return empty array when base records don't exist with joins": ADDS,
        "findMany - should return null for one-to-one join when joined records don't exist": ADDS,
        "findMany - should select fields with one-to-one join": ADDS,
        "findOne - multiple joins should return result even when some joined tables have no "
        "matching rows": ADDS,
        "findOne - should find a model with additional fields": ADDS,
        "findOne - should not apply defaultValue if value not found": ADDS,
        "findOne - should return an object for one-to-one joins": ADDS,
        "findOne - should return null for failed base model lookup that has joins": ADDS,
        "findOne - should return null for one-to-one join when joined record doesn't exist": ADDS,
        "findOne - should select fields with one-to-one join": ADDS,
        "findOne - should work with both one-to-one and one-to-many joins": ADDS,
        "should sign up with additional fields": ADDS,
        "findOne - backwards join with modified field name (session base, users-table join)": RENAMES,
        "findOne - should find a model with modified field name": RENAMES,
        "findOne - should find a model with modified model name": RENAMES,
        "findOne - should join a model with modified field name": RENAMES,
    },
}
WITH_15 = [pytest.mark.slow, WHOLE, pytest.mark.needs("pg15")]


def test_every_published_suite_is_run_or_left_out_for_a_reason(node_script):
    assert set(node_script("better_auth", "suites.mjs")) == RUN.keys() | LEFT_OUT.keys()


@pytest.mark.parametrize(
    ("adapter", "version"),
    [
        ("pg", "18"),
        pytest.param("pg", "15", marks=WITH_15),
        ("drizzle", "18"),
        pytest.param("drizzle", "15", marks=WITH_15),
    ],
)
async def test_the_suite_passes(
    adapter: Adapter, version: str, request, fresh_database, tmp_path: Path, written
):
    server: PgServer = request.getfixturevalue(f"pg{version}")
    schema = maps.schema(prefix="x_")
    url = await fresh_database(server)()
    done, found = _run(adapter, await written(schema, adapter), url, tmp_path / "report.json")
    failed = [each for each in found if each["status"] not in {"passed", "skipped"}]
    assert [(each["title"], each["failureMessages"]) for each in failed] == []
    assert done.returncode == 0, done.stdout + done.stderr
    titles = [_plain(each["title"]) for each in found]
    assert _counts(titles) == dict(RUN.values())
    skipped = {
        title.removeprefix("joins > ")
        for title, each in zip(titles, found, strict=True)
        if each["status"] == "skipped"
    }
    assert skipped == LEFT_OUT_OF[adapter].keys()
    connection = await asyncpg.connect(url)
    there = await connection.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    await connection.close()
    assert {"x_users_email_lower_idx", "x_sessions_token_unique"} <= {row[0] for row in there}


def _plain(title: str) -> str:
    return re.sub(r"\x1b\[\d+m", "", title).replace(" ─ ", " - ")


def _counts(titles: list[str]) -> dict[str, int]:
    """How many tests stand under each heading."""
    counts: dict[str, int] = {}
    name = ""
    for title in titles:
        heading = re.search(r"─ \[(.+?)\] ─", title)
        if heading:
            name = heading[1]
            counts[name] = 0
        else:
            counts[name] += 1
    return counts


def _run(adapter: Adapter, files: Written, url: str, report: Path) -> tuple[Any, list[Any]]:
    installed(NODE)
    schema = maps.schema(prefix="x_")
    made = better_auth_config(schema, adapter)
    columns = {model.name: dict(model.columns) for model in made.models if made.options()}
    given = {
        "options": made.options(),
        "columns": columns,
        "sql": ";\n".join(create_statements(schema.metadata, schema.extras)),
        "run": list(RUN),
        "schema": files.schema,
        "adapter": made.adapter_options,
        "leftOut": dict.fromkeys(LEFT_OUT_OF[adapter], True),
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
