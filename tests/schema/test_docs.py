"""The generated page, the statements, and the commands that print them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from examples.extending.app_schema import schema as app_schema

from chatkeep.presets import deepsearch
from chatkeep.schema.docs import schema_docs
from chatkeep.schema.facts import describe

ROOT = Path(__file__).resolve().parents[2]


def chatkeep(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatkeep", "schema", *words],
        cwd=ROOT / "examples/extending",
        capture_output=True,
        text=True,
    )


def test_the_page_names_every_table_column_constraint_and_index():
    page = schema_docs(app_schema)
    for table in describe(app_schema.metadata):
        names = [table.name, *(column.name for column in table.columns)]
        names += [name for name, _ in [*table.constraints, *table.indexes]]
        assert not [name for name in names if f"`{name}`" not in page]


def test_the_diagram_is_mermaid():
    page = schema_docs(deepsearch.schema())
    diagram = page[page.index("```mermaid\nerDiagram\n") : page.index("\n```\n")]
    for line in diagram.splitlines()[2:]:
        assert re.fullmatch(
            r'    "[^"]+" \|\|--o[{|] "[^"]+" : has|    "[^"]+" \{|    \}'
            r"|        [a-z][\w()]* \w+( (PK|FK)(, FK)?)?",
            line,
        ), line


def test_docs_prints_the_page():
    done = chatkeep("docs", "--schema", "app_schema:schema")
    assert done.returncode == 0, done.stderr
    assert done.stdout == schema_docs(app_schema)


def test_docs_as_json():
    done = chatkeep("docs", "--schema", "app_schema:schema", "--json")
    tables = {table["name"]: table for table in json.loads(done.stdout)["tables"]}
    assert tables["travel_user"]["columns"][-1]["name"] == "home_city"


async def test_sql_makes_the_schema(database_url: str):
    done = chatkeep("sql", "--schema", "app_schema:schema")
    connection = await asyncpg.connect(database_url)
    await connection.execute(done.stdout)
    tables = await connection.fetch("SELECT relname FROM pg_class WHERE relkind = 'r'")
    await connection.close()
    assert {"travel_user", "travel_itinerary"} <= {row["relname"] for row in tables}


def test_sql_as_json_is_a_list_of_statements():
    done = chatkeep("sql", "--schema", "app_schema:schema", "--json")
    assert any("travel_itinerary" in s for s in json.loads(done.stdout)["statements"])


@pytest.mark.parametrize("reference", ["app_schema:AppUser", "app_schema:nonesuch", "none:x"])
def test_what_is_no_schema_is_refused_in_one_sentence(reference: str):
    done = chatkeep("docs", "--schema", reference)
    assert done.returncode == 1
    assert done.stderr.startswith("chatkeep: ")
    assert "Traceback" not in done.stderr
