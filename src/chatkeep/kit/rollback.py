"""Taking applied migrations back by their reverses, newest first."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chatkeep.errors import MigrationError, RowsInTheWayError
from chatkeep.kit.applying import books
from chatkeep.kit.applying.events import Tell, silent
from chatkeep.kit.applying.forms import is_transactional
from chatkeep.kit.applying.ledger import Record, read_books
from chatkeep.kit.applying.limits import Limits
from chatkeep.kit.applying.line import Line, open_line
from chatkeep.kit.applying.lock import WAIT
from chatkeep.kit.applying.matching import Matching, match_books, read_matching
from chatkeep.kit.applying.pooler import refuse_pooler
from chatkeep.kit.applying.project import project_of
from chatkeep.kit.applying.stepwise import stepwise
from chatkeep.kit.applying.whole import run_whole
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Folder, Migration
from chatkeep.kit.reverting.choosing import Reversal, choose, verify
from chatkeep.kit.reverting.script import ReverseScript
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.writing.vanishing import Loss, count_losses

__all__ = ["Options", "Plan", "Report", "Reverted", "prove", "rollback", "select"]

_NAME = "chatkeep rollback"


@dataclass(frozen=True, slots=True)
class Options:
    """How `rollback` goes about it.

    Attributes:
        accept_data_loss: Stored rows and values may go.
        lock_wait: Seconds to wait for another migrating process.
        limits: How long statements wait for locks and run, and how often they are tried.
    """

    accept_data_loss: bool = False
    lock_wait: float = WAIT
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall be taken back, newest first.

    Attributes:
        losses: What each takes, by the tag of its migration, counted where it can be.
        note: How it was proved, where that was less than usual.
    """

    folder: Folder
    reversals: tuple[Reversal, ...]
    losses: dict[str, list[Loss]]
    note: str = ""

    @property
    def is_proved(self) -> bool:
        """Whether all of the reverses are known to bring back what was."""
        return all(each.is_proved for each in self.reversals)

    def sql(self, options: Options | None = None) -> list[tuple[Migration, str]]:
        """Give what a run would send for each, with the migration that it takes back."""
        limits, project = (options or Options()).limits, project_of(self.folder)
        return [
            (each.up, "".join(_script(each, limits, "full", project).dry()))
            for each in self.reversals
        ]


@dataclass(frozen=True, slots=True)
class Reverted:
    """A migration that this run took back.

    Attributes:
        seconds: How long its statements took.
    """

    migration: Migration
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a run of `rollback` did.

    Attributes:
        left: How many migrations of the folder are applied still.
    """

    reverted: tuple[Reverted, ...]
    left: int


async def select(folder: Folder, url: str, *, to: str | None = None, steps: int = 1) -> Plan:
    """Find out what shall be taken back; the database stays untouched.

    Args:
        folder: The migrations.
        url: The database; a direct connection, not through a pooler.
        to: The last migration that stays, by tag or number; None goes by `steps`.
        steps: How many to take back.

    Raises:
        NotReversibleError: One of them has no reverse that may be used.
        MigrationEditedError: An applied migration has another content now.
        MigrationError: `to` is not applied, there are not so many, or a migration broke off.
        ConnectionFailedError: No connection to the database.
    """
    async with connect(url, name=_NAME) as connection:
        await refuse_pooler(connection)
        matching = await read_matching(connection, folder)
        reversals = choose(folder, matching, to=to, steps=steps)
        losses = {each.up.tag: await count_losses(connection, each.loses) for each in reversals}
    return Plan(folder, tuple(reversals), losses)


async def prove(plan: Plan, url: str, scratch: Scratch) -> Plan:
    """Try on scratch databases what is not proved, and count again what would go.

    Raises:
        NotReversibleError: A reverse does not bring back what was.
        ConnectionFailedError: A server cannot be reached.
    """
    reversals, note = await verify(plan.reversals, scratch)
    async with connect(url, name=_NAME) as connection:
        losses = {each.up.tag: await count_losses(connection, each.loses) for each in reversals}
    return Plan(plan.folder, tuple(reversals), losses, note)


async def rollback(
    plan: Plan,
    url: str,
    options: Options | None = None,
    *,
    on_reverted: Callable[[Reverted], None] | None = None,
    on_event: Tell = silent,
) -> Report:
    """Run the reverses, each in one transaction with its bookkeeping.

    A crash or an error leaves whole migrations only, as with `migrate`.

    Args:
        plan: Of `select`, proved.
        url: The database of that plan.
        options: What may go, and how long to wait.
        on_reverted: Called after each.
        on_event: Called with each thing that happens on the way.

    Raises:
        RowsInTheWayError: Rows or values would go, and nobody accepted that.
        MigrationFailedError: PostgreSQL refused a statement.
        MigrationLockError: Another process held the lock for all of the wait.
        MigrationError: The plan is not proved, or the database is not any more as it was planned.
        ConnectionFailedError: No connection to the database, or it broke.
    """
    chosen = options or Options()
    if not plan.is_proved:
        raise MigrationError("This plan is not proved.", hint="Try it on a scratch server first.")
    if not chosen.accept_data_loss:
        _refuse_losses(plan)
    project = project_of(plan.folder)
    async with open_line(url, _NAME, project, chosen, on_event) as line:
        found = await read_books(line.connection)
        matching = match_books(plan.folder, found)
        _refuse_changes(plan, matching)
        half = matching.half_reversed
        done: list[Reverted] = []
        for each in plan.reversals:
            script = _script(each, chosen.limits, found.there.ledger, project)
            seconds = await _run(line, script, half.get(each.up.tag))
            done.append(Reverted(each.up, seconds))
            if on_reverted is not None:
                on_reverted(done[-1])
    return Report(tuple(done), len(matching.of("applied")) - len(done))


async def _run(line: Line, script: ReverseScript, record: Record | None) -> float:
    if record is None and is_transactional(script.migration):
        return await run_whole(line, script)
    if record is not None and record.project is None and script.project is not None:
        # The folder got its name after the reverse broke off.
        claim = books.claim(script.project, [(record.created_at, record.hash)])
        await line.connection.execute(claim)
    return await stepwise(line, script, record).run(None)


def _script(
    each: Reversal, limits: Limits, ledger: books.Ledger, project: str | None
) -> ReverseScript:
    return ReverseScript(each.down, limits, ledger, project, each.up, each.row)


def _refuse_changes(plan: Plan, matching: Matching) -> None:
    """Refuse to go on when another process migrated since the plan was made."""
    applied = [
        (each.migration.tag, each.row.id)
        for each in matching.migrations
        if each.state == "applied" and each.row is not None
    ]
    planned = [(each.up.tag, each.row) for each in reversed(plan.reversals)]
    if planned and applied[-len(planned) :] != planned:
        raise MigrationError(
            "Another process migrated this database meanwhile.", hint="Run the command again."
        )


def _refuse_losses(plan: Plan) -> None:
    said = [
        f"{tag}: {', '.join(map(str, losses))}" for tag, losses in plan.losses.items() if losses
    ]
    if said:
        raise RowsInTheWayError(
            f"Taking back loses data. {'; '.join(said)}.",
            hint="`--accept-data-loss` lets it go; nothing was changed.",
        )
