"""Nested rows: what is loaded, what is refused, and that no row goes astray."""

import dataclasses
import os
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

import msgspec
import pydantic
import pytest
import pytest_asyncio
from examples.extending.app_schema import AppSchema
from sqlalchemy import (
    Column,
    Identity,
    Integer,
    Named,
    String,
    TypedColumns,
    bindparam,
    exists,
    insert,
    select,
)

from chatkeep import (
    ChatWithMessages,
    ConfigError,
    Database,
    InvalidInputError,
    Message,
    NewAccount,
    NewMessage,
    NewUser,
    NotFoundError,
    User,
    UserSettings,
    UserWithAccounts,
    nested,
)
from chatkeep.access.nested.shape import nested_query
from chatkeep.access.nested.tree import tree_of
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch, maps
from chatkeep.schema.parts import foreign_key
from chatkeep.schema.relations import Declarations, many
from chatkeep.schema.tables import TableDef
from fixtures.servers import Databases, PgServer


class Line(msgspec.Struct):
    id: str
    content: str


class ChatTree(msgspec.Struct):
    id: str
    title: str
    user: User
    messages: list[Line]


class UserTree(msgspec.Struct):
    id: str
    email: str
    chats: list[ChatTree]


@pytest.fixture(scope="session")
def schema() -> deepsearch.Schema:
    return deepsearch.schema(prefix="ai-app-template_")


async def test_a_tree_of_three_levels_is_one_statement(
    db: Database, schema: deepsearch.Schema
) -> None:
    users = [await db.users.create(NewUser(email=f"u{n}@example.com")) for n in range(2)]
    for user in users:
        for title in ("A", "B", "C"):
            mine = db.as_user(user.id)
            chat = await mine.chats.create(title=title)
            await mine.messages.append(
                chat.id,
                *(NewMessage(role="user", content=f"{user.email} {title} {n}") for n in range(5)),
            )
    by_id = db.prepare(
        nested(schema.users, into=UserTree)
        .where(schema.users.c.id == bindparam("id"))
        .nest(
            "chats",
            where=schema.chats.c.title != bindparam("title"),
            order_by=[schema.chats.c.updated_at.desc()],
            limit=2,
        )
        .nest("chats.messages", order_by=schema.messages.c.seq.desc(), limit=bindparam("n"))
    )
    with db.statements() as sent:
        tree = await by_id.first(id=users[1].id, title="C", n=2)
    assert len(sent.names) == 1
    assert tree is not None
    assert [chat.title for chat in tree.chats] == ["B", "A"]
    assert all(chat.user == users[1] for chat in tree.chats)
    assert [line.content for line in tree.chats[0].messages] == [
        "u1@example.com B 4",
        "u1@example.com B 3",
    ]
    assert await by_id.first(id="nobody", title="", n=1) is None
    with pytest.raises(InvalidInputError, match="title"):
        await by_id.first(id="nobody", n=1)


async def test_the_records_of_the_preset_are_trees(
    db: Database, user: User, schema: deepsearch.Schema
) -> None:
    mine = db.as_user(user.id)
    chat = await mine.chats.create(title="T")
    await mine.messages.append(chat.id, NewMessage(role="user", content="x"))
    await db.accounts.create(
        NewAccount(user_id=user.id, type="oauth", provider="p", provider_account_id="1")
    )
    by_seq = nested(schema.chats, into=ChatWithMessages).nest(
        "messages", order_by=schema.messages.c.seq
    )
    assert await db.all(by_seq) == [await mine.chats.get(chat.id, messages=10)]
    assert await db.one(nested(schema.users, into=UserWithAccounts)) == await db.users.get(
        user.id, with_accounts=True
    )
    async with db.transaction() as tx:
        assert (await tx.one(by_seq)).id == chat.id


async def test_one_relations_are_an_object_or_none(
    db: Database, user: User, schema: deepsearch.Schema
) -> None:
    class WithSettings(msgspec.Struct):
        id: str
        user_settings: UserSettings | None

    class Upwards(msgspec.Struct):
        content: str
        chat: ChatTree

    query = nested(schema.users, into=WithSettings)
    assert (await db.one(query)).user_settings is None
    settings = await db.as_user(user.id).settings.get()
    await db.execute(insert(schema.user_settings).values(user_id=user.id, theme="light"))
    found = (await db.one(query)).user_settings
    assert isinstance(found, UserSettings)
    assert (found.user_id, found.theme) == (settings.user_id, "light")

    chat = await db.as_user(user.id).chats.create(title="T")
    await db.as_user(user.id).messages.append(chat.id, NewMessage(role="user", content="x"))
    up = await db.one(nested(schema.messages, into=Upwards))
    assert up.chat.user == user
    assert [line.content for line in up.chat.messages] == ["x"]

    @dataclasses.dataclass
    class Owned:
        id: str
        user: User | None

    admins = nested(schema.chats, into=Owned).nest("user", where=schema.users.c.is_admin)
    assert (await db.one(admins)).user is None


