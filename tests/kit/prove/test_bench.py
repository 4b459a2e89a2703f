"""The bench finds a wrong reverse, goes on after it, and makes no more databases than it must."""

from contextlib import asynccontextmanager

import pytest
from sqlalchemy import Column, Identity, Integer, MetaData, Table, Text

from chatkeep.kit.generate import Options, generate
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import target_of
from chatkeep.kit.writing import bench as room
from chatkeep.kit.writing.bench import bench, provisional

BASE = "create table t (id serial primary key, n integer default 7)"
UP = "alter table t add b integer"


def reckoned(server, made: list[str]) -> Scratch:
    """A Scratch that says what it makes."""

    class Reckoned(Scratch):
        @asynccontextmanager
        async def database(self, template=None):
            async with super().database(template) as url:
                made.append(url)
                yield url

    return Reckoned(server.admin_url, dumpers=[server.bin / "pg_dump"])


@pytest.mark.parametrize(
    ("down", "said"),
    [
        ("select 1", "column public.t.b is left over"),
        ("alter table t drop b; alter sequence t_id_seq restart", "sequence public.t_id_seq"),
        ("alter table t drop b; insert into t default values", "rows of public.t: 0 before, 1"),
        ("alter table t drop b, alter n set default 8", "default public.t.n differs"),
        ("alter table t drop b; alter table t owner to nobody", "does not exist"),
        ("drop table t cascade", "is missing"),
    ],
)
async def test_wrong_reverse_is_found_and_the_next_draft_stands_right(pg18, down, said):
    made: list[str] = []
    async with bench(reckoned(pg18, made), [provisional("base", BASE)]) as here:
        assert here.has_dump
        assert await here.take(provisional("up", UP)) == []
        after = here.catalog
        faults = await here.reverse(provisional("down", down))
        assert said in " ".join(faults)
        await here.take(provisional("more", "comment on column t.b is 'x'"))
        assert here.before.catalog.facts == after.facts
        assert await here.reverse(provisional("down", "comment on column t.b is null")) == []
    assert len(made) == 2  # the second one for the draft behind the failure


async def test_what_a_reverse_takes_is_measured_whatever_the_names(pg18):
    async with bench(reckoned(pg18, []), [provisional("base", BASE)]) as here:
        await here.take(
            provisional("up", "create table u (a integer); alter table t rename n to m")
        )
        await here.reverse(provisional("down", "drop table u; alter table t rename m to n"))
        assert here.lost == ("table public.u with its rows",)
        await here.take(provisional("up", "alter table t add b text, alter m type numeric(9,2)"))
        down = "alter table t drop b, alter m type integer"
        assert await here.reverse(provisional("down", down)) == []
        assert here.lost == (
            "column public.t.b with its values",
            "what integer cannot hold of column public.t.m, now numeric(9,2)",
        )


async def test_change_takes_two_databases_and_two_dumps(pg18, tmp_path, monkeypatch):
    def state(*columns: Column) -> MetaData:
        metadata = MetaData()
        Table("t", metadata, Column("id", Integer, Identity(), primary_key=True), *columns)
        return metadata

    dumps: list[str] = []
    plain = room.dump_schema

    async def counted(*args, **options):
        dumps.append(args[1])
        return await plain(*args, **options)

    monkeypatch.setattr("chatkeep.kit.writing.bench.dump_schema", counted)
    monkeypatch.setattr("chatkeep.kit.writing.standing.dump_schema", counted)
    made: list[str] = []
    scratch = reckoned(pg18, made)
    for columns in ((), (Column("a", Text),)):
        made.clear()
        dumps.clear()
        written = await generate(
            tmp_path / "drizzle", target_of(state(*columns)), scratch, Options()
        )
        assert len(written.reverses) == 1
        assert (len(made), len(dumps)) == (2, 2)


async def test_pg_dump_that_is_older_or_not_there_is_not_asked(pg18, tmp_path):
    fake = tmp_path / "pg_dump"
    fake.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6'\n")
    fake.chmod(0o755)
    scratch = Scratch(pg18.admin_url, dumpers=[tmp_path / "nothing", fake])
    async with bench(scratch, [provisional("base", BASE)]) as here:
        assert not here.has_dump
        await here.take(provisional("up", UP))
        assert await here.reverse(provisional("down", "alter table t drop b")) == []
