"""Statements of the caller's own: tuples, records, RETURNING, and compiling them once."""

import enum
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    DateTime,
    Enum,
    Insert,
    Integer,
    Interval,
    MetaData,
    Numeric,
    Select,
    Table,
    Uuid,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert_into
from sqlalchemy.sql import ClauseElement

from chatkeep import (
    ConfigError,
    Database,
    InvalidInputError,
    MessageMetadata,
    NewMessage,
    NewUser,
    Source,
    User,
)
from chatkeep.access.catalogue import catalogue_of
from chatkeep.database.memory import MAX_KEPT
from chatkeep.database.prepared import make_query
from chatkeep.database.reuse import Reuse, reuse_of
from chatkeep.engine.compile import compile_statement
from chatkeep.presets import deepsearch

FULL = bool(os.environ.get("CHATKEEP_FULL"))
SCHEMA = deepsearch.schema(prefix="r_")
USERS, MESSAGES, SETTINGS = SCHEMA.users, SCHEMA.messages, SCHEMA.user_settings


def row(
    id: str,  # noqa: A002 - the column
    **more: Any,
) -> dict[str, Any]:
    return {"id": id, "email": f"{id}@example.com", **more}


# --- insert, update, upsert, delete with RETURNING -------------------------------------------------


async def test_insert_returning_a_whole_table_gives_the_record(
    db: Database, schema: deepsearch.Schema
) -> None:
    made = await db.one(insert(schema.users).values(row("ada", name="Ada")).returning(schema.users))
    assert isinstance(made, User)
    assert made == await db.users.get("ada")


async def test_insert_of_many_rows_returns_them_all(
    db: Database, schema: deepsearch.Schema
) -> None:
    users = schema.users
    statement = insert(users).values([row("ada"), row("bob")]).returning(users.c.id, users.c.email)
    assert await db.all(statement) == [("ada", "ada@example.com"), ("bob", "bob@example.com")]


async def test_update_returning_gives_what_it_wrote(
    db: Database, schema: deepsearch.Schema
) -> None:
    users = schema.users
    await db.execute(insert(users).values([row("ada"), row("bob")]))
    renamed = update(users).where(users.c.id == "ada").values(name="Ada")
    assert await db.one(renamed.returning(users.c.id, users.c.name)) == ("ada", "Ada")
    assert (await db.one(renamed.returning(users))).name == "Ada"


async def test_upsert_inserts_then_updates(db: Database, schema: deepsearch.Schema) -> None:
    users = schema.users

    def put(name: str) -> Insert:
        new = upsert_into(users).values(row("ada", name=name))
        changed = new.on_conflict_do_update(
            index_elements=[users.c.id], set_={"name": new.excluded.name}
        )
        return changed.returning(users)

    first: User = await db.one(put("Ada"))
    second: User = await db.one(put("Ada L."))
    assert (first.name, second.name) == ("Ada", "Ada L.")
    assert await db.users.count() == 1


async def test_do_nothing_gives_no_row(db: Database, schema: deepsearch.Schema) -> None:
    new = upsert_into(schema.users).values(row("ada")).on_conflict_do_nothing()
    assert await db.first(new.returning(schema.users.c.id)) == ("ada",)
    assert await db.first(new.returning(schema.users.c.id)) is None


async def test_delete_returning_gives_what_is_gone(db: Database, schema: deepsearch.Schema) -> None:
    users = schema.users
    await db.execute(insert(users).values([row("ada"), row("bob")]))
    gone = delete(users).where(users.c.id == "ada")
    assert isinstance(await db.one(gone.returning(users)), User)
    assert await db.all(gone.returning(users.c.id)) == []
    assert await db.users.count() == 1


async def test_json_goes_in_and_comes_back_in_its_type(
    db: Database, schema: deepsearch.Schema
) -> None:
    await db.users.create(NewUser(**row("ada")))
    chat = await db.chats.create("ada")
    messages = schema.messages
    sources = [Source(title="T", url="https://example.com", snippet="s")]
    new = insert(messages).values(
        id="m", chat_id=chat.id, user_id="ada", role="user", content="x", sources=sources
    )
    assert await db.one(new.returning(messages.c.sources)) == (sources,)
    changed = update(messages).values(metadata=MessageMetadata(model="m"))
    stored = await db.scalar(changed.returning(messages.c.metadata))
    assert stored == MessageMetadata(model="m")


