"""Bad input is refused before anything is sent, in our words, with the field and without the content.

Every public method of every table is found by looking, so a new one is tried unasked.
"""

import inspect
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, get_args, get_type_hints

import pytest
import pytest_asyncio
from msgspec import Struct, structs
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import ARRAY, Integer, Text, any_, bindparam, insert, literal, select, update

import chatkeep.inputs.deepsearch
import chatkeep.inputs.maps
import chatkeep.inputs.search
from chatkeep import (
    AccountChanges,
    ChatChanges,
    Database,
    InvalidInputError,
    NewAccount,
    NewChat,
    NewMessage,
    NewSession,
    NewUsage,
    NewUser,
    NewVerificationToken,
    NotFoundError,
    Page,
    ReferencedRowError,
    SessionChanges,
    SettingsChanges,
    Source,
    UserChanges,
    VerificationTokenChanges,
)
from chatkeep.access.scope import UserScope
from chatkeep.database.creation import create_tables
from chatkeep.database.surface import Surface
from chatkeep.inputs.base import Input
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer

MARK = "MARKED-SECRET"
NUMBER = 987_654_321
LATER = datetime(2030, 1, 1, tzinfo=UTC)
NAIVE = datetime(2030, 1, 1)  # noqa: DTZ001 - what is to be refused

UNSTORABLE = {
    "NUL": f"{MARK}\0",
    "lone surrogate": f"{MARK}\ud800",
    "half of a pair, the other way round": f"{MARK}\udc00\ud83d",
}
WRONG_TYPES = {"int": NUMBER, "bytes": MARK.encode(), "list": [MARK], "None": None}
LONG = MARK * 10_000


async def said_nothing(answer: object) -> None:
    """Write an answer without a word."""


async def no_vectors(texts: list[str]) -> list[list[float]]:
    """Embed nothing: no text comes to it."""
    return [[] for _ in texts]


# By the name of an argument, a value of its type; no row of these names is there.
VALID: dict[str, Any] = {
    "user_id": "u",
    "chat_id": "c",
    "message_id": "m",
    "provider": "p",
    "provider_account_id": "a",
    "token": "t",
    "identifier": "i",
    "email": "nobody@example.com",
    "title": "T",
    "messages": 5,
    "limit": 5,
    "after": None,
    "before": None,
    "with_accounts": True,
    "share_id": "s",
    "kind": "live",
    "expires_at": LATER,
    "since": None,
    "until": None,
    "by": None,
    "expected_revision": None,
    "opinion": {"vote": 1},
    "options": {},
    "producer": said_nothing,
    "branch": None,
    "at": None,
    "hard": True,
    "older_than": timedelta(days=1),
    "embed": no_vectors,
    "batch": 5,
    "reached": None,
}
# By the table and the argument, an input of its class.
INPUTS: dict[tuple[str, str], Any] = {
    ("users", "new"): NewUser(email="a@b"),
    ("users", "changes"): UserChanges(name="x"),
    ("accounts", "new"): NewAccount(
        user_id="u", type="oauth", provider="p", provider_account_id="a"
    ),
    ("accounts", "changes"): AccountChanges(scope="x"),
    ("sessions", "new"): NewSession(user_id="u", expires=LATER),
    ("sessions", "changes"): SessionChanges(expires=LATER),
    ("verification_tokens", "new"): NewVerificationToken(identifier="i", token="t", expires=LATER),
    ("verification_tokens", "changes"): VerificationTokenChanges(expires=LATER),
    ("settings", "given"): SettingsChanges(theme="dark"),
    ("settings", "changes"): SettingsChanges(theme="dark"),
    ("chats", "new"): NewChat(title="T"),
    ("chats", "changes"): ChatChanges(title="T"),
    ("chats", "first_message"): NewMessage(role="user", content="x"),
    ("messages", "messages"): NewMessage(role="user", content="x"),
    ("messages", "new"): NewMessage(role="user", content="x"),
    ("usage", "new"): NewUsage(model="m"),
}
NUMBERS = {"limit", "messages"}
BAD_NUMBERS = [0, -1, 1001, "5", 1.5, True, LONG]
# By the table and the argument, what is bad for it and for no other of its name.
OWN_BAD: dict[tuple[str, str], list[Any]] = {
    ("embeddings", "embed"): [MARK, NUMBER, None],
    ("embeddings", "limit"): [0, -1, "5", 1.5, True, LONG],
    ("embeddings", "batch"): BAD_NUMBERS,
    ("embeddings", "after"): [MARK, NUMBER, ("u",), ("u", f"{MARK}\0"), (NUMBER, "m")],
    ("embeddings", "reached"): [MARK, NUMBER],
}
BAD_REVISIONS = ["5", 1.5, True, LONG]
BAD_TIMES = [NAIVE, MARK, NUMBER, date(2030, 1, 1)]
BAD_WORDS = [MARK, f"{MARK}\0", "", NUMBER, MARK.encode(), LONG]
# For `**opinion` and `**options`, the arguments that they stand for.
BAD_OPTIONS = [
    *({"id": text} for text in UNSTORABLE.values()),
    {"id": LONG},
    {"role": MARK},
    {"parent_id": NUMBER},
    {"beside": MARK.encode()},
    {"flush_after": MARK},
    {"flush_after": timedelta(hours=1)},
    {"on_running": MARK},
]
BAD_OPINIONS = [
    {},
    {"vote": 0},
    {"vote": MARK},
    {"comment": NUMBER},
    {"comment": LONG},
    {"stars": MARK},
    *({"vote": 1, "comment": text} for text in UNSTORABLE.values()),
]


