"""A development database brought to the schema, without migrations: all of it, or nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

import asyncpg

from chatkeep.errors import MigrationError, ProofFailedError, RowsInTheWayError
from chatkeep.kit.applying import ledger
from chatkeep.kit.applying.lock import migration_lock
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Kind
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.connection import BROKEN, connect
from chatkeep.kit.differences import differences
from chatkeep.kit.patterns import claims
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.plan.renames import Renames, parse_renames
from chatkeep.kit.plan.renaming import apply_renames, infer_renames, renamed_keys
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.pushing.guarded import Guard, Refusal
from chatkeep.kit.pushing.ours import ours, strangers
from chatkeep.kit.refusal import describe
from chatkeep.kit.roles import missing_roles
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.states import facts_of_tables
from chatkeep.kit.target import Target

LOCK_WAIT = 10.0  # seconds, for another migrating process and for each table


@dataclass(frozen=True, slots=True)
class Options:
    """How to push.

    Attributes:
        tables: Patterns of tables that are the project's even where the schema has them no more.
        renames: What has another name now, as `--rename` takes it.
        allow_drops: Take whatever is gone for dropped, never for renamed.
        drop: Tables and columns whose rows or values may go: `user.bio`, `app.note`.
        accept_data_loss: All of them may.
        force: Also a database that migrations were applied to.
        dry_run: Try everything, then take it back.
    """

    tables: Sequence[str] = ()
    renames: Sequence[str] = ()
    allow_drops: bool = False
    drop: Sequence[str] = ()
    accept_data_loss: bool = False
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did, or in a dry run would do.

    Attributes:
        statements: What ran, in order; empty when there was nothing to do.
        refusals: In a dry run, the rows that are in the way.
        strangers: Tables that are not the project's and stayed as they are.
    """

    statements: tuple[Statement, ...]
    refusals: tuple[Refusal, ...] = ()
    strangers: tuple[str, ...] = field(default=())


async def push(
    url: str,
    target: Target,
    scratch: Scratch,
    options: Options,
    *,
    on_plan: Callable[[Sequence[Statement]], None] | None = None,
) -> Pushed:
    """Change a database to what the schema says, in one transaction, for development.

    Rows are counted before a statement that would lose them or that they would refuse: with none,
    nothing is asked. Before the end the result is read back and compared with the schema. Only
    tables that the schema names, or a pattern claims, are touched, and what they alone need.

    Args:
        url: The database; a direct connection.
        target: The schema.
        scratch: Server for scratch databases, best of the database's major version.
        options: How to push.
        on_plan: Called with the statements before they run.

    Raises:
        MigrationError: Migrations were applied to the database; push is not for it.
        RenameUnclearError: Something went and something came; `renames` must say what it is.
        UnmodelledObjectError: The change touches a kind of object that the diff does not know.
        RowsInTheWayError: Rows or values would be lost, or refuse the change. Nothing changed.
        StatementError: PostgreSQL refused a statement. Nothing changed.
        ProofFailedError: The result was not the schema. Nothing changed.
        MigrationLockError: Another process is migrating the database.
        ConnectionFailedError: No connection to the database, or to the scratch server.
    """
    goal = await facts_of_tables(target.state, scratch)
    async with (
        connect(url, name="chatkeep push") as connection,
        migration_lock(connection, wait=LOCK_WAIT),
    ):
        if not options.force:
            await _refuse_migrated(connection)
        live = await read_catalog(connection)
        renames = parse_renames(options.renames, live, goal)
        mine = _ours(live, goal, options, renames)
        statements = plan(
            mine,
            goal,
            renames=renames,
            using=target.state.using(),
            allow_drops=options.allow_drops,
        )
        statements = [*missing_roles(target.state.extras, mine, goal), *statements]
        say = on_plan or _nobody
        say(statements)
        found = Pushed(tuple(statements), (), tuple(strangers(live, mine)))
        if not statements:
            return found
        before, _ = infer_renames(apply_renames(mine, renames)[0], goal)
        guard = Guard(connection, before, goal, _acceptance(options))
        more = await _run(guard, statements, options, say)
    done = (*found.statements, *more)
    return replace(found, statements=done, refusals=tuple(guard.refusals))


