"""Running a migration on a scratch database and measuring what each statement does.

Read after each statement: the locks of our own session, which relations lie in other files than
before, and the session's counters of scans. Empty tables are enough: PostgreSQL takes the same
locks, and begins the same scans and rewrites, whatever the number of rows.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import asyncpg

from chatkeep.errors import ConfigError, MigrationFailedError
from chatkeep.kit.applying.forms import is_transactional, needs_no_transaction
from chatkeep.kit.applying.run import refuse_unfit_statements
from chatkeep.kit.connection import BROKEN
from chatkeep.kit.folder import Migration
from chatkeep.kit.refusal import describe
from chatkeep.kit.review import modes
from chatkeep.kit.review.difference import Difference
from chatkeep.kit.review.estimating import much_changed
from chatkeep.kit.review.shape import TABLES, Shape, query, read_shape
from chatkeep.kit.review.steps import Statement, statements_of

_SERVER_WIDE = {
    ("CREATE", "DATABASE"),
    ("DROP", "DATABASE"),
    ("ALTER", "SYSTEM"),
    ("CREATE", "TABLESPACE"),
    ("DROP", "TABLESPACE"),
    ("CREATE", "SUBSCRIPTION"),
    ("DROP", "SUBSCRIPTION"),
}
_CHANGING = {"UPDATE", "DELETE", "MERGE", "WITH"}
_TRUNCATE = re.compile(r"\bTRUNCATE\b", re.IGNORECASE)
_LOCKABLE = TABLES | {"v"}


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that an earlier statement of the same transaction took."""

    lock: int
    since: int  # number of that statement


@dataclass(frozen=True)
class Step:
    """What one statement did. Tables are told by their numbers on the scratch database.

    Attributes:
        existing: Relations that were there before the file; nobody waits for others.
        locks: The strongest lock that the statement took on each, beyond those held.
        held: Locks of earlier statements of the same transaction, the strongest for each.
        scanned: Tables that were read from end to end.
        in_transaction: Whether locks were measured. False for statements that refuse a
            transaction, whose locks are known from PostgreSQL's documentation.
        notices: (SQLSTATE, text) of what PostgreSQL remarked.
        is_skipped: Whether it was not run, since it changes the whole server.
        much_changed: Tables of which it is expected to change many rows; an index may find them.
    """

    statement: Statement
    difference: Difference
    existing: frozenset[int]
    locks: Mapping[int, int]
    held: Mapping[int, Held]
    scanned: frozenset[int]
    in_transaction: bool = True
    notices: tuple[tuple[str, str], ...] = ()
    is_skipped: bool = False
    much_changed: frozenset[int] = frozenset()

    @property
    def before(self) -> Shape:
        """What was there before the statement."""
        return self.difference.before

    @property
    def after(self) -> Shape:
        """What was there after the statement."""
        return self.difference.after

    @cached_property
    def rewritten(self) -> frozenset[int]:
        """Tables that were there before the file and lie in another file now."""
        return frozenset(
            oid
            for oid in self.difference.rewritten & self.existing
            if self.before.relations[oid].kind in TABLES
        )

    @cached_property
    def wrote(self) -> frozenset[int]:
        """Tables whose rows it may have changed: the lock for that tells, on empty ones as well."""
        fresh = {oid for oid, lock in self.locks.items() if lock == modes.ROW_EXCLUSIVE}
        if fresh or self.statement.words[0] not in {"UPDATE", "DELETE", "INSERT", "MERGE"}:
            return frozenset(fresh)
        return self.scanned & self.held.keys()  # an earlier statement has taken the lock already

    @property
    def truncates(self) -> bool:
        """Whether the statement is TRUNCATE, or a block that speaks of it."""
        first = self.statement.words[0]
        return first == "TRUNCATE" or (
            first == "DO" and _TRUNCATE.search(self.statement.sql) is not None
        )

    def lock_on(self, oid: int) -> int:
        """Give the strongest lock on a table while the statement ran, -1 for none."""
        held = self.held.get(oid)
        return max(self.locks.get(oid, -1), held.lock if held else -1)