@pytest.fixture(scope="module")
def schema() -> deepsearch.Schema:
    return deepsearch.schema(prefix="x_")


@pytest_asyncio.fixture(loop_scope="session")
async def db(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases], schema: deepsearch.Schema
) -> AsyncIterator[Database]:
    url = await fresh_database(pg18)()
    await create_tables(schema, url)
    async with Database(schema, url) as opened:
        yield opened


def tables(surface: type) -> Iterator[tuple[str, type]]:
    """The properties of a surface whose class has methods of its own, by name."""
    for name, member in inspect.getmembers_static(surface):
        function = member.func if isinstance(member, cached_property) else None
        if isinstance(member, property) and not name.startswith("_"):
            function = member.fget
        if function is not None:
            kind = get_type_hints(function)["return"]
            yield name, getattr(kind, "__origin__", kind)


def methods(kind: type) -> list[str]:
    return [
        name
        for name, member in inspect.getmembers_static(kind, inspect.iscoroutinefunction)
        if not name.startswith("_")
    ]


PLACES = [
    (path, name, kind)
    for path, surface in (("db", Surface), ("mine", UserScope))
    for name, kind in tables(surface)
    if name != "auth"  # no table: what it takes, strangers send; see tests/auth
]


def test_every_table_is_looked_at() -> None:
    assert len(PLACES) == 18
    assert sum(len(methods(kind)) for _, _, kind in PLACES) >= 50


class Call:
    """One method with one bad argument, all others as they should be."""

    def __init__(self, target: Any, table: str, method: str) -> None:
        self.method = getattr(target, method)
        self.table = table
        self.parameters = dict(inspect.signature(self.method).parameters)
        self.hints = get_type_hints(inspect.unwrap(self.method.__func__))

    def is_text(self, name: str) -> bool:
        hint = self.hints[name]
        return hint is str or str in get_args(hint)

    def is_optional(self, name: str) -> bool:
        return type(None) in get_args(self.hints[name])

    def valid(self, name: str) -> Any:
        if (self.table, name) in INPUTS:
            return INPUTS[self.table, name]
        assert name in VALID, f"say what is valid for {self.table}: {name}"
        return VALID[name]

    def with_bad(self, bad: str, value: Any, **others: Any) -> Any:
        """Call it; the positional-only rest (`*messages`) comes last."""
        rest: list[Any] = []
        given: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            chosen = value if name == bad else others.get(name, self.valid(name))
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                rest = [chosen]
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                given |= chosen
            else:
                given[name] = chosen
        if rest:
            return self.method(*given.values(), *rest)
        return self.method(**given)


