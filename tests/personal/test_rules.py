"""What becomes of each kind of reference, by itself and where the application says otherwise."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from chatkeep.database.creation import create_tables
from chatkeep.errors import ConfigError, PersonalDataError, RuleMissingError, SchemaMismatchError
from chatkeep.personal.erasing import erase_person, preview_erasure
from chatkeep.personal.erasure_report import ErasureReport
from chatkeep.presets import maps
from chatkeep.schema.personal import DELETE, Personal, anonymise, keep, mentions, reference
from chatkeep.schema.schema import Schema
from fixtures.servers import Databases, PgServer

SCHEMA = maps.schema()
PEOPLE = """
INSERT INTO users (id, email) VALUES ('ada', 'ada@x.org'), ('bob', 'bob@x.org'),
    ('nobody', 'nobody@x.org');
"""


class House:
    """A database of the maps preset, to which a test adds tables."""

    def __init__(self, url: str, admin: asyncpg.Connection) -> None:
        self.url = url
        self.admin = admin

    async def build(self, sql: str) -> None:
        await self.admin.execute(sql)

    async def erase(self, schema: Schema[Any, Any, Any, Any] = SCHEMA) -> ErasureReport:
        shown = await preview_erasure(self.url, schema, "ada")
        done = await erase_person(self.url, schema, "ada")
        assert [step.as_json() for step in shown.steps] == [step.as_json() for step in done.steps]
        assert shown.proof is not None
        assert done.proof is not None
        assert shown.proof.findings == done.proof.findings
        return done

    async def all(self, table: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.admin.fetch(f"SELECT * FROM {table} ORDER BY 1")]


def told(**personal: tuple[Personal, ...]) -> Schema[Any, Any, Any, Any]:
    """The maps schema with words of the application's about tables that only the database has."""
    names = {f"public.{name}": said for name, said in personal.items()}

    class Said(maps.Schema):
        personal = names

    return Said()


@pytest.fixture(scope="session")
def built() -> dict[str, str]:
    """The database with the people, by server: to be cloned."""
    return {}


@pytest.fixture
async def house_on(
    built: dict[str, str], fresh_database: Callable[[PgServer], Databases]
) -> AsyncIterator[Callable[[PgServer], Awaitable[House]]]:
    admins: list[asyncpg.Connection] = []

    async def make(server: PgServer) -> House:
        if server.version not in built:
            template = await Databases(server)()
            await create_tables(SCHEMA, template)
            connection = await asyncpg.connect(template)
            await connection.execute(PEOPLE)
            await connection.close()
            built[server.version] = urlsplit(template).path[1:]
        url = await fresh_database(server)(template=built[server.version])
        admins.append(await asyncpg.connect(url))
        return House(url, admins[-1])

    yield make
    for admin in admins:
        await admin.close()


@pytest.fixture
async def house(house_on: Callable[[PgServer], Awaitable[House]], pg18: PgServer) -> House:
    return await house_on(pg18)


@pytest.fixture
async def each_house(house_on: Callable[[PgServer], Awaitable[House]], pg: PgServer) -> House:
    return await house_on(pg)


async def test_foreign_keys_are_taken_at_their_word(each_house: House):
    house = each_house
    await house.build("""
        CREATE TABLE note (id int PRIMARY KEY, u text NOT NULL REFERENCES users ON DELETE CASCADE);
        CREATE TABLE line (id int PRIMARY KEY, note int REFERENCES note ON DELETE CASCADE, t text);
        CREATE TABLE word (id int PRIMARY KEY, line int REFERENCES line ON DELETE CASCADE);
        CREATE TABLE seen (id int PRIMARY KEY, u text REFERENCES users ON DELETE SET NULL);
        CREATE TABLE made (id int PRIMARY KEY,
            u text DEFAULT 'nobody' REFERENCES users ON DELETE SET DEFAULT);
        CREATE TABLE read (id int PRIMARY KEY, u text REFERENCES users,
            note int REFERENCES note ON DELETE RESTRICT);
        INSERT INTO note VALUES (1, 'ada'), (2, 'bob'), (3, 'ada');
        INSERT INTO line VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, NULL, 'd');
        INSERT INTO word VALUES (1, 1), (2, 2), (3, 3), (4, 3);
        INSERT INTO seen VALUES (1, 'ada'), (2, 'bob');
        INSERT INTO made VALUES (1, 'ada'), (2, 'bob');
        INSERT INTO read VALUES (1, 'ada', 2), (2, 'bob', 1), (3, 'bob', 2);
    """)
    report = await house.erase()
    assert report.is_clean
    assert await house.all("note") == [(2, "bob")]
    assert await house.all("line") == [(2, 2, "b"), (4, None, "d")]
    assert await house.all("word") == [(2, 2)]
    assert await house.all("seen") == [(1, None), (2, "bob")]
    assert await house.all("made") == [(1, "nobody"), (2, "bob")]
    assert await house.all("read") == [(1, None, 2), (2, "bob", None), (3, "bob", 2)]
    assert {(step.table, step.rule, step.rows) for step in report.steps} == {
        ("users", "delete", 1), ("sessions", "delete", 0), ("accounts", "delete", 0),
        ("verifications", "delete", 0), ("note", "delete", 2),
        ("line", "delete", 2), ("word", "delete", 3), ("seen", "anonymise", 1),
        ("made", "anonymise", 1), ("read", "anonymise", 1),
    }  # fmt: skip