async def test_reports_name_the_kind_of_statement(db: Database, schema: deepsearch.Schema) -> None:
    users = schema.users
    with db.statements() as sent:
        await db.all(insert(users).values(row("ada")).returning(users.c.id))
        await db.execute(update(users).values(name="x"))
        await db.all(select(users.c.id))
        await db.execute(delete(users))
    assert sent.names == ["insert", "update", "select", "delete"]


# --- compiled once -----------------------------------------------------------------------------------


async def test_the_values_of_each_call_are_its_own(db: Database, schema: deepsearch.Schema) -> None:
    users = schema.users
    names = ["ada", "bob", "cyd", "dan"]
    for name in names:
        await db.execute(insert(users).values(row(name)))
    for name in names:
        assert (
            await db.scalar(select(users.c.id).where(users.c.email == f"{name}@example.com"))
            == name
        )
    for length in (0, 1, 2, 3, 4, 3, 2, 0, 4, 1):
        wanted = select(users.c.id).where(users.c.id.in_(names[:length])).order_by(users.c.id)
        assert await db.all(wanted) == [(name,) for name in names[:length]]
    for limit in (1, 3, 2):
        assert len(await db.all(select(users.c.id).limit(limit))) == limit


async def test_a_statement_is_compiled_at_most_twice(
    db: Database, schema: deepsearch.Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []

    def counted(name: str, *args: Any, **kwargs: Any) -> Any:
        compiled.append(name)
        return compile_statement(name, *args, **kwargs)

    monkeypatch.setattr("chatkeep.database.prepared.compile_statement", counted)
    for n in range(10):
        await db.all(
            # Of its own form: what another test compiled for this schema is kept.
            select(schema.users.c.id.label("twice")).where(schema.users.c.id == f"{n}")
        )
    assert compiled == ["select", "select"]


async def test_a_null_character_is_refused_on_every_path(
    db: Database, schema: deepsearch.Schema
) -> None:
    for _ in range(3):
        with pytest.raises(InvalidInputError, match="NUL"):
            await db.all(select(schema.users.c.id).where(schema.users.c.name == "a\0b"))


async def test_a_statement_with_open_parameters_is_for_prepare(
    db: Database, schema: deepsearch.Schema
) -> None:
    statement = select(schema.users.c.id).where(schema.users.c.id == bindparam("id"))
    for _ in range(3):
        with pytest.raises(InvalidInputError, match="needs a value for its parameter 'id'"):
            await db.first(statement)


def test_the_least_used_goes_first() -> None:
    reuse = Reuse()

    def ask(number: int) -> None:
        statement = select(USERS.c.id.label(f"n{number}"))
        reuse.query(statement, None, lambda name: make_query(SCHEMA, statement, name))

    for number in range(MAX_KEPT + 20):
        ask(0)
        ask(number)
    assert len(reuse) == MAX_KEPT


def test_one_memory_for_a_schema() -> None:
    assert reuse_of(catalogue_of(SCHEMA)) is reuse_of(catalogue_of(SCHEMA))


words = st.text("abc é\\%_", max_size=5)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
small = st.integers(-5, 50)


def conditions() -> st.SearchStrategy[ColumnElement[bool]]:
    u = USERS.c
    leaf = st.one_of(
        words.map(lambda v: u.name == v),
        words.map(u.email.like),
        words.map(lambda v: func.lower(u.email) == func.lower(v)),
        words.map(lambda v: u.name.startswith(v, autoescape=True)),
        st.lists(words, max_size=4).map(u.id.in_),
        st.lists(words, max_size=4).map(u.id.not_in),
        st.lists(st.tuples(words, words), min_size=1, max_size=3).map(
            lambda v: tuple_(u.id, u.email).in_(v)
        ),
        moments.map(lambda v: u.created_at < v),
        st.tuples(moments, moments).map(lambda v: u.created_at.between(*v)),
        st.none().map(lambda v: u.name == v),
        st.booleans().map(u.is_admin.is_),
        words.map(
            lambda v: (
                exists().where(MESSAGES.c.user_id == u.id, MESSAGES.c.content == v).correlate(USERS)
            )
        ),
        st.sampled_from(["a", "b"]).map(lambda v: u.name == bindparam("same", v)),
        words.map(lambda v: u.name == bindparam(None, callable_=lambda: v)),
        words.map(lambda v: text("email <> :mine").bindparams(mine=v)),
        words.map(lambda v: MESSAGES.c.metadata["model"].astext == v),
        st.lists(words, max_size=3).map(
            lambda v: MESSAGES.c.sources == [Source(title=x, url="u", snippet="s") for x in v]
        ),
        st.timedeltas(timedelta(0), timedelta(9)).map(lambda v: u.created_at > func.now() - v),
        words.map(lambda v: u.id == literal(v, literal_execute=True)),
    )
    pair = st.lists(leaf, min_size=1, max_size=3)
    return st.one_of(leaf, pair.map(lambda v: and_(*v)), pair.map(lambda v: or_(*v)))


@st.composite
def statements(draw: st.DrawFn) -> ClauseElement:
    where = draw(conditions())
    kind = draw(
        st.sampled_from(
            [
                "columns",
                "table",
                "page",
                "union",
                "cte",
                "insert",
                "many",
                "upsert",
                "update",
                "delete",
            ]
        )
    )
    name, other = draw(words), draw(words)
    columns = select(USERS.c.id, literal(name).label("said"), USERS.c.name).where(where)
    if kind == "table":
        return select(USERS).where(where).order_by(USERS.c.id)
    if kind == "page":
        return columns.limit(draw(small)).offset(draw(small))
    if kind == "union":
        return union_all(
            columns, select(USERS.c.id, literal(other), USERS.c.email).limit(draw(small))
        )
    if kind == "cte":
        part = columns.cte("part")
        return (
            select(part.c.id, func.count(part.c.said))
            .where(part.c.said != other)
            .group_by(part.c.id)
        )
    new = {"id": name, "email": other, "created_at": draw(moments)}
    if kind == "insert":
        return insert(USERS).values(new).returning(USERS)
    if kind == "many":
        return insert(USERS).values([new, new]).returning(USERS.c.id)
    if kind == "upsert":
        made = upsert_into(USERS).values(new)
        return made.on_conflict_do_update(
            index_elements=[USERS.c.id],
            set_={"name": other, "email": made.excluded.email},
            where=where,
        ).returning(USERS.c.id)
    if kind == "update":
        return (
            update(USERS)
            .where(where)
            .values(name=name, email=USERS.c.email + other)
            .returning(USERS)
        )
    return delete(USERS).where(where).returning(USERS.c.id)


_shared = Reuse()


@given(statements(), st.booleans())
@settings(
    max_examples=5000 if FULL else 300, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
def test_what_is_found_again_is_what_would_be_compiled(
    statement: ClauseElement, again: bool
) -> None:
    """The shared memory meets statements of the same form with other values, in any order."""
    fresh = compile_statement("select", statement)
    for _ in range(3 if again else 1):
        query, values = _shared.query(statement, None, lambda n: make_query(SCHEMA, statement, n))
        assert query.statement.sql == fresh.sql
        assert query.statement.arguments(values) == fresh.arguments({})


def test_the_memory_is_used_at_all() -> None:
    """Fails when SQLAlchemy's cache key, which has no public name, changes or goes."""
    reuse = Reuse()
    made: list[str] = []

    def ask(statement: Select[*tuple[Any, ...]]) -> list[object]:
        def make(name: str) -> Any:
            made.append(name)
            return make_query(SCHEMA, statement, name)

        query, values = reuse.query(statement, None, make)
        return query.statement.arguments(values)

    for n in range(6):
        wanted = select(USERS).where(USERS.c.id.in_([f"{n}", "x"]), USERS.c.name == f"{n}").limit(n)
        assert ask(wanted) == compile_statement("select", wanted).arguments({})
    assert len(made) == 2


async def test_what_gives_no_rows_is_refused(db: Database, schema: deepsearch.Schema) -> None:
    with pytest.raises(ConfigError, match=r"gives no rows.*execute"):
        await db.all(insert(schema.users).values(row("ada")))  # type: ignore[call-overload]
    assert await db.users.count() == 0


def test_values_given_by_params_are_used() -> None:
    u = USERS.c
    reuse = Reuse()
    for n in range(5):
        wanted = select(u.id).where(
            u.id == bindparam("id"),
            u.name == bindparam("name", "default"),
            u.email.in_(bindparam("emails", expanding=True)),
        )
        given = wanted.params(id=f"{n}", name=f"name {n}", emails=["a", f"{n}"])
        query, values = reuse.query(
            given, None, lambda name, given=given: make_query(SCHEMA, given, name)
        )
        assert set(query.statement.arguments(values)) == {f"{n}", f"name {n}", "a"}


async def test_pages_use_values_given_by_params(db: Database, schema: deepsearch.Schema) -> None:
    users = schema.users
    await db.execute(insert(users).values([row(name) for name in ("ada", "bob", "cyd", "dan")]))
    wanted = select(users.c.id).where(users.c.id == bindparam("id", "ada"))
    for name in ("bob", "cyd", "dan", "bob"):
        page = await db.page(wanted.params(id=name), order_by=users.c.id)
        assert page.items == [(name,)]
    assert (await db.page(wanted, order_by=users.c.id)).items == [("ada",)]


def test_a_list_of_constants_beside_an_open_parameter() -> None:
    u = USERS.c
    wanted = select(u.id).where(u.id.in_(["a", "b"]), u.name == bindparam("name"))
    assert set(compile_statement("x", wanted).arguments({"name": "c"})) == {"a", "b", "c"}


class Color(enum.Enum):
    RED = "r"
    BLUE = "b"


PAINTED = Table(
    "painted",
    MetaData(),
    Column("id", Integer, primary_key=True, default=count(7).__next__),
    Column("color", Enum(Color, native_enum=False), nullable=False, default=Color.BLUE),
    Column("seen", DateTime(timezone=True)),
    Column("changes", Integer, onupdate=count(100).__next__),
)


def test_values_in_lists_are_written_as_any_other() -> None:
    painted = PAINTED.c
    for colors in ([Color.RED], [Color.RED, Color.BLUE], [Color.RED, Color.BLUE]):
        wanted = select(painted.id).where(
            painted.color.in_(colors),
            tuple_(painted.id, painted.color).in_([(n, c) for n, c in enumerate(colors)]),
        )
        names = [color.name for color in colors]
        pairs = [value for pair in enumerate(names) for value in pair]
        assert sorted(map(str, compile_statement("x", wanted).arguments({}))) == sorted(
            map(str, names + pairs)
        )
    naive = select(painted.id).where(painted.seen.in_([datetime(2026, 1, 1)]))  # noqa: DTZ001
    with pytest.raises(InvalidInputError, match="without a zone"):
        compile_statement("x", naive).arguments({})


def test_defaults_of_python_are_made_at_each_call() -> None:
    """They were sent as NULL before."""
    made = []
    for _ in range(4):
        new = insert(PAINTED).values(seen=None)
        query, values = _shared.query(
            new.returning(PAINTED.c.id),
            None,
            lambda n, new=new: make_query(SCHEMA, new.returning(PAINTED.c.id), n),
        )
        made.append(query.statement.arguments(values))
    numbers = [next(value for value in row if isinstance(value, int)) for row in made]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert all("BLUE" in row for row in made)
    prepared = compile_statement("x", update(PAINTED).values(seen=None))
    first, second = prepared.arguments({}), prepared.arguments({})
    assert [b - a for a, b in zip(first, second, strict=True) if isinstance(a, int)] == [1]
    given = compile_statement("x", insert(PAINTED).values(id=bindparam("id"), color=Color.RED))
    assert set(given.arguments({"id": 5})) == {5, "RED"}


async def test_tuples_hold_what_their_types_say(db: Database) -> None:
    """The driver gives a UUID, a Decimal, texts; SQLAlchemy's types promise other things."""
    key = "12345678-1234-5678-1234-567812345678"
    statement = select(
        cast(key, Uuid(as_uuid=False)),
        cast(literal(1.5), Numeric(asdecimal=False)),
        cast(literal(1.5), Numeric),
        type_coerce(func.array_agg(cast({"n": 1}, JSONB)), ARRAY(JSONB)),
        type_coerce(func.array_agg(literal_column("'RED'::text")), ARRAY(Enum(Color))),
        cast(timedelta(days=1), Interval),
    )
    for _ in range(3):
        found = await db.one(statement)
        assert found == (key, 1.5, Decimal("1.5"), [{"n": 1}], [Color.RED], timedelta(days=1))
        assert [type(value) for value in found[:3]] == [str, float, Decimal]


async def test_long_lists_of_messages(db: Database, schema: deepsearch.Schema) -> None:
    await db.users.create(NewUser(**row("ada")))
    chat = await db.chats.create("ada")
    stored = await db.messages.append(
        chat.id, *(NewMessage(role="user", content=f"{n}") for n in range(50))
    )
    ids = [message.id for message in stored]
    found = await db.all(select(schema.messages).where(schema.messages.c.id.in_(ids)))
    assert sorted(message.id for message in found) == sorted(ids)