async def test_pydantic_models_and_dataclasses_nest_in_one_another(
    db: Database, user: User, schema: deepsearch.Schema
) -> None:
    class MessageModel(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(frozen=True)
        text: Annotated[str, pydantic.Field(alias="never")] = ""
        content: str = pydantic.Field(validation_alias="theContent", min_length=1)

    class Bad(pydantic.BaseModel):
        content: str
        chats: int

    class M(pydantic.BaseModel):
        content: str = pydantic.Field(validation_alias="theContent", max_length=3)

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class C:
        title: str
        messages: list[M]

    class U(pydantic.BaseModel):
        email: str
        chats: list[C]

    chat = await db.as_user(user.id).chats.create(title="T")
    await db.as_user(user.id).messages.append(chat.id, NewMessage(role="user", content="abc"))
    tree = await db.one(nested(schema.users, into=U))
    assert isinstance(tree, U)
    assert isinstance(tree.chats[0], C)
    assert isinstance(tree.chats[0].messages[0], M)
    assert tree.chats[0].messages[0].content == "abc"
    for wrong in (MessageModel, Bad):
        with pytest.raises(ConfigError, match="no column and no relation of messages"):
            db.prepare(nested(schema.messages, into=wrong))


async def test_what_a_class_refuses_is_said_without_its_content(
    db: Database, user: User, schema: deepsearch.Schema
) -> None:
    class M(pydantic.BaseModel):
        content: str = pydantic.Field(max_length=3)

    class C(msgspec.Struct):
        messages: list[M]

    chat = await db.as_user(user.id).chats.create(title="T")
    await db.as_user(user.id).messages.append(
        chat.id, NewMessage(role="user", content="hidden word")
    )
    with pytest.raises(Exception, match="does not have the shape") as caught:
        await db.one(nested(schema.chats, into=C))
    assert "hidden" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_ad_hoc_calls_and_none(db: Database, user: User, schema: deepsearch.Schema) -> None:
    query = nested(schema.users, into=UserTree)
    assert await db.first(query) == UserTree(user.id, user.email, [])
    assert await db.all(query.where(schema.users.c.id == "x")) == []
    with pytest.raises(NotFoundError):
        await db.one(query.where(schema.users.c.id == "x"))
    with pytest.raises(ConfigError, match="leave `into` out"):
        db.prepare(query, into=UserTree)  # type: ignore[call-overload]


def test_each_method_gives_a_new_object(schema: deepsearch.Schema) -> None:
    query = nested(schema.users, into=UserTree)
    assert query.limit(1) is not query
    assert query.where(schema.users.c.id == "x").level.where
    query.nest("chats", limit=1)
    assert query == nested(schema.users, into=UserTree)


def test_an_object_that_is_kept_is_compiled_once(schema: deepsearch.Schema) -> None:
    query = nested(schema.users, into=UserTree)
    first = nested_query(schema, query, "select")
    assert nested_query(schema, query, "select") is first
    assert "LIMIT" in nested_query(schema, query.limit(1), "select").statement.sql
    assert "LIMIT" not in first.statement.sql


def order_of(schema: deepsearch.Schema, query: Any) -> str:
    sql = nested_query(schema, query, "select").statement.sql
    return sql.rsplit("ORDER BY ", 1)[1].split(")")[0].replace("\n", "").strip()


def test_an_order_is_completed_so_that_no_two_rows_are_alike(schema: deepsearch.Schema) -> None:
    class Entry(msgspec.Struct):
        id: int

    cache = schema.search_cache
    query = nested(cache, into=Entry)
    table = '"ai-app-template_search_cache"'
    for order, wanted in [
        ([], f"{table}.id ASC"),
        ([cache.c.id.desc()], f"{table}.id DESC"),
        ([cache.c.key_hash], f"{table}.key_hash, {table}.id ASC"),  # unique, but may be NULL
        ([cache.c.query.desc()], f"{table}.query DESC, {table}.id DESC"),
        (
            [cache.c.key_hash.desc().nulls_last()],
            f"{table}.key_hash DESC NULLS LAST, {table}.id DESC",
        ),
        ([cache.c.query.label("id")], f"{table}.query, {table}.id ASC"),
    ]:
        assert order_of(schema, query.order_by(*order)) == wanted
    chats = nested(schema.chats, into=ChatWithMessages)
    by_seq = chats.nest("messages", order_by=schema.messages.c.seq)
    inner = nested_query(schema, by_seq, "select").statement.sql
    assert 'ORDER BY "ai-app-template_message".seq)' in inner  # unique within its chat


# What is refused when it is prepared.


class BadColumn(msgspec.Struct):
    nonesuch: str


class BadType(msgspec.Struct):
    id: int


class BadNull(msgspec.Struct):
    name: str


class Empty(msgspec.Struct):
    pass


class OneForMany(msgspec.Struct):
    chats: ChatTree


class Absent(msgspec.Struct):
    user_settings: UserSettings


class ManyForOne(msgspec.Struct):
    user: list[User]


class NoClass(msgspec.Struct):
    chats: list[dict[str, Any]]


class Endless(msgspec.Struct):
    user: "EndlessUser"


class EndlessUser(msgspec.Struct):
    chats: list[Endless]


class Owned(msgspec.Struct):
    user: User


@pytest.mark.parametrize(
    ("table", "into", "message"),
    [
        ("users", BadColumn, r"BadColumn\.nonesuch is no column and no relation.*accounts"),
        ("users", BadType, r"BadType\.id is int, which cannot hold"),
        ("users", BadNull, r"BadNull\.name is str, but the column may be NULL"),
        ("users", OneForMany, r"OneForMany\.chats .*needs list"),
        ("users", Absent, r"Absent\.user_settings .*may be absent"),
        ("chats", ManyForOne, r"ManyForOne\.user .*needs one class"),
        ("users", NoClass, r"NoClass\.chats .*needs list"),
        ("chats", Endless, r"Endless holds itself"),
        ("search_cache", Owned, r"Owned\.user is no column and no relation.*relations: none"),
        ("users", Empty, "Empty has no fields"),
        ("users", dict, "takes a dataclass, a msgspec Struct or a Pydantic model"),
    ],
)
def test_a_class_that_does_not_fit_is_refused(
    schema: deepsearch.Schema, table: str, into: type[Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        tree_of(schema, nested(schema.tables[table], into=into))


def test_levels_that_do_not_fit_are_refused(schema: deepsearch.Schema) -> None:
    users, chats, messages = schema.users, schema.chats, schema.messages
    query = nested(users, into=UserTree)
    for wrong, message in [
        (query.nest("chat", limit=1), r"loads no relation `chat`.*chats, chats.user"),
        (query.nest("accounts", limit=1), "loads no relation `accounts`"),
        (query.nest("chats.user", limit=1), "it takes no order and no limit"),
        (query.nest("chats.user", where=users.c.is_admin), "has a condition"),
        (query.nest("chats", where=users.c.is_admin), "is about .*user, not .*chat"),
        (query.nest("chats", order_by=messages.c.seq), "is about .*message, not .*chat"),
        (query.where(chats.c.title == "x"), "is about .*chat, not .*user"),
    ]:
        with pytest.raises(ConfigError, match=message):
            tree_of(schema, wrong)
    with pytest.raises(ConfigError, match="no table of this schema"):
        tree_of(schema, nested(maps.schema().users, into=UserTree))
    for limit in (0, -1, 1001, True, "5", 2.5):
        with pytest.raises(ConfigError, match="from 1 to 1000"):
            query.limit(limit)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="from 1 to 1000"):
            query.nest("chats", limit=limit)  # type: ignore[arg-type]


async def test_a_parameter_of_two_types_is_refused_and_one_of_one_is_shared(
    db: Database, user: User, schema: deepsearch.Schema
) -> None:
    query = nested(schema.users, into=UserTree).where(schema.users.c.id == bindparam("x"))
    with pytest.raises(ConfigError, match="`x` is used with two types"):
        db.prepare(query.nest("chats.messages", where=schema.messages.c.seq > bindparam("x")))
    shared = db.prepare(query.nest("chats", where=schema.chats.c.title == bindparam("x")))
    tree = await shared.first(x=user.id)
    assert tree is not None
    assert tree.chats == []


async def test_conditions_on_other_tables_are_asked_with_exists(
    db: Database, user: User, schema: deepsearch.Schema
) -> None:
    mine = db.as_user(user.id)
    full, _empty = [await mine.chats.create(title=title) for title in ("full", "empty")]
    await mine.messages.append(full.id, NewMessage(role="user", content="x"))
    chats, messages = schema.chats, schema.messages
    spoken = exists().where(messages.c.chat_id == chats.c.id)
    tree = await db.one(nested(schema.users, into=UserTree).nest("chats", where=spoken))
    assert [chat.title for chat in tree.chats] == ["full"]
    same = chats.c.id.in_(select(chats.alias().c.id))
    tree = await db.one(nested(schema.users, into=UserTree).nest("chats", where=same))
    assert len(tree.chats) == 2


# Tables of an application.


class TopicColumns(TypedColumns):
    id: Named[int] = Column(Integer, Identity(always=False), primary_key=True)
    parent_id: Named[int | None] = Column(Integer)
    name: Named[str] = Column(String(50))


class TopicSchema(deepsearch.Schema):
    topics = TableDef(
        "topic", TopicColumns, (foreign_key("parent_id", references="topics", on_delete="cascade"),)
    )
    declared_relations: ClassVar[Declarations] = {
        "topics": {"children": many("topics", foreign_key="parent_id")}
    }


class Parent(msgspec.Struct):
    name: str


class Leaf(msgspec.Struct):
    name: str
    parent: Parent | None


class Branch(msgspec.Struct):
    name: str
    parent: Parent | None
    children: list[Leaf]


class Root(msgspec.Struct):
    name: str
    parent: Parent | None
    children: list[Branch]


async def test_a_table_that_refers_to_itself_at_each_level(database_url: str) -> None:
    schema = TopicSchema(prefix="t_")
    await create_tables(schema, database_url)
    async with Database(schema, database_url) as db:
        rows = [(1, None, "a"), (2, 1, "b"), (3, 1, "c"), (4, 2, "d"), (5, None, "e"), (6, 5, "f")]
        for id_, parent, name in rows:
            await db.execute(insert(schema.topics).values(id=id_, parent_id=parent, name=name))
        query = nested(schema.topics, into=Root).where(schema.topics.c.parent_id.is_(None))
        assert await db.all(query.nest("children", order_by=schema.topics.c.name.desc())) == [
            Root(
                "a",
                None,
                [
                    Branch("c", Parent("a"), []),
                    Branch("b", Parent("a"), [Leaf("d", Parent("b"))]),
                ],
            ),
            Root("e", None, [Branch("f", Parent("e"), [])]),
        ]


async def test_an_applications_own_table(database_url: str) -> None:
    class Journey(msgspec.Struct):
        title: str
        user: User

    class Traveller(msgspec.Struct):
        home_city: str | None
        itineraries: list[Journey]

    schema = AppSchema(prefix="app_")
    await create_tables(schema, database_url)
    async with Database(schema, database_url) as db:
        user = await db.users.create(NewUser(email="a@example.com"))
        for n in range(3):
            row = {"id": f"i{n}", "user_id": user.id, "title": f"T{n}"}
            await db.execute(insert(schema.itineraries).values(**row))
        found = await db.one(nested(schema.users, into=Traveller).nest("itineraries", limit=2))
        assert [journey.title for journey in found.itineraries] == ["T0", "T1"]
        assert found.itineraries[0].user.email == user.email


# Random trees against a plain model of what they should be.


@dataclasses.dataclass
class World:
    users: list[dict[str, Any]]
    chats: list[dict[str, Any]]
    messages: list[dict[str, Any]]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def world(pg18: PgServer) -> AsyncIterator[tuple[Database, deepsearch.Schema, World]]:
    schema = deepsearch.schema(prefix="w_")
    databases = Databases(pg18)
    url = await databases()
    await create_tables(schema, url)
    chance = random.Random(20261121)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    users = [{"id": f"u{n}", "email": f"u{n}@example.com"} for n in range(12)]
    chats = [
        {
            "id": f"c{n:03}",
            "user_id": f"u{chance.randrange(10)}",
            "title": chance.choice("abc"),
            "updated_at": start + timedelta(microseconds=chance.randrange(5)),
        }
        for n in chance.sample(range(200), 80)
    ]
    owners = {chat["id"]: chat["user_id"] for chat in chats}
    messages = [
        {
            "id": f"m{n:04}",
            "chat_id": chat,
            "user_id": owners[chat],
            "role": chance.choice(["user", "assistant"]),
            "content": chance.choice("xyz"),
            "seq": n + 1,
        }
        for n, chat in enumerate(chance.choices(list(owners), k=600))
    ]
    async with Database(schema, url) as db:
        for table, rows in (
            (schema.users, users),
            (schema.chats, chats),
            (schema.messages, messages),
        ):
            await db.copy(table, rows)
        yield db, schema, World(users, chats, messages)
    await databases.drop()


class RandomMessage(msgspec.Struct):
    id: str
    seq: int


class RandomOwner(msgspec.Struct):
    id: str


class RandomChat(msgspec.Struct, rename="camel"):
    id: str
    user: RandomOwner
    updated_at: datetime
    messages: list[RandomMessage]


class RandomUser(msgspec.Struct):
    id: str
    chats: list[RandomChat]


@dataclasses.dataclass
class Choice:
    """One level's filter, order and limit, for SQL and for the model."""

    where: tuple[str, str] | None
    order: list[tuple[str, bool]]
    limit: int | None

    def level(self, table: Any) -> dict[str, Any]:
        return {
            "where": [] if self.where is None else [table.c[self.where[0]] == self.where[1]],
            "order_by": [table.c[n].desc() if down else table.c[n] for n, down in self.order],
            "limit": self.limit,
        }

    def apply(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = [r for r in rows if self.where is None or r[self.where[0]] == self.where[1]]
        down = self.order[-1][1] if self.order else False
        kept.sort(key=lambda row: row["id"], reverse=down)
        for name, is_down in reversed(self.order):
            kept.sort(key=lambda row: row[name], reverse=is_down)
        return kept[: self.limit]


def choose(chance: random.Random, filters: list[tuple[str, str]], columns: list[str]) -> Choice:
    order = chance.sample(columns, chance.randrange(len(columns) + 1))
    return Choice(
        chance.choice([None, *filters]),
        [(name, chance.random() < 0.5) for name in order],
        chance.choice([None, 1, 2, 3, 10, 1000]),
    )


RUNS = 600 if os.environ.get("CHATKEEP_FULL") else 60


@pytest.mark.slow
async def test_random_trees_are_what_a_plain_model_says(
    world: tuple[Database, deepsearch.Schema, World],
) -> None:
    db, schema, data = world
    for seed in range(RUNS):
        chance = random.Random(seed)
        top = choose(chance, [("id", "u3"), ("id", "u11")], ["email", "id"])
        chats = choose(chance, [("title", "a"), ("title", "b")], ["updated_at", "title", "id"])
        lines = choose(chance, [("role", "user"), ("content", "x")], ["seq", "role", "content"])
        level = top.level(schema.users)
        query = nested(schema.users, into=RandomUser).where(*level["where"])
        query = query.order_by(*level["order_by"])
        query = query if top.limit is None else query.limit(top.limit)
        query = query.nest("chats", **chats.level(schema.chats))
        query = query.nest("chats.messages", **lines.level(schema.messages))
        with db.statements() as sent:
            found = await db.all(query)
        assert len(sent.names) == 1
        expected = [
            RandomUser(
                user["id"],
                [
                    RandomChat(
                        chat["id"],
                        RandomOwner(user["id"]),
                        chat["updated_at"],
                        [
                            RandomMessage(line["id"], line["seq"])
                            for line in lines.apply(
                                [m for m in data.messages if m["chat_id"] == chat["id"]]
                            )
                        ],
                    )
                    for chat in chats.apply([c for c in data.chats if c["user_id"] == user["id"]])
                ],
            )
            for user in top.apply(list(data.users))
        ]
        assert found == expected, f"seed {seed}"


def test_what_msgspec_decodes_itself_is_left_to_it(schema: deepsearch.Schema) -> None:
    """The records of the preset go straight into C; a Pydantic model cannot."""

    class Model(pydantic.BaseModel):
        id: str

    class WithModel(msgspec.Struct):
        messages: list[Model]

    plain = tree_of(schema, nested(schema.chats, into=ChatWithMessages))
    assert plain.links[0].node.is_plain
    assert tree_of(schema, nested(schema.users, into=UserWithAccounts)).links[0].node.is_plain
    assert not tree_of(schema, nested(schema.chats, into=WithModel)).links[0].node.is_plain
    assert Message in {link.node.into for link in plain.links}
