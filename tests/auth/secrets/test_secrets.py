"""Marked secrets run through every path of sign-in; none comes out where somebody else reads."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from auth.golden import SECRET, Golden, store
from auth.secrets import calls
from auth.secrets.calls import AnyDatabase, Call, Person
from auth.secrets.conftest import LOGGED, Talkative
from auth.secrets.ears import Ears
from chatkeep import AuthOptions, Database
from chatkeep.access.accounts import Accounts
from chatkeep.access.sessions import Sessions as RowsOfSessions
from chatkeep.access.verification_tokens import VerificationTokens
from chatkeep.auth.auth import Auth
from chatkeep.auth.provider_tokens import ProviderTokenStore, TokenChanges
from chatkeep.auth.sessions import Sessions
from chatkeep.auth.tokens import Tokens
from chatkeep.engine.observe import Observation
from fixtures.seeds import hardened_schema

pytestmark = pytest.mark.needs("node")

PRESETS = ("deepsearch", "maps")
ROOMS = {
    "auth.sessions": Sessions,
    "auth.tokens": Tokens,
    "auth.provider_tokens": ProviderTokenStore,
    "sessions": RowsOfSessions,
    "accounts": Accounts,
    "verification_tokens": VerificationTokens,
    "auth": Auth,
}
METHODS = {
    f"{room}.{name}"
    for room, kind in ROOMS.items()
    for name in vars(kind)
    if not name.startswith("_") and f"{room}.{name}" not in ROOMS
}


def every_call(
    db: AnyDatabase, preset: str, person: Person, goldens: list[Golden]
) -> Iterable[tuple[str, Call]]:
    yield from calls.callers(db, goldens)
    yield from calls.one_use(db, person)
    yield from calls.provider_tokens(db, person)
    if preset == "deepsearch":
        yield from calls.verification_tokens(db, person)
        yield from calls.accounts(db, person)
    yield from calls.rows_of_sessions(db, preset, person)
    yield from calls.own_sessions(db, person)


async def run(ears: Ears, every: Iterable[tuple[str, Call]]) -> tuple[int, int]:
    """Make the calls, tell what came out, and count answers and errors."""
    answers = errors = 0
    for name, call in every:
        try:
            ears.result(name, await call())
            answers += 1
        except Exception as exc:
            ears.error(name, exc)
            errors += 1
    return answers, errors


@asynccontextmanager
async def heard(
    ears: Ears, talkative: Talkative, preset: str
) -> AsyncIterator[tuple[AnyDatabase, str]]:
    """A database whose every statement is heard, at the driver's and at the server's end."""
    url = await talkative.database(preset)
    auth = calls.options(ears)
    ears.result("AuthOptions", auth)

    def observed(told: Observation) -> None:
        ears.result(f"observation of {told.name}", told)
        ears.hear(f"SQL of {told.name}", told.sql)
        if told.error is not None:
            ears.error(f"observed: {told.name}", told.error)

    slow = timedelta(microseconds=1)  # every statement gets its line in the log of slow ones
    async with Database(hardened_schema(preset), url, auth=auth, slow_statement=slow) as db:
        with db.observe(observed):
            ears.result("Database", db)
            ears.result("Database.auth", [db.auth, db.auth.sessions, db.auth.tokens])
            yield db, url
    ears.hear("the server's log", talkative.wrote())


def of_preset(golden_cookies: dict[str, Golden], preset: str, ears: Ears) -> list[Golden]:
    """A cookie of each kind, its secrets marked."""
    ears.mark("the libraries' secret", SECRET)
    found = [
        golden
        for name, golden in golden_cookies.items()
        if golden.case.preset == preset and not any(w in name for w in ("another", "custom"))
    ]
    for golden in found:
        for name, value in golden.cookies.items():
            ears.mark(f"the cookie {name}", value.rpartition(".")[2] or value)
            ears.mark(f"the cookie {name}", value[-40:])
        if golden.token is not None:
            ears.mark("a library's token", golden.token)
    return found


@pytest.mark.parametrize("preset", PRESETS)
async def test_nothing_is_heard_of_secrets(
    preset: str,
    talkative: Talkative,
    ears: Callable[[], Ears],
    golden_cookies: dict[str, Golden],
) -> None:
    """Success and every refusal, of our checks and of PostgreSQL's constraints."""
    heard_of = ears()
    goldens = of_preset(golden_cookies, preset, heard_of)
    async with heard(heard_of, talkative, preset) as (db, url):
        person = await calls.sign_in(db, preset, heard_of)
        await store(db, *goldens)
        # The application's secrets are marked too; the cookies were made with the libraries'.
        theirs = AuthOptions(auth_secrets=(SECRET,), better_auth_secrets=(SECRET,))
        async with Database(hardened_schema(preset), url, auth=theirs) as other:
            found = await run(heard_of, calls.callers(other, goldens))
            assert found[0] > len(goldens)
        every = list(every_call(db, preset, person, goldens))
        if preset == "deepsearch":  # it has all of them; a new method needs its calls here
            assert {name for name, _ in every} == METHODS
        answers, errors = await run(heard_of, every)
        assert answers > 100
        assert errors > 150
        async with asyncpg_connection(url) as connection:
            for row in await connection.fetch("select query from pg_stat_activity"):
                heard_of.hear("pg_stat_activity", row["query"])
    assert heard_of.count("log: chatkeep.auth") > 20
    assert "INSERT INTO" in next(t for where, t in heard_of.heard if where == "the server's log")
    assert_silent(heard_of)