def _nobody(statements: Sequence[Statement]) -> None:
    """Stand in where nobody wants to see the statements."""


def _ours(live: Catalog, goal: Catalog, options: Options, renames: Renames) -> Catalog:
    return ours(live, goal, claims(options.tables), renamed_keys(live, goal, renames))


async def _refuse_migrated(connection: asyncpg.Connection) -> None:
    rows = (await ledger.read_books(connection)).rows
    if rows:
        said = "A migration was" if len(rows) == 1 else f"{len(rows)} migrations were"
        raise MigrationError(
            f"{said} applied to this database; push would leave the folder behind.",
            hint="Use `chatkeep generate` and `chatkeep migrate`, or push with --force.",
        )


def _acceptance(options: Options) -> Callable[[tuple[str, ...]], bool]:
    """Give what tells accepted losses from others; a name without a schema means `public`."""
    named = set(options.drop)

    def accepted(path: tuple[str, ...]) -> bool:
        short = path[1:] if path[0] == "public" else path
        return options.accept_data_loss or bool({".".join(path), ".".join(short)} & named)

    return accepted


async def _run(
    guard: Guard,
    statements: Sequence[Statement],
    options: Options,
    say: Callable[[Sequence[Statement]], None],
) -> Sequence[Statement]:
    """Run the plan in one transaction; give the statements that came on top of it."""
    connection = guard.connection
    more: Sequence[Statement] = ()
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT:g}s'")
        await guard.run(statements)
        if not guard.refusals:
            more = await _unwanted_grants(connection, guard.after, options)
            say(more)
            await guard.run(more)
            await _prove(connection, guard.after, options)
        elif not options.dry_run:
            _refuse(guard.refusals)
    except BaseException:
        if not connection.is_closed():
            await transaction.rollback()
        raise
    if options.dry_run:
        await transaction.rollback()
        return more
    try:
        await transaction.commit()  # deferred constraints are checked here
    except BROKEN:
        raise
    except asyncpg.PostgresError as exc:
        raise RowsInTheWayError(
            f"PostgreSQL refuses the whole: {describe(exc)}", hint="Nothing was changed."
        ) from exc
    return more


async def _unwanted_grants(
    connection: asyncpg.Connection, goal: Catalog, options: Options
) -> Sequence[Statement]:
    """Plan to take back what ALTER DEFAULT PRIVILEGES of others gave on what was just made."""
    mine = _ours(await read_catalog(connection), goal, options, {})
    left = plan(mine, goal, allow_drops=True)
    return left if all(statement.kind == Kind.GRANT for statement in left) else ()


async def _prove(connection: asyncpg.Connection, goal: Catalog, options: Options) -> None:
    """Read the result back while it can still be taken back."""
    live = await read_catalog(connection)
    faults = [f"{d.object} is {d.found}" for d in differences(_ours(live, goal, options, {}), goal)]
    if not faults:
        return
    raise ProofFailedError(
        f"The statements do not lead to the schema: {'; '.join(faults[:20])}.",
        hint=_OTHER_VERSION
        if live.version != goal.version
        else "Nothing was changed. This is a fault of chatkeep: please report it with the schema.",
    )


_OTHER_VERSION = (
    "Nothing was changed. Give a --scratch-url of the database's own major version: PostgreSQL "
    "prints some expressions in other words from one version to the next."
)


def _refuse(refusals: Sequence[Refusal]) -> NoReturn:
    lost = [refusal for refusal in refusals if refusal.loses]
    said = "; ".join(map(describe_refusal, refusals))
    hint = "Mend the rows and push again. Nothing was changed."
    if len(lost) == len(refusals):
        names = " ".join(f"--drop {refusal.object}" for refusal in lost)
        hint = f"To lose them, say {names}, or --accept-data-loss. Nothing was changed."
    raise RowsInTheWayError(f"Rows are in the way: {said}.", hint=hint)


def describe_refusal(refusal: Refusal) -> str:
    """Give the refusal in words, with the keys of some rows."""
    keys = f" (such as {'; '.join(refusal.keys)})" if refusal.keys else ""
    number = f"{refusal.rows:,} " if refusal.rows else ""
    lost = " would be lost" if refusal.loses else ""
    return f"{number}{refusal.says.rstrip('.')}{lost}{keys}"