def told(error: BaseException) -> str:
    """All that a log may show of an error."""
    texts = ["".join(traceback.format_exception(error))]
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is not None:
            texts.append(f"{found!s} {found!r} {vars(found)!r} {found.args!r}")
            waiting += [found.__cause__, found.__context__]
    return " ".join(texts)


async def fault(
    db: Database, call: Callable[[], Any], *, may_be_absent: bool = False
) -> str | None:
    """What is wrong with the refusal of this call; None when it is as it should be."""
    with db.statements() as sent:
        try:
            answer = await call()
        except InvalidInputError as error:
            if sent.names or sent.control:
                return f"was sent: {sent.names}"
            if not error.field:
                return f"no field: {error}"
            if not isinstance(error, ValueError):
                return "is no ValueError"
            text = told(error)
            return f"is repeated: {text}" if MARK in text or str(NUMBER) in text else None
        except NotFoundError as error:
            if MARK in told(error):
                return "is repeated"
            return None if may_be_absent else f"was looked for: {sent.names}"
        except ReferencedRowError as error:
            return f"is no row: {error}"
        except BaseException as error:
            return f"{type(error).__name__}: {error}"
    is_empty = answer is None or (isinstance(answer, Page) and not answer.items)
    return None if may_be_absent and is_empty else f"was taken: {sent.names}"


async def faults_of_text(db: Database, call: Call, name: str) -> dict[str, str | None]:
    others: list[dict[str, Any]] = [{}]
    if name == "title":  # short for an input of the one field
        others = [{key: None for key in ("new", "changes") if key in call.parameters}]
    if "after" in call.parameters and name not in {"after", "before"}:
        others.append({"after": "Z2FyYmFnZQ"})  # a cursor that is none: a slip of its own
    elif "changes" in call.parameters:
        nothing = type(INPUTS[call.table, "changes"])()
        others.append({"changes": nothing})  # then the row is only read
    found: dict[str, str | None] = {}
    bad = {**UNSTORABLE, **WRONG_TYPES}
    if call.is_optional(name):
        del bad["None"]
    for what, value in bad.items():
        for other in others:
            found[f"{what} {other}"] = await fault(
                db,
                lambda: call.with_bad(name, value, **other),  # noqa: B023 - called at once
            )
    found["too long"] = await fault(
        db, lambda: call.with_bad(name, LONG, **others[0]), may_be_absent=name != "title"
    )
    return found


def others_bad(hint: Any, name: str) -> list[Any] | None:
    """What is bad for an argument that is no text and no input."""
    if name == "opinion":
        return BAD_OPINIONS
    if name == "options":
        return BAD_OPTIONS
    if name == "producer":
        return []  # a function of the caller's, and no value
    if name == "expected_revision":
        return BAD_REVISIONS
    if datetime in (hint, *get_args(hint)):
        return BAD_TIMES
    if timedelta in (hint, *get_args(hint)):
        return [timedelta(-1), *BAD_WORDS]
    if any(isinstance(part, str) for part in kinds_in(hint)):
        return BAD_WORDS
    return None


@pytest.mark.parametrize(("path", "table", "kind"), PLACES, ids=str)
async def test_no_method_sends_bad_input(db: Database, path: str, table: str, kind: type) -> None:
    target = getattr(db if path == "db" else db.as_user("u"), table)
    wrong: list[str] = []
    tried = 0
    for method in methods(kind):
        call = Call(target, table, method)
        for name in call.parameters:
            if (table, name) in INPUTS:
                bad: dict[str, Any] = {"text": MARK, "dict": {"id": MARK}, "class": NewUser}
                bad |= {"nothing": "", "empty": {}, "changes": UserChanges(email=f"{MARK}@b")}
                if table == "users" and name == "changes":
                    del bad["changes"]
                bad["other input"] = NewMessage(role="user", content=MARK)
                if table in {"chats", "messages"}:
                    bad["other input"] = NewUser(email=f"{MARK}@b")
                found = {
                    what: await fault(db, lambda: call.with_bad(name, value))  # noqa: B023 - at once
                    for what, value in bad.items()
                }
            elif (table, name) in OWN_BAD:
                found = {
                    str(value)[:30]: await fault(db, lambda: call.with_bad(name, value))  # noqa: B023 - at once
                    for value in OWN_BAD[table, name]
                }
            elif call.is_text(name):
                found = await faults_of_text(db, call, name)
            elif name in NUMBERS:
                found = {
                    str(value)[:9]: await fault(db, lambda: call.with_bad(name, value))  # noqa: B023 - at once
                    for value in BAD_NUMBERS
                }
            elif (values := others_bad(call.hints[name], name)) is not None:
                found = {
                    str(value)[:30]: await fault(db, lambda: call.with_bad(name, value))  # noqa: B023 - at once
                    for value in values
                }
            else:
                assert call.hints[name] is bool, f"{table}.{method}: {name} is not tried"
                continue
            tried += len(found)
            wrong += [f"{method}({name}: {what}) {why}" for what, why in found.items() if why]
    assert not wrong, "\n" + "\n".join(wrong)
    assert tried


