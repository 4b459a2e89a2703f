"""On 100,000 sessions of each preset every statement takes an index and reads little."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from chatkeep.access.catalogue import catalogue_of
from chatkeep.auth.hashing import kept
from chatkeep.auth.session_queries import OwnSessionQueries, own_session_queries
from chatkeep.auth.token_queries import token_queries
from chatkeep.database.creation import create_tables
from chatkeep.engine.compile import Statement
from chatkeep.engine.pool import SESSION_SETTINGS
from chatkeep.personal.retention import Policy
from chatkeep.personal.sweep_belongings import declared
from chatkeep.personal.sweep_rules import Rules
from chatkeep.personal.sweep_walks import Walks
from chatkeep.presets import deepsearch, maps
from fixtures.servers import PgServer

SCHEMAS: dict[str, Any] = {"deepsearch": deepsearch.schema(prefix="x_"), "maps": maps.schema()}
TOKEN = "a" * 43
NOW = datetime.now(UTC)

# 20,000 users with 5 sessions each, of which every fourth has expired; 50,000 tokens.
FILL = """
insert into {users} (id, email)
    select 'user_' || n, 'user_' || n || '@example.com' from generate_series(0, 19999) n;
insert into {sessions} ({id} {token}, user_id, {ends}, created_at, user_agent)
    select {id_value} case n when 7 then $${kept}$$ else 'sha256:' || sha256(n::text::bytea)::text end,
        'user_' || n % 20000, now() + (n % 4 - 1) * interval '10 days' + interval '1 hour',
        now() - n * interval '1 minute', 'agent ' || n % 50
    from generate_series(0, 99999) n;
insert into {tokens} ({id} identifier, {value}, {ends})
    select {id_value} 'chatkeep:reset:user_' || n % 25000, sha256(n::text::bytea)::text,
        now() + interval '1 hour'
    from generate_series(0, 49999) n;
"""


@dataclass
class Filled:
    preset: str
    connection: asyncpg.Connection
    queries: OwnSessionQueries

    async def plan(self, statement: Statement, values: dict[str, object]) -> list[dict[str, Any]]:
        """What the statement does; what it wrote is taken back."""
        transaction = self.connection.transaction()
        await transaction.start()
        explained = await self.connection.fetchval(
            f"explain (analyze, buffers, format json) {statement.sql}", *statement.arguments(values)
        )
        await transaction.rollback()
        return nodes(json.loads(explained)[0]["Plan"])


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


@pytest_asyncio.fixture(loop_scope="session", scope="session", params=SCHEMAS)
async def filled(request: pytest.FixtureRequest, pg18: PgServer) -> AsyncIterator[Filled]:
    schema = SCHEMAS[request.param]
    is_maps = request.param == "maps"
    name = f"session_plans_{request.param}"
    admin = await asyncpg.connect(pg18.admin_url)
    await admin.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
    await create_tables(schema, pg18.url(name))
    connection = await asyncpg.connect(pg18.url(name), server_settings=SESSION_SETTINGS)
    tables = schema.tables
    await connection.execute(
        FILL.format(
            users=tables["users"].name,
            sessions=tables["sessions"].name,
            tokens=tables["verifications" if is_maps else "verification_tokens"].name,
            kept=kept(TOKEN),
            id="id," if is_maps else "",
            id_value="'id_' || n," if is_maps else "",
            token="token" if is_maps else "session_token",
            value="value" if is_maps else "token",
            ends="expires_at" if is_maps else "expires",
        )
    )
    await connection.execute("vacuum analyze")
    yield Filled(request.param, connection, own_session_queries(catalogue_of(schema)))
    await connection.close()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


OWN: dict[str, dict[str, object]] = {
    "find": {"token": kept(TOKEN)},
    "extend": {"token": kept(TOKEN), "seen": NOW, "extended": NOW},
    "hold": {"user_id": "user_7"},
    "create_within": {
        "id": "new", "user_id": "user_7", "token": "t", "ip_address": None, "user_agent": None,
        "lifetime": timedelta(days=1), "kept": 2,
    },
    "rotate": {
        "token": kept(TOKEN), "new_token": "t", "lifetime": timedelta(days=1),
        "maximum": timedelta(days=9),
    },
    "end": {"token": kept(TOKEN)},
    "revoke": {"user_id": "user_7", "ids": ["x"]},
    "revoke_all": {"user_id": "user_7", "ids": []},
    "list": {"user_id": "user_7", "created_at": NOW, "hash": "", "limit": 51},
    "list_before": {"user_id": "user_7", "created_at": NOW, "hash": "", "limit": 51},
}  # fmt: skip
TOKENS: dict[str, dict[str, object]] = {
    "issue": {
        "id": "new", "identifier": "chatkeep:reset:user_7", "token": "t", "kept": 2,
        "lifetime": timedelta(hours=1),
    },
    "use": {"identifier": "chatkeep:reset:user_7", "token": "t"},
    "revoke": {"identifier": "chatkeep:reset:user_7"},
}  # fmt: skip


def check(found: list[dict[str, Any]], most_blocks: int) -> None:
    assert "Seq Scan" not in {node["Node Type"] for node in found}
    assert sum(found[0].get(f"Shared {kind} Blocks", 0) for kind in ("Hit", "Read")) <= most_blocks


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_statements_on_sessions_and_tokens(filled: Filled, mode: str) -> None:
    await filled.connection.execute(f"set plan_cache_mode = {mode}")
    catalogue = catalogue_of(SCHEMAS[filled.preset])
    for name, values in OWN.items():
        query: Any = getattr(filled.queries, name)
        # What changes a row writes to each of its indexes too.
        check(await filled.plan(query.statement, values), 40)
    for name, values in TOKENS.items():
        query = getattr(token_queries(catalogue), name)
        check(await filled.plan(query.statement, values), 40)
    for query in (catalogue.sessions.count_by_agent, catalogue.sessions.count_of_user):
        check(await filled.plan(query.statement, {"user_id": "user_7"}), 30)


async def test_a_look_up_reads_one_row(filled: Filled) -> None:
    found = await filled.plan(filled.queries.find.statement, OWN["find"])
    assert (found[0]["Node Type"], found[0]["Actual Rows"]) == ("Index Scan", 1)
    check(found, 5)


async def test_a_sweep_reads_in_bounded_steps(filled: Filled) -> None:
    schema = SCHEMAS[filled.preset]
    policies = [Policy("sessions", timedelta()), Policy("sessions", None, at_most=3)]
    rules = Rules(schema.tables, policies, NOW)
    for walk in Walks(schema, rules, declared(schema.tables)).all():
        after = {f"after_{name}": value for name, value in zip(walk.order, walk.start, strict=True)}
        found = await filled.plan(walk.window, {**after, "limit": 5000})
        # Rows in the order of random keys: a block for each, and a look at each one's user.
        check(found, 5000 * 8)
        keys = [
            row[0]
            for row in await filled.connection.fetch(
                f"select {walk.key[0]} from {schema.tables['sessions'].name} limit 500"
            )
        ]
        given = {f"given_{walk.key[0]}": keys}
        check(await filled.plan(walk.look, given), 500 * 40)
        check(await filled.plan(walk.lock, given), 500 * 20)