async def test_a_reference_without_word_stops_everything_before_it_begins(house: House):
    await house.build("""
        CREATE TABLE invoice (id int PRIMARY KEY, u text NOT NULL REFERENCES users);
        INSERT INTO invoice VALUES (1, 'ada')
    """)
    for call in (preview_erasure, erase_person):
        with pytest.raises(RuleMissingError, match=r"invoice\.u .*on delete no action") as refused:
            await call(house.url, SCHEMA, "ada")
        assert refused.value.columns == ("invoice.u",)
    assert len(await house.all("users")) == 3
    assert await house.admin.fetchval("SELECT to_regclass('chatkeep.audit')") is None
    schema = told(invoice=(reference("u", rule=anonymise(to="nobody")),))
    assert (await house.erase(schema)).is_clean
    assert await house.all("invoice") == [(1, "nobody")]


async def test_the_application_has_the_last_word(house: House):
    await house.build("""
        CREATE TABLE note (id int PRIMARY KEY, u text REFERENCES users ON DELETE CASCADE);
        CREATE TABLE paid (id int PRIMARY KEY, payer text NOT NULL, mail text);
        CREATE TABLE invited (id int PRIMARY KEY, mail text NOT NULL);
        CREATE TABLE hook (id int PRIMARY KEY, said jsonb);
        INSERT INTO note VALUES (1, 'ada'), (2, 'bob');
        INSERT INTO paid VALUES (1, 'ada', 'ADA@x.org'), (2, 'bob', 'bob@x.org');
        INSERT INTO invited VALUES (1, 'Ada@X.org'), (2, 'nada@x.org');
        INSERT INTO hook VALUES (1, '{"of": "ada@x.org"}'), (2, '{"of": "nada@x.org"}');
    """)
    schema = told(
        note=(reference("u", rule=anonymise()),),
        paid=(
            reference("payer", rule=keep("tax law, ten years")),
            reference("mail", holds="email", rule=anonymise()),
        ),
        invited=(reference("mail", holds="email", rule=DELETE),),
        hook=(mentions("said", rule=DELETE),),
    )
    report = await house.erase(schema)
    assert report.proof is not None
    assert {(each.table, each.rows, each.perhaps) for each in report.proof.findings} == {
        ("invited", 1, 1), ("hook", 1, 1)
    }  # fmt: skip
    assert await house.all("note") == [(1, None), (2, "bob")]
    assert await house.all("paid") == [(1, "ada", None), (2, "bob", "bob@x.org")]
    assert await house.all("invited") == [(2, "nada@x.org")]
    assert [row[0] for row in await house.all("hook")] == [2]
    (kept,) = [step for step in report.steps if step.rule == "keep"]
    assert (kept.rows, kept.reason) == (1, "tax law, ten years")
    assert report.proof.exempt == ("paid.payer",)


async def test_rows_reached_by_two_ways_and_rows_that_refer_to_each_other(each_house: House):
    house = each_house
    await house.build("""
        CREATE TABLE friends (a text REFERENCES users ON DELETE CASCADE,
            b text REFERENCES users ON DELETE CASCADE, id int UNIQUE, PRIMARY KEY (a, b));
        CREATE TABLE letter (id int PRIMARY KEY, friends int REFERENCES friends (id)
            ON DELETE CASCADE, by text REFERENCES users ON DELETE SET NULL);
        CREATE TABLE reply (id int PRIMARY KEY, u text REFERENCES users ON DELETE CASCADE,
            parent int REFERENCES reply ON DELETE CASCADE);
        CREATE TABLE topic (id int PRIMARY KEY, u text REFERENCES users ON DELETE CASCADE);
        CREATE TABLE post (id int PRIMARY KEY, topic int NOT NULL REFERENCES topic ON DELETE CASCADE);
        ALTER TABLE topic ADD last int REFERENCES post;
        INSERT INTO friends VALUES ('ada', 'bob', 1), ('bob', 'ada', 2), ('bob', 'nobody', 3);
        INSERT INTO letter VALUES (1, 1, 'bob'), (2, 2, 'ada'), (3, 3, 'ada'), (4, 3, 'bob');
        INSERT INTO reply VALUES (1, 'bob', NULL), (2, 'ada', 1), (3, 'bob', 2), (4, 'bob', 3),
            (5, 'bob', 1);
        INSERT INTO topic VALUES (1, 'ada'), (2, 'bob');
        INSERT INTO post VALUES (1, 1), (2, 2);
        UPDATE topic SET last = id;
    """)
    report = await house.erase()
    assert report.is_clean
    assert await house.all("friends") == [("bob", "nobody", 3)]
    assert await house.all("letter") == [(3, 3, None), (4, 3, "bob")]
    assert await house.all("reply") == [(1, "bob", None), (5, "bob", 1)]
    assert await house.all("topic") == [(2, "bob", 2)]
    assert await house.all("post") == [(2, 2)]
    counts = {(step.table, step.rule): step.rows for step in report.steps}
    assert counts["reply", "delete"] == 3  # two of them only because they hang below hers
    assert counts["friends", "delete"] == counts["letter", "delete"] == 2