BAD_SEARCHES: dict[str, list[Any]] = {
    "query": [*UNSTORABLE.values(), *WRONG_TYPES.values(), LONG, "", f"-{MARK}"],
    "limit": BAD_NUMBERS,
    "after": BAD_WORDS,
    "order": [*BAD_WORDS, None],
    "where": [{}, {"role": MARK}, MARK, NewUser, NewMessage(role="user", content=MARK)],
}


@pytest.mark.parametrize("name", BAD_SEARCHES)
async def test_a_search_sends_no_bad_input(db: Database, name: str) -> None:
    mine = db.as_user("u")
    for value in BAD_SEARCHES[name]:
        given = {"query": "word", name: value}
        assert await fault(db, lambda: mine.search(**given)) is None, str(value)[:30]  # noqa: B023 - at once


@pytest.mark.parametrize("what", [*UNSTORABLE, *WRONG_TYPES, "empty", "too long"])
async def test_a_scope_takes_no_bad_user(db: Database, what: str) -> None:
    bad = {**UNSTORABLE, **WRONG_TYPES, "empty": "", "too long": LONG}[what]

    async def call() -> None:
        db.as_user(bad)

    assert await fault(db, call) is None


async def test_append_takes_1_to_1000_messages(db: Database) -> None:
    message = NewMessage(role="user", content=MARK)
    mine = db.as_user("u")
    for number in (0, 1001):
        assert await fault(db, lambda: mine.messages.append("c", *[message] * number)) is None  # noqa: B023 - at once


# ------------------------------------------------------------------------------- the inputs


INPUT_CLASSES = [
    kind
    for module in (chatkeep.inputs.deepsearch, chatkeep.inputs.maps, chatkeep.inputs.search)
    for kind in vars(module).values()
    if inspect.isclass(kind) and issubclass(kind, Input) and kind.__module__ == module.__name__
]


def example(kind: type[BaseModel]) -> dict[str, Any]:
    """Values for the fields that must be given."""
    values = {
        "email": "a@b",
        "user_id": "u",
        "type": "oauth",
        "provider": "p",
        "provider_account_id": "a",
        "expires": LATER,
        "expires_at": LATER,
        "identifier": "i",
        "token": "t",
        "title": "T",
        "role": "user",
        "content": "x",
        "query": "q",
        "results": {},
    }
    return {name: values[name] for name, field in kind.model_fields.items() if field.is_required()}


def kinds_in(annotation: Any) -> set[Any]:
    """The classes that an annotation is made of."""
    found: set[Any] = set() if isinstance(annotation, list) else {annotation}
    for part in annotation if isinstance(annotation, list) else get_args(annotation):
        found |= kinds_in(part)
    return found


FIELDS = [(kind, name) for kind in INPUT_CLASSES for name in kind.model_fields]


