"""drizzle-kit's differ and TypeScript's compiler on one of everything, and on random schemas."""

import os
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.dialects.postgresql import JSONB

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.drizzle.module import DrizzleSchema, drizzle_module, drizzle_schema
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.snapshot.snapshot import snapshot
from chatkeep.kit.states import facts_of_tables
from chatkeep.kit.target import target_of
from fixtures.servers import PgServer
from kit.drizzle.known import SCHEMAS
from kit.plan.random_schemas import schemas

FULL = bool(os.environ.get("CHATKEEP_FULL"))
EVERYTHING = Path(__file__).with_name("everything.sql").read_text()
DEFERRED = "FOREIGN KEY (p) REFERENCES public.parent(id) DEFERRABLE"


async def made(server: PgServer, sql: str) -> Catalog:
    async with Scratch(server.admin_url).database() as url:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql)
            return await read_catalog(connection)
        finally:
            await connection.close()


def written(catalog: Catalog) -> DrizzleSchema:
    return drizzle_module(catalog, MetaData(), "the database")


@pytest.mark.needs("node")
async def test_everything_is_said_or_named(pg, judged):
    catalog = await made(pg, EVERYTHING)
    schema = written(catalog)
    assert judged({"everything": (schema.text, snapshot(catalog))}) == {"everything": []}


async def test_what_is_left_out_is_named_in_the_head_too(pg18):
    schema = written(await made(pg18, EVERYTHING))
    assert schema.left_out == (
        'column public.cache.body: COLLATE pg_catalog."C"',
        "comment on column public.cache.body",
        "comment on table public.cache",
        "domain public.email",
        f"foreign key public.deferred.deferred_p_fkey: {DEFERRED}",
        "function public.touched()",
        "index public.covering: INCLUDE (b)",
        "partition public.measured_2026",
        "replica identity full of public.keyed",
        "rule public.cache.quiet",
        "sequence public.lent: AS integer",
        "sequence public.small: AS smallint",
        "sequence owner public.lent: OWNED BY public.borrower.id",
        "table public.cache: UNLOGGED",
        "table public.cache: fillfactor=70",
        "table public.measured: PARTITION BY RANGE (at)",
        "trigger public.parent.touch",
    )
    head = schema.text.partition("import ")[0]
    assert all(f"//   {name}\n" in head for name in schema.left_out)


@pytest.mark.slow
@pytest.mark.needs("node")
@pytest.mark.timeout(3600)
async def test_random_schemas(pg18, judged):
    texts: list[str] = []

    @seed(4)
    @settings(
        max_examples=200 if FULL else 6,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(text=schemas())
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    found = {}
    for number, text in enumerate(dict.fromkeys(texts)):
        catalog = await made(pg18, text)
        found[f"random{number}"] = (written(catalog).text, snapshot(catalog))
    assert judged(found) == {name: [] for name in found}


@pytest.mark.needs("node")
async def test_a_table_hides_no_type_of_typescript(scratch, judged):
    """A schema may say its columns' types by these words, and `Json(dict[str, …])` does."""
    words = (
        "Record<string, unknown>",
        "Partial<{ a: string }>",
        "ReadonlyArray<Pick<Date, never>>",
    )
    metadata = MetaData()
    for name, word in zip(("record", "partial", "pick"), words, strict=True):
        Table(
            name,
            metadata,
            Column("id", Integer, primary_key=True),
            Column("value", JSONB, info={"typescript": word}),
        )
    made = await drizzle_schema(metadata, scratch, "words")
    catalog = await facts_of_tables(target_of(metadata).state, scratch)
    assert judged({"words": (made.text, snapshot(catalog))}) == {"words": []}


@pytest.mark.needs("node")
async def test_typescript_accepts_the_presets(scratch, judged):
    found = {}
    for name, make in SCHEMAS.items():
        schema = make()
        made = await drizzle_schema(schema, scratch, name)
        target = target_of(schema)
        catalog = await facts_of_tables(target.state, scratch)
        found[name] = (made.text, snapshot(catalog, full_names=target.full_names))
    assert judged(found) == {name: [] for name in found}
