"""Rows into a class of the caller's: dataclass, msgspec Struct, Pydantic model."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import msgspec
import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass as pydantic_dataclass
from sqlalchemy import (
    JSON,
    Column,
    Enum,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    cast,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chatkeep import (
    ConfigError,
    Database,
    MessageMetadata,
    NewMessage,
    NewUser,
    Source,
    StoredDataError,
    TokenUsage,
    User,
)
from chatkeep.database.prepared import make_query
from chatkeep.presets import deepsearch

SCHEMA = deepsearch.schema(prefix="i_")
U, M = SCHEMA.users.c, SCHEMA.messages.c


class PersonStruct(msgspec.Struct):
    id: str
    name: str | None


@dataclass
class PersonData:
    id: str
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonByName:
    id: str
    name: str | None


class PersonModel(BaseModel):
    id: str
    name: str | None


@pydantic_dataclass
class PersonChecked:
    id: str
    name: str | None


KINDS = [PersonStruct, PersonData, PersonByName, PersonModel, PersonChecked]


@pytest.fixture
async def people(db: Database) -> Database:
    await db.users.create(NewUser(id="ada", email="ada@example.com", name="Ada"))
    await db.users.create(NewUser(id="bob", email="bob@example.com"))
    return db


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_is_built_by_every_call(
    people: Database, schema: deepsearch.Schema, kind: type[Any]
) -> None:
    users = schema.users
    statement = select(users.c.id, users.c.name).order_by(users.c.id)
    ada, bob = kind(id="ada", name="Ada"), kind(id="bob", name=None)
    assert await people.all(statement, into=kind) == [ada, bob]
    assert await people.first(statement, into=kind) == ada
    assert await people.one(statement.where(users.c.id == "bob"), into=kind) == bob
    assert [row async for row in people.stream(statement, into=kind)] == [ada, bob]
    prepared = people.prepare(statement, into=kind)
    assert await prepared.all() == [ada, bob]
    assert await prepared.first() == ada
    assert [row async for row in prepared.stream()] == [ada, bob]
    async with people.transaction() as tx:
        assert await tx.all(statement, into=kind) == [ada, bob]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_order_of_columns_does_not_matter(
    people: Database, schema: deepsearch.Schema, kind: type[Any]
) -> None:
    users = schema.users
    statement = select(users.c.name, users.c.id).where(users.c.id == "ada")
    assert await people.one(statement, into=kind) == kind(id="ada", name="Ada")


@pytest.mark.parametrize("kind", KINDS)
async def test_what_writes_gives_objects_too(
    people: Database, schema: deepsearch.Schema, kind: type[Any]
) -> None:
    users = schema.users
    columns = users.c.id, users.c.name
    new = insert(users).values(id="cyd", email="c@example.com", name="Cyd").returning(*columns)
    assert await people.one(new, into=kind) == kind(id="cyd", name="Cyd")
    changed = update(users).where(users.c.id == "cyd").values(name=None).returning(*columns)
    assert await people.one(changed, into=kind) == kind(id="cyd", name=None)
    gone = delete(users).where(users.c.id == "cyd").returning(*columns)
    assert await people.one(gone, into=kind) == kind(id="cyd", name=None)


async def test_fields_with_defaults_need_no_column(
    people: Database, schema: deepsearch.Schema
) -> None:
    @dataclass
    class Shown:
        id: str
        tags: list[str] = field(default_factory=list[str])
        name: str | None = "nobody"

    users = schema.users
    bob = people.prepare(select(users.c.id).where(users.c.id == "bob"), into=Shown)
    assert await bob.one() == Shown("bob", [], "nobody")
    named = select(users.c.name, users.c.id).where(users.c.id == "ada")
    assert await people.one(named, into=Shown) == Shown("ada", [], "Ada")


async def test_a_record_of_ours_and_a_join(people: Database, schema: deepsearch.Schema) -> None:
    class Titled(msgspec.Struct):
        title: str
        owner: str | None
        messages: int

    chat = await people.chats.create("ada", title="Trees")
    await people.messages.append(chat.id, NewMessage(role="user", content="x"))
    users, chats, messages = schema.users, schema.chats, schema.messages
    statement = (
        select(chats.c.title, users.c.name.label("owner"), func.count().label("messages"))
        .join_from(chats, users, chats.c.user_id == users.c.id)
        .join(messages, messages.c.chat_id == chats.c.id)
        .group_by(chats.c.title, users.c.name)
    )
    assert await people.all(statement, into=Titled) == [Titled("Trees", "Ada", 1)]
    found = await people.all(select(users).order_by(users.c.id), into=User)
    assert found == [await people.users.get("ada"), await people.users.get("bob")]


# --- JSON ------------------------------------------------------------------------------------------------


class Url(msgspec.Struct):
    url: str


class LinkModel(BaseModel):
    title: str
    url: str


@pytest.fixture
async def told(people: Database) -> Database:
    chat = await people.chats.create("ada")
    said = NewMessage(
        role="user",
        content="x",
        sources=[Source(title="T", url="https://example.com", snippet="s")],
        metadata=MessageMetadata(model="m", tokens=TokenUsage(prompt=1, completion=2, total=3)),
    )
    await people.messages.append(chat.id, said, NewMessage(role="user", content="y"))
    return people


async def test_json_is_decoded_into_the_field(told: Database, schema: deepsearch.Schema) -> None:
    class Linked(msgspec.Struct):
        sources: list[Url] | None

    @dataclass
    class Counted:
        sources: tuple[dict[str, str], ...] | None
        metadata: MessageMetadata | None

    @dataclass
    class Mixed:  # a Pydantic model in a dataclass: msgspec does not know it
        sources: list[LinkModel] | None

    m = schema.messages.c
    ordered = select(m.sources).order_by(m.seq)
    assert await told.all(ordered, into=Linked) == [
        Linked([Url("https://example.com")]), Linked(None),
    ]  # fmt: skip
    assert await told.first(ordered, into=Mixed) == Mixed(
        [LinkModel(title="T", url="https://example.com")]
    )
    counted = await told.first(select(m.metadata, m.sources).order_by(m.seq), into=Counted)
    assert counted is not None
    assert counted.sources == ({"title": "T", "url": "https://example.com", "snippet": "s"},)
    assert counted.metadata is not None
    assert counted.metadata.tokens == TokenUsage(prompt=1, completion=2, total=3)


async def test_json_in_a_model_is_validated(told: Database, schema: deepsearch.Schema) -> None:
    class Told(BaseModel):
        model_config = ConfigDict(strict=True)
        content: str
        sources: list[LinkModel] | None
        metadata: MessageMetadata | None

    m = schema.messages.c
    first, second = await told.all(
        select(m.content, m.sources, m.metadata).order_by(m.seq), into=Told
    )
    assert first.sources == [LinkModel(title="T", url="https://example.com")]
    assert first.metadata is not None
    assert first.metadata.model == "m"
    assert second.sources is None


async def test_stored_json_of_another_shape(told: Database, schema: deepsearch.Schema) -> None:
    class Dated(msgspec.Struct):
        sources: list[date] | None

    with pytest.raises(StoredDataError, match='column "sources"') as caught:
        await told.all(select(schema.messages.c.sources), into=Dated)
    assert "example.com" not in f"{caught.value!r} {caught.value.__cause__!r}"


# --- Pydantic ------------------------------------------------------------------------------------------


async def test_a_model_validates_and_says_the_place_alone(
    people: Database, schema: deepsearch.Schema
) -> None:
    def refuse(value: str) -> str:
        if value == "ada":
            raise ValueError(f"not {value}")
        return value.upper()

    class Strict(BaseModel):
        id: Annotated[str, AfterValidator(refuse)]

    users = schema.users
    assert await people.one(select(users.c.id).where(users.c.id == "bob"), into=Strict) == Strict(
        id="bob"
    )
    with pytest.raises(StoredDataError, match="Strict: id") as caught:
        await people.all(select(users.c.id), into=Strict)
    assert "ada" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_a_model_with_aliases_is_filled_by_its_fields(
    people: Database, schema: deepsearch.Schema
) -> None:
    class Aliased(BaseModel):
        id: str = Field(alias="name")  # the alias of one is the other's name
        name: str | None = Field(alias="theName")

    users = schema.users
    found = await people.one(
        select(users.c.id, users.c.name).where(users.c.id == "ada"), into=Aliased
    )
    assert (found.id, found.name) == ("ada", "Ada")


async def test_a_model_converts_what_pydantic_converts(people: Database) -> None:
    class Converted(BaseModel):
        key: UUID
        amount: Decimal
        seen: set[str]

    statement = select(
        literal("12345678-1234-5678-1234-567812345678").label("key"),
        literal(3).label("amount"),
        cast(["a", "b"], ARRAY(Text)).label("seen"),
    )
    found = await people.one(statement, into=Converted)
    assert found.key == UUID("12345678-1234-5678-1234-567812345678")
    assert (found.amount, found.seen) == (Decimal(3), {"a", "b"})


# --- columns and fields are compared when the statement is prepared -------------------------------------


def prepare(statement: Any, into: Any) -> Any:
    return make_query(SCHEMA, statement, "prepared", into)


def struct(**fields: Any) -> type[msgspec.Struct]:
    return msgspec.defstruct("Row", list(fields.items()))


def model(**fields: Any) -> type[BaseModel]:
    return type("Row", (BaseModel,), {"__annotations__": fields, "__module__": __name__})


@pytest.mark.parametrize("make", [struct, model])
@pytest.mark.parametrize(
    ("columns", "fields", "said"),
    [
        ([U.id], {"id": str, "name": str}, r"Row\.name has no column and no default"),
        ([U.id, U.name], {"id": str}, r"the column name has no field in Row"),
        ([U.id], {"id": int}, r"Row\.id is int, which cannot hold the column id: String"),
        ([U.name], {"name": int | None}, r"cannot hold the column name"),
        ([U.name], {"name": str}, r"Row\.name is str, but the column name may be NULL"),
        ([U.is_admin], {"is_admin": str}, r"Row\.is_admin is str"),
        ([U.created_at], {"created_at": str}, r"Row\.created_at is str"),
        ([U.created_at], {"created_at": date}, r"Row\.created_at is date"),
        ([(U.created_at - U.updated_at).label("t")], {"t": int}, r"Row\.t is int"),
        ([M.seq], {"seq": str}, r"Row\.seq is str"),
        ([M.role], {"role": Literal[1, 2]}, r"Row\.role is Literal"),
        ([M.sources], {"sources": list[Source]}, r"Row\.sources is .*may be NULL"),
        ([func.count().label("n")], {"n": str}, r"Row\.n is str"),
        ([U.id, M.id], {"id": str}, r"no field in Row|several columns are called id"),
    ],
)
def test_what_does_not_fit_is_named(
    make: Any, columns: list[Any], fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        prepare(select(*columns), make(**fields))


class Kind(enum.Enum):
    USER = "user"
    TOOL = "tool"


class Level(enum.IntEnum):
    LOW = 1


UserId = NewType("UserId", str)
OTHER = Table(
    "other",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("text_id", Uuid(as_uuid=False), nullable=False),
    Column("kind", Enum(Kind, name="kind"), nullable=False),
    Column("price", Numeric(10, 2), nullable=False),
    Column("rate", Numeric(10, 2, asdecimal=False), nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("parts", ARRAY(JSONB), nullable=False),
    Column("level", Integer, nullable=False),
    Column("plain", JSON, nullable=False),
)
O = OTHER.c  # noqa: E741 - as U and M


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ([U.id], {"id": UserId}),
        ([U.id], {"id": Any}),
        ([U.id], {"id": object}),
        ([U.id], {"id": Annotated[str, msgspec.Meta(max_length=9)]}),
        ([U.id], {"id": str | int}),
        ([U.id], {"id": str | None}),
        ([U.is_admin], {"is_admin": int}),
        ([M.seq], {"seq": float}),
        ([M.role], {"role": Literal["user", "assistant", "system", "tool"]}),
        ([M.role], {"role": Kind}),
        ([O.kind], {"kind": Kind}),
        ([O.level], {"level": Level}),
        ([O.price], {"price": Decimal}),
        ([O.rate], {"rate": float}),
        ([O.tags], {"tags": list[str]}),
        ([O.tags], {"tags": Sequence[str]}),
        ([O.text_id], {"text_id": str}),
        ([func.now().label("t")], {"t": datetime}),
        ([func.coalesce(U.name, "").label("name")], {"name": str}),
        ([literal_column("1").label("n")], {"n": int}),
        ([text("1 AS n")], None),
    ],
)
@pytest.mark.parametrize("make", [struct, model])
def test_what_fits(make: Any, columns: list[Any], fields: dict[str, Any] | None) -> None:
    if fields is None:
        statement: Any = columns[0].columns(n=Integer)
        fields = {"n": int}
    else:
        statement = select(*columns)
    assert prepare(statement, make(**fields)).shape.width == 1


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (O.kind, str), (O.price, float), (O.tags, list[int]), (O.tags, tuple[str, ...]),
        (O.text_id, UUID), (O.id, str), (O.level, bool), (O.rate, Decimal),
    ],
)  # fmt: skip
def test_a_struct_is_filled_with_what_comes(column: Column[Any], kind: Any) -> None:
    with pytest.raises(ConfigError, match="cannot hold"):
        prepare(select(column), struct(**{str(column.key): kind}))


def test_an_outer_join_makes_columns_null() -> None:
    chats, users = SCHEMA.chats, SCHEMA.users
    both = select(users.c.id, chats.c.title)
    joined = both.select_from(users.outerjoin(chats, chats.c.user_id == users.c.id))
    with pytest.raises(ConfigError, match="title may be NULL"):
        prepare(joined, struct(id=str, title=str))
    prepare(joined, struct(id=str, title=str | None))
    full = both.select_from(users.join(chats, chats.c.user_id == users.c.id, full=True))
    with pytest.raises(ConfigError, match="id may be NULL"):
        prepare(full, struct(id=str, title=str | None))
    inner = both.select_from(users.join(chats, chats.c.user_id == users.c.id))
    prepare(inner, struct(id=str, title=str))


@pytest.mark.parametrize("into", [dict, int, PersonStruct("a", None), "User", list[str]])
def test_other_classes_are_refused(into: Any) -> None:
    with pytest.raises(
        ConfigError, match="takes a dataclass, a msgspec Struct or a Pydantic model"
    ):
        prepare(select(U.id), into)


def test_json_into_what_json_cannot_be() -> None:
    class Odd:
        pass

    with pytest.raises(ConfigError, match="JSON cannot be decoded into"):
        prepare(select(O.plain), struct(plain=Odd))


async def test_values_that_only_sqlalchemy_knows(db: Database) -> None:
    class Everything(msgspec.Struct):
        text_id: str
        kind: Kind
        rate: float
        level: Level
        parts: list[Url]

    key = "12345678-1234-5678-1234-567812345678"
    statement = select(
        cast(key, Uuid(as_uuid=False)).label("text_id"),
        type_coerce(literal_column("'TOOL'"), Enum(Kind)).label("kind"),
        cast(literal(1.5), Numeric(asdecimal=False)).label("rate"),
        literal(1).label("level"),
        type_coerce(
            func.array_agg(cast({"url": "u"}, JSONB)), ARRAY(JSONB)
        ).label("parts"),
    )  # fmt: skip
    found = await db.one(statement, into=Everything)
    assert found == Everything(key, Kind.TOOL, 1.5, Level.LOW, [Url("u")])


async def test_text_that_is_no_member_of_the_enum(db: Database) -> None:
    class Told(msgspec.Struct):
        kind: Kind

    assert (await db.one(select(literal("tool").label("kind")), into=Told)).kind is Kind.TOOL
    with pytest.raises(StoredDataError, match='column "kind"'):
        await db.one(select(literal("other").label("kind")), into=Told)


async def test_the_class_belongs_to_what_is_kept(
    people: Database, schema: deepsearch.Schema
) -> None:
    statement = select(schema.users.c.id, schema.users.c.name).where(schema.users.c.id == "ada")
    for _ in range(3):
        assert await people.one(statement) == ("ada", "Ada")
        assert await people.one(statement, into=PersonStruct) == PersonStruct("ada", "Ada")
        assert await people.one(statement, into=PersonData) == PersonData("ada", "Ada")
