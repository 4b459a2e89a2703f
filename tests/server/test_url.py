"""The one URL, given to each client as it stands."""

import json
import subprocess

import asyncpg
import psycopg
import pytest

from chatkeep.server import find_binaries
from chatkeep.settings import check_url, redact_url
from fixtures.node import node_modules

__all__ = ["node_modules"]

POSTGRES_JS = """
import postgres from 'postgres'
const sql = postgres(process.argv[2], {max: 1})
const [row] = await sql`select current_user as who, current_database() as place`
console.log(JSON.stringify(row))
await sql.end()
"""
NODE_PG = """
import pg from 'pg'
const client = new pg.Client(process.argv[2])
await client.connect()
console.log(JSON.stringify((await client.query('select current_user as who, current_database() as place')).rows[0]))
await client.end()
"""


@pytest.fixture(params=["socket", "tcp"])
def url(request, server):
    server.start(tcp=request.param == "tcp")
    return server.url()


def test_psql_takes_the_url(url):
    psql = find_binaries().program("psql")
    answer = subprocess.run([psql, "-XAtc", "select 1", url], capture_output=True, text=True)
    assert answer.stdout == "1\n", answer.stderr


async def test_asyncpg_takes_the_url(url):
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("select current_database()") == "chatkeep"
    await connection.close()


def test_psycopg_takes_the_url(url):
    with psycopg.connect(url) as connection:
        assert connection.execute("select current_database()").fetchone() == ("chatkeep",)


def test_our_settings_take_the_url_and_hide_its_password(url, server):
    assert check_url(url) == url
    assert (server.root / "password").read_text() not in redact_url(url)


@pytest.mark.needs("node")
@pytest.mark.parametrize(("package", "program"), [("postgres", POSTGRES_JS), ("pg", NODE_PG)])
def test_node_takes_the_url(url, node_modules, package, program):
    assert (node_modules / package).is_dir()
    answer = subprocess.run(
        ["node", "--input-type=module", "-", url],
        input=program,
        cwd=node_modules.parent,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == {"who": "postgres", "place": "chatkeep"}
