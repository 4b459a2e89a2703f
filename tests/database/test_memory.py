"""What was compiled is found again, and never for a statement that is another one."""

import enum
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import (
    ARRAY,
    Column,
    Enum,
    Integer,
    MetaData,
    Table,
    TypeDecorator,
    bindparam,
    case,
    cast,
    column,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB, distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert_into
from sqlalchemy.sql import ClauseElement

from chatkeep import Database
from chatkeep.database import memory as memory_module
from chatkeep.database.prepared import make_query
from chatkeep.database.reuse import Reuse
from chatkeep.engine.compile import compile_statement
from chatkeep.presets import deepsearch
from chatkeep.schema.types import Json

SCHEMA = deepsearch.schema(prefix="k_")


class Pet(enum.Enum):
    CAT = "cat"
    DOG = "dog"


class Food(enum.Enum):
    CAT = "cat"
    DOG = "dog"


# Labels of the same length: all that SQLAlchemy's cache key says of them.
KIND, MOOD = Enum("cat", "dog", name="rv_kind"), Enum("sad", "shy", name="rv_mood")
PET, FOOD = Enum(Pet, native_enum=False), Enum(Food, native_enum=False)
BY_VALUE = Enum(
    Pet, native_enum=False, values_callable=lambda kind: [member.value for member in kind]
)


class Decorated(TypeDecorator[Any]):
    impl = Enum
    cache_ok = True


class Scaled(TypeDecorator[int]):
    """What it is made with stands behind `*`, where SQLAlchemy does not look for it."""

    impl = Integer
    cache_ok = True

    def __init__(self, *, by: int) -> None:
        super().__init__()
        self.by = by

    def process_result_value(self, value: int | None, dialect: Any) -> int | None:
        return None if value is None else value * self.by


@pytest_asyncio.fixture(loop_scope="session")
async def named(db: Database, database_url: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(database_url)
    await connection.execute("create type rv_kind as enum ('cat', 'dog')")
    await connection.execute("create type rv_mood as enum ('sad', 'shy')")
    yield
    await connection.close()


async def test_enums_of_postgresql_are_told_apart(db: Database, named: None) -> None:
    for _ in range(3):
        assert await db.scalar(select(cast("sad", MOOD))) == "sad"
        assert await db.scalar(select(cast("cat", KIND))) == "cat"
        assert await db.scalar(select(cast(["sad"], ARRAY(MOOD)))) == ["sad"]
        assert await db.scalar(select(cast(["cat"], ARRAY(KIND)))) == ["cat"]
        assert await db.scalar(select(literal("sad", MOOD))) == "sad"
        assert await db.scalar(select(literal("cat", KIND))) == "cat"


async def test_enums_of_python_are_told_apart(db: Database) -> None:
    for _ in range(3):
        for type_, wanted in ((PET, Pet.CAT), (FOOD, Food.CAT)):
            word = literal_column("'CAT'::text")
            assert await db.scalar(select(type_coerce(word, type_))) is wanted
            many = type_coerce(func.array_agg(word), ARRAY(type_))
            assert await db.scalar(select(many)) == [wanted]
            inner = select(type_coerce(word, type_).label("a")).subquery()
            assert await db.scalar(select(inner.c.a)) is wanted
        assert await db.scalar(select(literal(Pet.CAT, BY_VALUE))) is Pet.CAT
        assert await db.scalar(select(func.upper(literal(Pet.CAT, PET), type_=PET))) is Pet.CAT


async def test_decorated_types_are_told_apart(db: Database) -> None:
    pet, food = Decorated(Pet, native_enum=False), Decorated(Food, native_enum=False)
    ten, hundred = Scaled(by=10), Scaled(by=100)
    for _ in range(3):
        for type_, wanted in ((pet, Pet.CAT), (food, Food.CAT)):
            assert (
                await db.scalar(select(type_coerce(literal_column("'CAT'::text"), type_))) is wanted
            )
        for scaled, number in ((ten, 10), (hundred, 100)):
            assert await db.scalar(select(type_coerce(literal_column("1"), scaled))) == number


async def test_pages_tell_enums_apart(db: Database, schema: deepsearch.Schema, named: None) -> None:
    users = schema.users
    await db.execute(insert(users).values(id="ada", email="ada@example.com"))
    for _ in range(3):
        for type_, word in ((MOOD, "sad"), (KIND, "cat")):
            wanted = select(users.c.id, cast(word, type_).label("said"))
            assert (await db.page(wanted, order_by=users.c.id)).items == [("ada", word)]
        for python, member in ((PET, Pet.CAT), (FOOD, Food.CAT)):
            coerced = select(
                users.c.id, type_coerce(literal_column("'CAT'::text"), python).label("a")
            )
            assert (await db.page(coerced, order_by=users.c.id)).items == [("ada", member)]


OWN = Table("own", MetaData(), Column("id", Integer, primary_key=True), Column("kind", KIND))


def forms(type_: Any) -> list[Callable[[], ClauseElement]]:
    """Give every place in a statement where a type may stand."""
    u = SCHEMA.users.c

    def value() -> Any:
        return cast(u.name, type_)

    def rows() -> Any:
        return func.json_to_recordset("[]").table_valued(column("m", type_), joins_implicitly=True)

    return [
        lambda: select(value()),
        lambda: select(u.id).where(value() == value()),
        lambda: select(u.id).where(u.id == literal("a", type_)),
        lambda: select(u.id).where(literal_column("x", type_).in_(["a", "b"])),
        lambda: select(u.id).order_by(value().desc()).group_by(u.id, value()),
        lambda: select(case((u.id == "a", value()), else_=u.id)),
        lambda: select(func.max(value()).over(order_by=value())),
        lambda: select(func.count(u.id).filter(u.id == value())),
        lambda: select(func.f(u.id, type_=type_)),
        lambda: select(rows().c.m),
        lambda: select(select(value().label("a")).cte("part").c.a),
        lambda: union_all(select(value()), select(value())),
        lambda: select(u.id).where(u.id.in_(select(value()))),
        lambda: text("select x").columns(column("x", type_)),
        lambda: insert(SCHEMA.users).values(id=value()).returning(u.id),
        lambda: insert(SCHEMA.users).values(id="a").returning(value()),
        lambda: insert(SCHEMA.users).from_select(["id"], select(value())).returning(u.id),
        lambda: update(SCHEMA.users).values(id=value()).returning(u.id),
        lambda: delete(SCHEMA.users).where(u.id == value()).returning(u.id),
        lambda: (
            upsert_into(SCHEMA.users)
            .values(id="a")
            .on_conflict_do_update(index_elements=[u.id], set_={"id": value()}, where=u.id != "")
            .returning(u.id)
        ),
        lambda: (
            upsert_into(SCHEMA.users)
            .values(id="a")
            .on_conflict_do_update(index_elements=[u.id], set_={"id": "b"}, where=u.id == value())
            .returning(u.id)
        ),
        lambda: select(u.id).limit(5).offset(cast(bindparam(None, 3), type_)),
        lambda: select(u.id).ext(distinct_on(value())),
        lambda: select(u.id).join(SCHEMA.chats, SCHEMA.chats.c.user_id == value()),
        lambda: select(u.id).where(OWN.alias().c.kind == value()),
    ]


@pytest.mark.parametrize("number", range(len(forms(MOOD))))
def test_types_are_told_apart_wherever_they_stand(number: int) -> None:
    reuse = Reuse()
    for _ in range(4):
        for type_ in (MOOD, KIND, ARRAY(MOOD), ARRAY(KIND)):
            statement = forms(type_)[number]()
            fresh = compile_statement("select", statement)

            def make(name: str, statement: ClauseElement = statement) -> Any:
                return make_query(SCHEMA, statement, name)

            query, values = reuse.query(statement, None, make)
            assert query.statement.sql == fresh.sql
            assert query.statement.arguments(values) == fresh.arguments({})


@pytest.mark.parametrize(
    "make",
    [
        lambda n: select(cast("cat", KIND), literal(n)),
        lambda n: select(OWN).where(OWN.c.kind == "cat", OWN.c.id == n),
        lambda n: select(cast("CAT", Enum(Pet, name="pet")), literal(n)),  # made at each call
        lambda n: select(cast({"n": n}, Json(dict[str, int]))),
        lambda n: select(func.now() - func.make_interval(n)),
    ],
)
def test_one_with_such_types_is_compiled_twice_at_most(make: Callable[[int], Any]) -> None:
    reuse = Reuse()
    made: list[str] = []

    def query(name: str) -> Any:
        made.append(name)
        return make_query(SCHEMA, statement, name)

    for n in range(6):
        statement = make(n)
        reuse.query(statement, None, query)
    assert len(made) == 2


async def test_json_and_jsonb_are_told_apart(db: Database) -> None:
    for _ in range(3):
        for binary, wanted in ((True, "jsonb"), (False, "json")):
            given = cast({"n": 1}, Json(dict[str, int], binary=binary))
            assert await db.scalar(select(func.pg_typeof(given).op("::")(text("text")))) == wanted
    assert await db.scalar(select(func.pg_typeof(cast({}, JSONB)).op("::")(text("text"))))
    assert await db.scalar(select(func.pg_typeof(cast({}, JSON)).op("::")(text("text"))))


def test_the_memory_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "MAX_KEPT", 3)
    reuse = Reuse()
    for n in range(20):
        statement = select(cast("cat", KIND).label(f"n{n}"))
        for _ in range(3):
            reuse.query(statement, None, lambda name, s=statement: make_query(SCHEMA, s, name))
        assert len(reuse) <= 3