async def test_partitions_and_inherited_keys(each_house: House):
    house = each_house
    await house.build("""
        CREATE TABLE log (id int, u text NOT NULL REFERENCES users ON DELETE CASCADE,
            PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10);
        CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (10) TO (20);
        CREATE TABLE of_log (id int PRIMARY KEY, log int REFERENCES log ON DELETE CASCADE);
        INSERT INTO log VALUES (1, 'ada'), (11, 'ada'), (12, 'bob');
        INSERT INTO of_log VALUES (1, 1), (2, 11), (3, 12);
    """)
    report = await house.erase()
    assert report.is_clean
    assert await house.all("log") == [(12, "bob")]
    assert await house.all("of_log") == [(3, 12)]
    assert {step.table for step in report.steps} == {
        *("users", "sessions", "accounts", "verifications", "log", "of_log")
    }


@pytest.mark.parametrize(
    ("sql", "personal", "message"),
    [
        (
            "ALTER TABLE users ADD boss text REFERENCES users ON DELETE CASCADE",
            {},
            r"users\.boss",
        ),
        (
            """CREATE TABLE a (id int PRIMARY KEY, u text REFERENCES users ON DELETE CASCADE);
            CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE);
            ALTER TABLE a ADD b int REFERENCES b ON DELETE CASCADE""",
            {},
            "back to it",
        ),
        (
            "CREATE TABLE paid (id int PRIMARY KEY, u text NOT NULL REFERENCES users)",
            {"paid": (reference("u", rule=keep("law")),)},
            "cannot be kept",
        ),
        (
            "CREATE TABLE paid (id int PRIMARY KEY, u text NOT NULL REFERENCES users)",
            {"paid": (reference("u", rule=anonymise()),)},
            "may not be empty",
        ),
        (
            "CREATE TABLE paid (id int PRIMARY KEY, u text)",
            {"paid": (reference("v", rule=DELETE),)},
            "no such column",
        ),
        ("SELECT 1", {"nowhere": (reference("v", rule=DELETE),)}, "no table of it"),
        ("ALTER TABLE sessions RENAME TO gone", {}, "no table sessions"),
        ("ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE", {}, "no primary key"),
    ],
)
async def test_what_cannot_be_done_is_refused_first(
    house: House, sql: str, personal: dict[str, tuple[Personal, ...]], message: str
):
    await house.build(sql)
    kinds = (PersonalDataError, ConfigError, SchemaMismatchError)
    with pytest.raises(kinds, match=message):
        await erase_person(house.url, told(**personal), "ada")
    assert len(await house.all("users")) == 3


async def test_a_column_of_the_schema_that_sounds_like_a_person_needs_a_word(house: House):
    await house.build(
        "ALTER TABLE sessions DROP CONSTRAINT sessions_user_id_users_id_fk;"
        "INSERT INTO sessions (id, user_id, expires_at, token) VALUES ('s', 'ada', now(), 't');"
        "CREATE TABLE elsewhere (id int PRIMARY KEY, user_id text, e_mail text)"
    )
    report = await house.erase()  # the schema says the key that the database lacks
    assert report.is_clean
    assert await house.all("sessions") == []
    assert report.absent == ("sessions.user_id to users",)
    assert report.suspects == ("elsewhere.user_id", "elsewhere.e_mail")
    assert report.unknown == ("elsewhere",)


async def test_a_value_that_nobody_stands_for_changes_nothing(house: House):
    await house.build(
        "CREATE TABLE paid (id int PRIMARY KEY, u text NOT NULL REFERENCES users);"
        "INSERT INTO paid VALUES (1, 'ada')"
    )
    schema = told(paid=(reference("u", rule=anonymise(to="never")),))
    with pytest.raises(Exception, match="paid_u_fkey") as refused:
        await erase_person(house.url, schema, "ada")
    assert "ada" not in str(refused.value)
    assert await house.all("paid") == [(1, "ada")]
    assert len(await house.all("users")) == 3


async def test_rows_by_the_million_go_through_an_index(house: House):
    """The condition is the column that carries the id, not a search through the tables above."""
    await house.build("""
        CREATE TABLE chat (id int PRIMARY KEY, u text NOT NULL REFERENCES users ON DELETE CASCADE,
            UNIQUE (u, id));
        CREATE TABLE said (id int PRIMARY KEY, u text, chat int,
            FOREIGN KEY (u, chat) REFERENCES chat (u, id) ON DELETE CASCADE);
    """)
    from chatkeep.personal.reach import Reach
    from chatkeep.personal.references import read_registry

    registry = await read_registry(house.admin, SCHEMA)
    reach = Reach(registry)
    said = next(table for table in registry.owned if table.name == "said")
    condition = reach.owned(said, "t")
    assert condition.startswith('t."u" = ')
    assert "select" not in condition
    assert [table.name for table in reach.order()][-1] == "users"