@pytest.mark.parametrize(
    ("kind", "name"), FIELDS, ids=[f"{k.__module__}.{k.__name__}.{n}" for k, n in FIELDS]
)
def test_no_input_takes_bad_values(kind: type[BaseModel], name: str) -> None:
    kinds = kinds_in(kind.model_fields[name].annotation)
    bad: list[Any] = []
    if any(isinstance(part, str) for part in kinds):  # one of some words
        bad += [MARK, NUMBER] if type(None) in kinds else [MARK, NUMBER, None]
    if str in kinds:
        bad += [*UNSTORABLE.values(), NUMBER, MARK.encode(), [MARK], {"x": MARK}]
        limited = any(hasattr(m, "max_length") for m in kind.model_fields[name].metadata)
        bad += [LONG] if limited else []
    if {datetime, AwareDatetime} & kinds:
        bad += [NAIVE, NAIVE.isoformat() + MARK, MARK, date(2030, 1, 1), "2030-01-01T00:00:00"]
        bad += [NUMBER, str(NUMBER), f" {NUMBER}.5e1 ", True, str(NUMBER).encode()]
    if int in kinds and Any not in kinds:
        bad += [2**80, 1.5, MARK, str(NUMBER), True]
    if bool in kinds:
        bad += [1, "yes", MARK]
    if Source in kinds:
        good = {"title": "t", "url": "https://a.b", "snippet": "s"}
        bad += [[{**good, "url": f"javascript:{MARK}"}], [MARK], [{**good, "title": f"{MARK}\0"}]]
    for struct in (part for part in kinds if inspect.isclass(part) and issubclass(part, Struct)):
        bad += [{field.encode_name: {"x": MARK}} for field in structs.fields(struct)]
    if Any in kinds:
        bad += [f"{MARK}\0", {"a": f"{MARK}\ud800"}, {1: MARK}, {MARK}]
        bad += [None] if kind.model_fields[name].is_required() else []
    if Decimal in kinds:
        bad += [-1, MARK, "NaN", "Infinity", Decimal("1e10"), Decimal("1e-11"), [NUMBER]]
    if any(type(part) is int for part in kinds):  # one of some numbers
        bad += [0, 2, MARK, "1", 1.5]
    if bytes in kinds:
        bad += [b"x" * 65, NUMBER]
    assert bad, f"say what is bad for {kinds}"
    for value in bad:
        with pytest.raises(InvalidInputError) as caught:
            kind(**{**example(kind), name: value})
        assert caught.value.field is not None
        assert caught.value.field.split(".")[0] == name
        assert MARK not in told(caught.value)
        assert str(NUMBER) not in told(caught.value)


# ----------------------------------------------------------------- statements of the caller's own


def own_calls(db: Database, schema: deepsearch.Schema) -> dict[str, Callable[[Any], Any]]:
    """Ways to send a text with a statement of one's own."""
    users = schema.users
    by_email = select(users.c.id).where(users.c.email == bindparam("email"))
    prepared = db.prepare(by_email)
    many = db.prepare(
        select(users.c.id).where(users.c.email == any_(bindparam("emails", type_=ARRAY(Text))))
    )

    async def streamed(value: Any) -> None:
        async for _ in prepared.stream(email=value):
            pass

    def at_once(value: Any) -> Any:
        return select(users.c.id).where(users.c.email == literal(value, Text))

    async def streamed_at_once(value: Any) -> None:
        async for _ in db.stream(at_once(value)):
            pass

    def new(value: Any) -> Any:
        return insert(users).values(id="x", email=literal(value, Text)).returning(users.c.id)

    return {
        "prepared.first": lambda value: prepared.first(email=value),
        "prepared.all": lambda value: prepared.all(email=value),
        "prepared.one": lambda value: prepared.one(email=value),
        "prepared.scalar": lambda value: prepared.scalar(email=value),
        "prepared.stream": streamed,
        "prepared array": lambda value: many.all(emails=["a@b", value]),
        "first": lambda value: db.first(at_once(value)),
        "all": lambda value: db.all(at_once(value)),
        "one": lambda value: db.one(at_once(value)),
        "scalar": lambda value: db.scalar(at_once(value)),
        "stream": streamed_at_once,
        "in": lambda value: db.all(select(users.c.id).where(users.c.email.in_(["a@b", value]))),
        "insert": lambda value: db.first(new(value)),
        "execute": lambda value: db.execute(
            update(users).where(users.c.id == "x").values(email=literal(value, Text))
        ),
        "copy": lambda value: db.copy(users, [{"id": "x", "email": value}]),
        "in a transaction": lambda value: _inside(db, at_once(value)),
    }


