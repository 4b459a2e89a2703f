"""Applying the pending migrations, each with its bookkeeping: once, in order, or not at all."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chatkeep.errors import MigrationError
from chatkeep.kit.applying import books, indexes, named
from chatkeep.kit.applying.events import Tell, silent
from chatkeep.kit.applying.forms import is_transactional
from chatkeep.kit.applying.ledger import Record, prepare_books, read_books
from chatkeep.kit.applying.limits import Limits
from chatkeep.kit.applying.line import Line, open_line
from chatkeep.kit.applying.lock import BOOKS, WAIT, keys
from chatkeep.kit.applying.matching import (
    Matching,
    match_books,
    read_matching,
    refuse_disorder,
    refuse_edited,
    refuse_missing,
)
from chatkeep.kit.applying.pooler import refuse_pooler
from chatkeep.kit.applying.project import project_of
from chatkeep.kit.applying.run import refuse_unfit_statements
from chatkeep.kit.applying.script import Script
from chatkeep.kit.applying.stepwise import stepwise
from chatkeep.kit.applying.whole import run_whole
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Folder, Migration

_NAME = "chatkeep migrate"


@dataclass(frozen=True, slots=True)
class Options:
    """How `migrate` goes about it.

    Attributes:
        lock_wait: Seconds to wait for another migrating process.
        limits: How long statements wait for locks and run, and how often they are tried.
        allow_out_of_order: Apply also what stands or is dated before something that is applied.
        resume_after: The caller's word that so many statements of the migration that broke off are
            there, where the run itself cannot tell.
    """

    lock_wait: float = WAIT
    limits: Limits = field(default_factory=Limits)
    allow_out_of_order: bool = False
    resume_after: int | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that this run applied.

    Attributes:
        seconds: How long its statements took.
    """

    migration: Migration
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a run of `migrate` found and did.

    Attributes:
        already: How many migrations of the folder were applied before.
        unknown: How many rows of the bookkeeping no migration of the folder accounts for.
        ledger: False where the role may not create our own ledger; drizzle's rows are complete.
        invalid_indexes: INVALID indexes, as SQL, that applied migrations of the folder made: a
            CONCURRENTLY broke, and another tool noted it as done.
    """

    applied: tuple[Applied, ...]
    already: int
    unknown: int
    ledger: bool
    invalid_indexes: tuple[str, ...] = ()


async def pending(
    folder: Folder, url: str, *, to: str | None = None, allow_out_of_order: bool = False
) -> list[Migration]:
    """Give the migrations that `migrate` would apply, in order; the database stays untouched.

    Raises:
        MigrationEditedError: An applied migration has another content now.
        MigrationFileMissingError: An applied migration is not in the folder.
        MigrationOrderError: A pending migration is older than an applied one.
        ConnectionFailedError: No connection to the database.
    """
    _ = folder.until(to)
    async with connect(url, name=_NAME) as connection:
        matching = await read_matching(connection, folder)
    return _pending(folder, matching, to, out_of_order=allow_out_of_order)


@dataclass(frozen=True, slots=True)
class Planned:
    """A pending migration and what a run would send for it."""

    migration: Migration
    sql: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """What `migrate` would send, in its order.

    Attributes:
        locked: The lock.
        books: What makes the tables of the bookkeeping, or brings them to the form that they have
            now; "" where nothing is to be done. A run does this also when no migration is pending.
        planned: The migrations.
        after: The lock's end.
    """

    locked: str
    books: str
    planned: tuple[Planned, ...]
    after: str

    @property
    def before(self) -> str:
        """What comes before the migrations."""
        return self.locked + self.books


async def dry_run(
    folder: Folder, url: str, *, to: str | None = None, options: Options | None = None
) -> DryRun:
    """Give all that `migrate` would send; the database stays untouched.

    Not among it: what it reads, and what it does when something is in the way (attempts again, an
    INVALID index dropped).

    Raises:
        MigrationEditedError: An applied migration has another content now.
        MigrationFileMissingError: An applied migration is not in the folder.
        MigrationOrderError: A pending migration is older than an applied one.
        MigrationFailedError: A migration holds what would be refused unrun.
        ConnectionFailedError: No connection to the database.
    """
    chosen = options or Options()
    _ = folder.until(to)
    async with connect(url, name=_NAME) as connection:
        await refuse_pooler(connection)
        found = await read_books(connection)
        names = await named.missing(connection, folder.migrations, found.rows)
    matching = match_books(folder, found)
    todo = _todo(folder, matching, to, chosen)
    project = project_of(folder)
    done = {tag: record.done for tag, record in matching.running().items()}
    planned = tuple(
        Planned(migration, _text(script, done.get(migration.tag)))
        for migration in todo
        for script in [Script(migration, chosen.limits, "full", project)]
    )
    locks = keys(project)
    locked = "".join(f"{key.call('pg_try_advisory_lock')};\n" for key in locks)
    made = books.creation(found.there)
    if made:
        lock, unlock = (
            BOOKS.call(f"pg_{word}") for word in ("try_advisory_lock", "advisory_unlock")
        )
        made = f"{lock};\n{made}\n{unlock};\n"
    after = "".join(f"{key.call('pg_advisory_unlock')};\n" for key in reversed(locks))
    claim = _claim(matching, project)
    claimed = f"{claim};\n" if claim else ""
    return DryRun(locked, f"{made}{names}{claimed}", planned, after)


def _text(script: Script, done: int | None) -> str:
    if done is None:
        return "".join(script.dry())
    return f"-- {script.migration.label}: goes on\n" + "".join(script.dry_steps(done))


async def _apply(line: Line, script: Script, record: Record | None, chosen: Options) -> float:
    if record is None and is_transactional(script.migration):
        return await run_whole(line, script)
    after = chosen.resume_after if record is not None else None
    return await stepwise(line, script, record).run(after)


async def migrate(
    folder: Folder,
    url: str,
    *,
    to: str | None = None,
    options: Options | None = None,
    on_applied: Callable[[Applied], None] | None = None,
    on_event: Tell = silent,
) -> Report:
    """Apply the pending migrations, each together with its bookkeeping.

    Each runs in one transaction: a crash or an error leaves whole migrations only. One that holds
    a statement which refuses a transaction runs statement by statement, and the next run goes on
    where it broke off. Processes that run this at the same time wait for each other.

    Args:
        folder: The migrations.
        url: The database; a direct connection, not through a pooler.
        to: The last migration to apply, by tag or number; all of them without it.
        options: Time-outs, waits and what to accept; the defaults without it.
        on_applied: Called after each migration.
        on_event: Called with each thing that happens on the way.

    Raises:
        MigrationEditedError: An applied migration has another content now.
        MigrationFileMissingError: An applied migration is not in the folder.
        MigrationOrderError: A pending migration is older than an applied one.
        MigrationFailedError: PostgreSQL refused a statement.
        MigrationLockError: Another process held the lock for all of the wait.
        MigrationError: The URL leads through a pooler, or the role lacks a right.
        ConnectionFailedError: No connection to the database, or it broke.
    """
    chosen = options or Options()
    _ = folder.until(to)
    project = project_of(folder)
    async with open_line(url, _NAME, project, chosen, on_event) as line:
        connection = line.connection
        found = await read_books(connection)
        matching = match_books(folder, found)
        todo = _todo(folder, matching, to, chosen)
        running = matching.running()
        _refuse_resumption(chosen.resume_after, {m.tag for m in todo} & running.keys())
        ledger = await prepare_books(connection, found, folder.migrations)
        if ledger == "full" and (claim := _claim(matching, project)):
            await connection.execute(claim)
        done: list[Applied] = []
        for migration in todo:
            script = Script(migration, chosen.limits, ledger, project)
            seconds = await _apply(line, script, running.get(migration.tag), chosen)
            done.append(Applied(migration, seconds))
            if on_applied is not None:
                on_applied(done[-1])
        there = [*matching.of("applied"), *(one.migration for one in done)]
        invalid = await indexes.invalid_names(connection, there)
    return Report(
        tuple(done),
        len(matching.of("applied")),
        len(matching.unknown),
        ledger != "none",
        tuple(invalid),
    )


def _pending(
    folder: Folder, matching: Matching, to: str | None, *, out_of_order: bool
) -> list[Migration]:
    refuse_edited(matching)
    refuse_missing(matching)
    wanted = {migration.tag for migration in folder.until(to)}
    todo = [m for m in matching.of("pending", "running") if m.tag in wanted]
    if not out_of_order:
        refuse_disorder(matching, todo)
    return todo


def _todo(folder: Folder, matching: Matching, to: str | None, options: Options) -> list[Migration]:
    """Give what shall run; nothing of it may be unfit to."""
    todo = _pending(folder, matching, to, out_of_order=options.allow_out_of_order)
    for migration in todo:
        refuse_unfit_statements(migration)
    return todo


def _refuse_resumption(resume_after: int | None, running: set[str]) -> None:
    if resume_after is not None and not running:
        raise MigrationError(
            "No migration broke off in this database, so there is none to resume.",
            hint="Leave `--resume-after` out.",
        )


def _claim(matching: Matching, project: str | None) -> str:
    """Give the statement that puts the project's name to its records of an older chatkeep."""
    records = [each.record for each in matching.migrations if each.record is not None]
    unnamed = [(one.created_at, one.hash) for one in records if one.project is None]
    return books.claim(project, unnamed) if project is not None and unnamed else ""