@dataclass(frozen=True)
class Trace:
    """One migration as it ran.

    Attributes:
        is_transactional: Whether the file runs in one transaction.
        failure: What PostgreSQL said when a statement failed, else None.
        failed: That statement; None where the commit failed, or nothing was run.
    """

    migration: Migration
    is_transactional: bool
    before: Shape
    steps: tuple[Step, ...]
    failure: str | None = None
    failed: Statement | None = None

    @property
    def after(self) -> Shape:
        """What is there at the end, or where it broke off."""
        return self.steps[-1].after if self.steps else self.before

    @property
    def existing(self) -> frozenset[int]:
        """Relations that were there before the file."""
        return frozenset(self.before.relations)


async def trace(connection: asyncpg.Connection, migration: Migration) -> Trace:
    """Run a migration on a scratch database that holds what comes before it, and measure.

    A statement that fails ends the file; that is told in the result, not raised.

    Raises:
        ConfigError: The server counts no scans (`track_counts`).
    """
    if await connection.fetchval("SHOW track_counts") != "on":
        raise ConfigError(
            "The scratch server has track_counts off, so scans cannot be measured.",
            hint="Turn it on there, or give another --scratch-url.",
        )
    runner = _Runner(connection, await read_shape(connection))
    whole = is_transactional(migration)
    statements = statements_of(migration)
    connection.add_log_listener(runner.hear)
    try:
        refuse_unfit_statements(migration)
        await runner.run(statements, whole=whole)
    except MigrationFailedError as exc:
        runner.failure = str(exc)
    finally:
        connection.remove_log_listener(runner.hear)
        await _rest(connection)
    steps = tuple(runner.steps)
    return Trace(migration, whole, runner.start, steps, runner.failure, runner.failed)


async def _rest(connection: asyncpg.Connection) -> None:
    await connection.execute("RESET SESSION AUTHORIZATION")
    await connection.execute("RESET ALL")


@dataclass
class _Seen:
    """Locks and scans of the transaction up to here."""

    locks: set[tuple[int, int]]
    scans: dict[int, int]