async def _inside(db: Database, statement: Any) -> None:
    async with db.transaction() as tx:
        await tx.first(statement)


OWN = [
    "prepared.first", "prepared.all", "prepared.one", "prepared.scalar", "prepared.stream",
    "prepared array", "first", "all", "one", "scalar", "stream", "in", "insert", "execute", "copy",
    "in a transaction",
]  # fmt: skip


@pytest.mark.parametrize("way", OWN)
async def test_no_statement_of_ones_own_sends_bad_text(
    db: Database, schema: deepsearch.Schema, way: str
) -> None:
    calls = own_calls(db, schema)
    assert list(calls) == OWN
    wrong: list[str] = []
    for what, value in {**UNSTORABLE, "int": NUMBER, "bytes": MARK.encode()}.items():
        for number in range(3):  # compiled anew, then kept
            with db.statements() as sent:
                try:
                    await calls[way](value)
                except InvalidInputError as error:
                    if sent.names:
                        wrong.append(f"{what} {number}: was sent")
                    if error.field is None:
                        wrong.append(f"{what} {number}: no field: {error}")
                    if MARK in told(error) or str(NUMBER) in told(error):
                        wrong.append(f"{what} {number}: is repeated: {told(error)}")
                else:
                    wrong.append(f"{what} {number}: was taken")
    assert not wrong, "\n" + "\n".join(wrong)


async def test_no_time_without_zone_is_taken_for_local_time(
    db: Database, schema: deepsearch.Schema
) -> None:
    users = schema.users
    kind = users.c.created_at.type
    since = db.prepare(select(users.c.id).where(users.c.created_at > bindparam("since")))
    for bad in (NAIVE, date(2030, 1, 1), MARK, NUMBER):
        assert await fault(db, lambda: since.all(since=bad)) is None, bad  # noqa: B023 - at once
        statement = select(users.c.id).where(users.c.created_at > literal(bad, kind))
        assert await fault(db, lambda: db.all(statement)) is None, bad  # noqa: B023 - at once
    assert await since.all(since=LATER) == []
    assert await since.all(since=None) == []  # SQL says what NULL is


async def test_times_of_infinity_come_back_as_they_went(
    db: Database, schema: deepsearch.Schema
) -> None:
    users = schema.users
    for infinity in (datetime.max, datetime.min):  # noqa: DTZ901 - the driver's own have no zone
        clause = select(literal(infinity, users.c.created_at.type))
        assert await db.scalar(clause) == infinity


async def test_json_that_cannot_be_stored_is_named(db: Database, schema: deepsearch.Schema) -> None:
    table = schema.messages
    where = table.c.id == bindparam("message")
    put = db.prepare(
        update(table)
        .where(where)
        .values(metadata=bindparam("meta", type_=table.c.metadata.type))
        .returning(table.c.id)
    )
    for bad in ({"a": f"{MARK}\0"}, {"a": f"{MARK}\ud800"}, {"a": object()}, {(1, 2): MARK}):
        with db.statements() as sent, pytest.raises(InvalidInputError) as caught:
            await put.first(message="m", meta=bad)
        assert caught.value.field == "meta"
        assert sent.names == []
        assert MARK not in told(caught.value)
    for good in ({"a": "\\u0000"}, {"a": "\\\\u0000"}, None):  # a backslash before u0000, no NUL
        assert await put.first(message="m", meta=good) is None


async def test_a_number_that_does_not_fit_is_named(db: Database, schema: deepsearch.Schema) -> None:
    limited = db.prepare(select(schema.users.c.id).limit(bindparam("most", type_=Integer)))
    assert await fault(db, lambda: limited.all(most=2**70)) is None
    assert await fault(db, lambda: limited.all(most=MARK)) is None


async def test_misspelt_and_missing_parameters_are_named(
    db: Database, schema: deepsearch.Schema
) -> None:
    users = schema.users
    prepared = db.prepare(select(users.c.id).where(users.c.email == bindparam("email")))
    for call in (lambda: prepared.all(mail=MARK), prepared.all):
        assert await fault(db, call) is None