def assert_silent(ears: Ears) -> None:
    assert len(ears.secrets) > 20
    assert not ears.leaks()[:5]


@asynccontextmanager
async def asyncpg_connection(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def harmless(every: Iterable[tuple[str, Call]]) -> list[tuple[str, Call]]:
    """One call of a sort is enough where each waits for the same failure."""
    counts: dict[str, int] = {}
    kept: list[tuple[str, Call]] = []
    for name, call in every:
        counts[name] = counts.get(name, 0) + 1
        if counts[name] <= 2:
            kept.append((name, call))
    return kept


@pytest.mark.parametrize("preset", PRESETS)
async def test_nothing_is_heard_when_time_is_up_or_the_database_down(
    preset: str,
    talkative: Talkative,
    ears: Callable[[], Ears],
    golden_cookies: dict[str, Golden],
) -> None:
    heard_of = ears()
    goldens = of_preset(golden_cookies, preset, heard_of)
    patience = timedelta(milliseconds=25)
    async with heard(heard_of, talkative, preset) as (db, url):
        person = await calls.sign_in(db, preset, heard_of)
        await store(db, *goldens)
        schema, options = hardened_schema(preset), calls.options(heard_of)
        async with Database(schema, url, auth=options, statement_timeout=patience) as late:
            async with asyncpg_connection(url) as connection, connection.transaction():
                tables = ", ".join(f'"{name}"' for name in schema.metadata.tables)
                await connection.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
                waiting = harmless(every_call(late, preset, person, goldens))
                _, errors = await run(heard_of, waiting)
                assert errors > 15
            name = url.split("?")[0].rpartition("/")[2]
            await talkative.run(
                f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
                f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'",
            )
            gone = harmless(every_call(late, preset, person, goldens))
            _, errors = await run(heard_of, gone)
            assert errors > 15
        _, errors = await run(heard_of, harmless(every_call(late, preset, person, goldens)))
        assert errors > 15  # closed
    kinds = {
        where.split()[2].rstrip(":") for where, _ in heard_of.heard if where.startswith("str of")
    }
    assert {"DatabaseTimeoutError", "ConnectionFailedError", "DatabaseClosedError"} <= kinds
    assert_silent(heard_of)


@pytest.mark.parametrize("preset", PRESETS)
async def test_what_we_keep_is_no_secret_even_with_its_parameters(
    preset: str, talkative: Talkative, ears: Callable[[], Ears]
) -> None:
    """A server that logs parameters and details too: ours are hashes and sealed; the libraries'
    tokens are plain, and are heard, so that the ears are known to hear."""
    heard_of = ears()
    told = {
        "log_parameter_max_length": "-1",
        "log_parameter_max_length_on_error": "-1",
        "log_error_verbosity": "default",
    }
    await talkative.set(**told)
    try:
        async with heard(heard_of, talkative, preset) as (db, _):
            person = await calls.sign_in(db, preset, heard_of)
            sessions, store = db.auth.sessions, db.auth.provider_tokens
            changes = TokenChanges(**person.oauth)
            own = {"chatkeep.session": person.issued.token}
            assert await db.auth.session_from_cookies(own)
            await db.auth.tokens.use("reset", person.email, person.verification)
            person.tokens = await store.store(person.tokens, changes)
            rotated = await sessions.rotate(person.issued.token)
            heard_of.mark("a session of ours", rotated.token)
            assert await sessions.find(rotated.token)
            await sessions.end(rotated.token)
    finally:
        await talkative.set(**{name: LOGGED[name] for name in told})
    leaks = {leak.partition(" in ")[0] for leak in heard_of.leaks()}
    assert "a library's session" in leaks
    plain = {"a library's session", "a verification token of Auth.js"}
    if (
        preset == "maps"
    ):  # written as Better Auth does, by which nothing is sealed unless it is told
        plain |= {"OAuth's access_token", "OAuth's refresh_token", "OAuth's id_token"}
    assert leaks <= plain
