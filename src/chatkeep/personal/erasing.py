"""Erases a person: what goes, what stays without them, and the proof that nothing is left.

    report = await preview_erasure(url, schema, "ada@example.com")   # changes nothing
    report = await erase_person(url, schema, "ada@example.com")

One transaction does all of it, with its row in the audit: a crash, a lost connection or an error
leaves everything as it was. It locks rows of this person alone. What is kept outside of the
database is told afterwards, and then the proof reads every table.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg

from chatkeep.errors import (
    ChatkeepError,
    ConflictError,
    ConnectionFailedError,
    DatabaseTimeoutError,
    PersonalDataError,
)
from chatkeep.kit.connection import connect, where
from chatkeep.kit.refusal import describe, sqlstate
from chatkeep.personal import audit
from chatkeep.personal.erasure_report import CacheCleared, ErasureReport, Step
from chatkeep.personal.person import Person, find_person
from chatkeep.personal.proof import Proof, check_readable, scan
from chatkeep.personal.reach import Reach
from chatkeep.personal.redacting import redact, rows_of
from chatkeep.personal.references import Reference, Registry, read_registry
from chatkeep.personal.statistics import forget
from chatkeep.personal.steps import Work, locking, plan
from chatkeep.schema.schema import Schema

Cache: TypeAlias = Callable[[Person], Awaitable[int]]
"""Forgets what it holds of a person, and gives how many entries that were."""

_ATTEMPTS = 3
_IN_THE_WAY = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
# Bytes within arrays and the like are looked for as hex.
_SESSION = """
set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set bytea_output = 'hex'"""
_HOLDER = "Look for it in pg_stat_activity (state idle in transaction), then run again."
_AnySchema: TypeAlias = Schema[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class ErasureOptions:
    """How a person is erased.

    Attributes:
        also: Further e-mails to look for, such as former ones. With one of them, somebody may be
            given whom the users table does not have any more.
        actor: Who asked for it, for the audit; the user of the operating system unless given.
        redact: Replace id and e-mail by `[erased]` in texts of others that quote them.
        caches: What else forgets the person, such as a cache in Redis; called once the database
            has, each on its own.
        lock_wait: Seconds to wait for rows of the person, or for a table, that another transaction
            holds. Of the proof that is for each table: one that stays locked is told as not read.
    """

    also: tuple[str, ...] = ()
    actor: str | None = None
    redact: bool = False
    caches: Sequence[Cache] = ()
    lock_wait: float = 30.0


async def preview_erasure(
    url: str,
    schema: _AnySchema,
    who: str,
    options: ErasureOptions | None = None,
    *,
    on_progress: Callable[[str], object] | None = None,
    has_proof: bool = True,
) -> ErasureReport:
    """Tell what `erase_person` would do, and where id or e-mail would be left; change nothing.

    Args:
        url: The database, as the owner of the tables.
        schema: Whose `users` the person is one of.
        who: The person's id or e-mail.
        options: Of these `also` and `lock_wait` count here.
        on_progress: Called with the name of each table that is read.
        has_proof: Whether every table is read for what would be left; else `proof` is None.

    Raises:
        UserNotFoundError: No such user, and nothing in `also`.
        RuleMissingError: Nothing says what becomes of a reference to the person.
        PersonalDataError: A rule cannot be followed, or the role may not see or change all rows.
        SchemaMismatchError: The database lacks tables of the schema.
        DatabaseTimeoutError: Another transaction keeps a table of the person's locked.
        ConnectionFailedError: The server cannot be reached, or the connection broke.
    """
    given = options or ErasureOptions()
    async with _connected(url, given) as connection, _snapshot(connection):
        registry, reach = await _prepared(connection, schema)
        person = await find_person(connection, registry.users, who, given.also)
        steps = [await _counted(connection, person, work) for work in plan(registry, reach)]
        report = _report(registry, person, steps)
        if has_proof:
            report.proof = await scan(
                connection, registry, person, before=reach, on_table=on_progress
            )
    return report


async def erase_person(
    url: str,
    schema: _AnySchema,
    who: str,
    options: ErasureOptions | None = None,
    *,
    on_progress: Callable[[str], object] | None = None,
) -> ErasureReport:
    """Erase a person, and prove it.

    Where the report is not `is_clean`, the person is erased all the same: it says where id or
    e-mail still stands, what could not be read, and which cache did not answer. Whatever fails once
    the person is gone stands in the report (`failures`) and is not raised.

    Args:
        url: The database, as the owner of the tables.
        schema: Whose `users` the person is one of.
        who: The person's id or e-mail.
        options: See `ErasureOptions`.
        on_progress: Called with the name of each table that is worked on or read.

    Raises:
        UserNotFoundError: No such user, and nothing in `also`.
        RuleMissingError: Nothing says what becomes of a reference to the person.
        PersonalDataError: A rule cannot be followed, or the role may not see or change all rows.
        SchemaMismatchError: The database lacks tables of the schema.
        DatabaseTimeoutError: Another transaction holds rows of the person; nothing was changed.
        ConflictError: Others were in the way three times; nothing was changed.
        StatementError: PostgreSQL refused a statement; nothing was changed.
        ConnectionFailedError: The server cannot be reached, or the connection broke before it told
            that it was done: then all of it was done or nothing, and another call tells.
    """
    given, tell = options or ErasureOptions(), on_progress or _nothing
    async with _connected(url, given) as connection:
        registry, reach = await _prepared(connection, schema)
        report, person = await _erased(connection, registry, reach, (who, given), tell)
        # From here on the person is gone, and whatever fails is told in the report.
        report.caches = [await _cleared(cache, person) for cache in given.caches]
        async with _telling("Statistics", report):
            changed = {step.table for step in report.steps if step.rows and step.rule != "keep"}
            changed |= {each.table for each in report.redacted}
            refused = await forget(connection, registry, person, changed)
            report.failures += [f"Statistics of {name}: {why}" for name, why in refused.items()]
        async with _telling("Proof", report), _snapshot(connection):
            there = await read_registry(connection, schema)  # the audit may be new, and others
            report.proof = await scan(connection, there, person, on_table=tell)
        async with _telling("Audit of the proof", report):
            await _note_proof(connection, person, given, report)
    return report


@asynccontextmanager
async def _telling(what: str, report: ErasureReport) -> AsyncGenerator[None]:
    try:
        yield
    except asyncpg.PostgresError as exc:
        report.failures.append(f"{what}: {describe(exc)}")
    except ChatkeepError as exc:
        report.failures.append(f"{what}: {exc.args[0]}")
    except (asyncpg.InterfaceError, ConnectionError):
        report.failures.append(f"{what}: the connection broke.")


def _nothing(_name: str) -> None:
    """Tell nobody."""


def _snapshot(connection: asyncpg.Connection) -> AbstractAsyncContextManager[object]:
    return connection.transaction(isolation="repeatable_read", readonly=True)


@asynccontextmanager
async def _connected(url: str, options: ErasureOptions) -> AsyncGenerator[asyncpg.Connection]:
    try:
        async with connect(url, name="chatkeep erase") as connection:
            wait = max(1, round(options.lock_wait * 1000))
            await connection.execute(f"{_SESSION}; set lock_timeout = {wait}")
            try:
                yield connection
            except asyncpg.LockNotAvailableError as exc:
                raise DatabaseTimeoutError(
                    f"Another transaction keeps a table locked for longer than "
                    f"{options.lock_wait:g} seconds; nothing was changed.",
                    hint=_HOLDER,
                ) from exc
    except ConnectionFailedError as error:
        if "broke" not in str(error.args[0]):
            raise
        raise ConnectionFailedError(
            f"The connection to {where(url)} broke.",
            hint="The person was erased wholly or not at all: call it again to know. `chatkeep "
            "erase --history` shows what was done.",
        ) from error


async def _prepared(connection: asyncpg.Connection, schema: _AnySchema) -> tuple[Registry, Reach]:
    registry = await read_registry(connection, schema)
    reach = Reach(registry)
    check_readable(registry)
    lacking = [
        f"{right} on {each.table.shown}"
        for each in registry.references
        for right in (_right(each),)
        if right in each.table.lacks
    ]
    if lacking:
        raise PersonalDataError(
            f"This role lacks {', '.join(dict.fromkeys(lacking))}.",
            hint="Connect as the owner of the tables.",
        )
    return registry, reach


def _right(reference: Reference) -> str:
    return {"delete": "DELETE", "anonymise": "UPDATE"}.get(reference.does or "", "SELECT")


def _report(registry: Registry, person: Person, steps: list[Step]) -> ErasureReport:
    return ErasureReport(
        subject=audit.subject_hash(person.id),
        steps=steps,
        unknown=registry.unlisted,
        suspects=tuple(registry.suspects),
        absent=tuple(registry.absent),
    )


async def _counted(connection: asyncpg.Connection, person: Person, work: Work) -> Step:
    sql, arguments = person.bind(work.counting())
    (row,) = await connection.fetch(sql, *arguments)
    return work.told(row[0])


async def _erased(
    connection: asyncpg.Connection,
    registry: Registry,
    reach: Reach,
    whom: tuple[str, ErasureOptions],
    tell: Callable[[str], object],
) -> tuple[ErasureReport, Person]:
    """Erase in one transaction; begin anew where others were in the way."""
    attempt = 1
    while True:
        try:
            async with connection.transaction():
                return await _erase(connection, registry, reach, whom, tell)
        except _IN_THE_WAY as exc:
            if attempt == _ATTEMPTS:
                raise ConflictError(
                    "Other transactions were in the way of erasing; nothing was changed.",
                    hint="Run it again.",
                    sqlstate=sqlstate(exc),
                ) from exc
            attempt += 1
        except asyncpg.LockNotAvailableError as exc:
            raise DatabaseTimeoutError(
                f"Another transaction holds rows of this person for longer than "
                f"{whom[1].lock_wait:g} seconds; nothing was changed.",
                hint=_HOLDER,
            ) from exc


async def _erase(
    connection: asyncpg.Connection,
    registry: Registry,
    reach: Reach,
    whom: tuple[str, ErasureOptions],
    tell: Callable[[str], object],
) -> tuple[ErasureReport, Person]:
    who, options = whom
    person = await find_person(connection, registry.users, who, options.also)
    for sql in locking(registry, reach):
        bound, arguments = person.bind(sql)
        await connection.execute(bound, *arguments)
    steps: list[Step] = []
    for work in plan(registry, reach):
        tell(work.table.shown)
        sql = work.doing()
        if sql is None:
            steps.append(await _counted(connection, person, work))
        else:
            bound, arguments = person.bind(sql)
            steps.append(work.told(rows_of(await connection.execute(bound, *arguments))))
    report = _report(registry, person, steps)
    report.is_done = True
    if options.redact:
        left = await scan(connection, registry, person, on_table=tell)
        report.redacted = await redact(connection, registry, person, left.findings)
    await audit.record(
        connection,
        actor=person.unnamed(audit.actor_name(options.actor)),
        action="erase",
        subject_id=person.id,
        detail=report.counts(),
    )
    return report, person


async def _cleared(cache: Cache, person: Person) -> CacheCleared:
    """Let a cache forget; what it raises is told, and keeps nothing else from happening."""
    name = getattr(cache, "__qualname__", type(cache).__name__)
    try:
        return CacheCleared(name, entries=await cache(person))
    except Exception as exc:  # noqa: BLE001 - a cache of the caller's may raise anything
        return CacheCleared(name, failure=type(exc).__name__)


async def _note_proof(
    connection: asyncpg.Connection, person: Person, options: ErasureOptions, report: ErasureReport
) -> None:
    proof = report.proof or Proof()
    await audit.record(
        connection,
        actor=person.unnamed(audit.actor_name(options.actor)),
        action="erase-proof",
        subject_id=person.id,
        detail={
            "tables": proof.tables,
            "rows": proof.rows,
            "found": {f"{each.table}.{each.column}": each.rows for each in proof.findings},
            "not_read": sorted(proof.failed),
            "caches_failed": [each.name for each in report.caches if each.failure],
        },
    )