@dataclass
class _Runner:
    connection: asyncpg.Connection
    start: Shape
    steps: list[Step] = field(default_factory=list[Step])
    failure: str | None = None
    failed: Statement | None = None
    heard: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def hear(self, _connection: object, message: object) -> None:
        """Keep what PostgreSQL remarks beside its answers, such as a name that it cut."""
        code, text = getattr(message, "sqlstate", ""), getattr(message, "message", "")
        self.heard.append((str(code), str(text)))

    async def run(self, statements: Iterable[Statement], *, whole: bool) -> None:
        if whole:
            await self._transaction(list(statements))
            return
        for statement in statements:
            if _is_of_the_server(statement):
                await self._skip(statement)
            elif needs_no_transaction(statement.sql):
                await self._outside(statement)
            else:
                await self._transaction([statement])
            if self.failure is not None:
                return

    async def _transaction(self, statements: list[Statement]) -> None:
        transaction = self.connection.transaction()
        await transaction.start()
        first = len(self.steps)
        # What was counted before may come from an earlier transaction: it is reported with delay.
        seen = _Seen(await _locks(self.connection), await _scans(self.connection))
        for statement in statements:
            if not await self._measure(statement, first, seen):
                await transaction.rollback()
                return
        try:
            await transaction.commit()
        except asyncpg.PostgresError as exc:
            self.failure = f"The commit at its end fails: {describe(exc)}"

    async def _measure(self, statement: Statement, first: int, seen: "_Seen") -> bool:
        before = self._shape()
        many = set[tuple[str, str]]()
        if statement.words[0] in _CHANGING:
            many = await much_changed(self.connection, statement.sql)
        if not await self._execute(statement):
            return False
        took = await _locks(self.connection)
        scans = await _scans(self.connection)
        after = await read_shape(self.connection)
        existing = frozenset(self.start.relations)
        new = took - seen.locks
        locks = _strongest(pair for pair in new if self._counts(pair[0]))
        scanned = {oid for oid, count in scans.items() if count > seen.scans.get(oid, 0)}
        seen.locks, seen.scans = took, scans
        self._add(
            Step(
                statement,
                Difference(before, after),
                existing,
                locks,
                self._held(first),
                frozenset(scanned & existing),
                much_changed=frozenset(
                    oid
                    for oid, item in before.relations.items()
                    if oid in existing and (item.schema, item.name) in many
                ),
            )
        )
        return True

    def _held(self, first: int) -> dict[int, Held]:
        held: dict[int, Held] = {}
        for step in self.steps[first:]:
            for oid, lock in step.locks.items():
                if oid not in held or held[oid].lock < lock:
                    held[oid] = Held(lock, step.statement.number)
        return held

    async def _outside(self, statement: Statement) -> None:
        before = self._shape()
        if not await self._execute(statement):
            return
        after = await read_shape(self.connection)
        difference = Difference(before, after)
        existing = frozenset(self.start.relations)
        lock = _documented_lock(statement.words)
        built = {index.table for index in difference.built}
        touched = built | {index.table for index in difference.dropped if index.table}
        anew = {before.relations[oid].table or oid for oid in difference.rewritten}
        touched |= anew
        self._add(
            Step(
                statement,
                difference,
                existing,
                {oid: lock for oid in touched if self._counts(oid)},
                {},
                frozenset((built | anew) & existing),
                in_transaction=False,
            )
        )

    async def _skip(self, statement: Statement) -> None:
        shape = self._shape()
        difference = Difference(shape, shape)
        self._add(
            Step(
                statement,
                difference,
                frozenset(self.start.relations),
                {},
                {},
                frozenset(),
                in_transaction=False,
                is_skipped=True,
            )
        )

    async def _execute(self, statement: Statement) -> bool:
        self.heard.clear()
        try:
            await self.connection.execute(statement.sql)
        except BROKEN:
            raise
        except asyncpg.PostgresError as exc:
            self.failure, self.failed = describe(exc), statement
            return False
        return True

    def _add(self, step: Step) -> None:
        self.steps.append(replace(step, notices=tuple(self.heard)))
        self.heard.clear()

    def _shape(self) -> Shape:
        return self.steps[-1].after if self.steps else self.start

    def _counts(self, oid: int) -> bool:
        relation = self.start.relations.get(oid)
        return relation is not None and relation.kind in _LOCKABLE


def _is_of_the_server(statement: Statement) -> bool:
    """Whether it would change more than the scratch database, which alone is ours to change."""
    return tuple(statement.words[:2]) in _SERVER_WIDE


def _documented_lock(words: tuple[str, ...]) -> int:
    """Give the lock of a statement that refuses a transaction, from PostgreSQL's documentation."""
    if words[0] == "CLUSTER" or (words[0] == "VACUUM" and "FULL" in words):
        return modes.ACCESS_EXCLUSIVE
    if words[0] == "REINDEX" and "CONCURRENTLY" not in words:
        return modes.SHARE
    return modes.SHARE_UPDATE_EXCLUSIVE


def _strongest(locks: Iterable[tuple[int, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for oid, lock in locks:
        found[oid] = max(lock, found.get(oid, -1))
    return found


async def _locks(connection: asyncpg.Connection) -> set[tuple[int, int]]:
    rows = await connection.fetch(query("locks"))
    return {(oid, modes.strength(mode)) for oid, mode in rows}


async def _scans(connection: asyncpg.Connection) -> dict[int, int]:
    rows = await connection.fetch(query("counters"))
    return dict(rows)
