"""Writing the next migration: planned from two real databases, proved, then written."""

from dataclasses import dataclass
from pathlib import Path

from chatkeep.kit.applying.replay import replay
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.connection import connect
from chatkeep.kit.folder.append import Draft, append, recover
from chatkeep.kit.folder.journal import Entry
from chatkeep.kit.folder.reading import CUSTOM, Folder, Migration
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.plan.renames import parse_renames
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.snapshot.snapshot import empty_snapshot, snapshot
from chatkeep.kit.states import facts_of_tables
from chatkeep.kit.target import StageLike, State, Target
from chatkeep.kit.writing import draft as text
from chatkeep.kit.writing import steps as staging
from chatkeep.kit.writing.deriving import derive_name
from chatkeep.kit.writing.prove import prove
from chatkeep.kit.writing.steps import STAGE_KEY, Step, Steps


@dataclass(frozen=True, slots=True)
class Options:
    """How to generate.

    Attributes:
        name: Of the migration; without one it is read off the change.
        renames: What has another name now, as `--rename` takes it: `table.column:new`.
        allow_drops: Take whatever is gone for dropped, never for renamed.
        hold_contract: Leave the last stage of an upgrade for another time.
    """

    name: str | None = None
    renames: tuple[str, ...] = ()
    allow_drops: bool = False
    hold_contract: bool = False


@dataclass(frozen=True, slots=True)
class Generated:
    """What was written.

    Attributes:
        paths: The SQL files, in order; empty when there is nothing to do.
        destructive: Which rows or values go or change when it is applied, in words.
        held: Name of the stage that waits for another time, or None.
    """

    paths: tuple[Path, ...] = ()
    destructive: tuple[str, ...] = ()
    held: str | None = None


async def generate(path: Path, target: Target, scratch: Scratch, options: Options) -> Generated:
    """Write the migration that leads from the folder to the schema, or the stages of an upgrade.

    What is planned is run on a copy and compared with the schema before anything is written; then
    everything is written, or nothing. What a crashed writer left is removed first.

    Args:
        path: The folder; made when absent.
        target: The schema.
        scratch: Server for scratch databases.
        options: How to generate.

    Raises:
        MigrationsFolderError: The folder cannot be read or written.
        MigrationFailedError: A migration of the folder fails on an empty database.
        RenameUnclearError: Something went and something came; `renames` must say what it is.
        UnmodelledObjectError: The change touches a kind of object that the diff does not know.
        ProofFailedError: The planned SQL did not lead to the schema.
        ConnectionFailedError: No connection to the scratch server.
    """
    recover(path)
    folder = Folder.read(path, create=True)
    writer = _Writer(target, scratch, options)
    async with scratch.database() as url:
        async with connect(url) as connection:
            await replay(connection, folder.migrations)
            state = await read_catalog(connection)
        steps = await writer.steps(folder, state)
        for step in steps.now:
            state = await writer.take(step, url, state)
    held = steps.held.name if steps.held else None
    if not writer.drafts:
        return Generated(held=held)
    _, paths = append(folder, writer.drafts)
    return Generated(tuple(paths), tuple(writer.destructive), held)


def generate_custom(path: Path, name: str | None) -> Path:
    """Write an empty migration to put SQL into, as `drizzle-kit generate --custom` does.

    The newest snapshot is carried forward; no server is needed.

    Raises:
        MigrationsFolderError: The folder cannot be read or written.
    """
    recover(path)
    folder = Folder.read(path, create=True)
    last = folder.last_snapshot() or empty_snapshot()
    carried = {key: value for key, value in last.items() if key not in {"id", "prevId"}}
    _, paths = append(folder, [Draft(name or "custom", CUSTOM, carried)])
    return paths[0]


class _Writer:
    """Takes one step after the other on a scratch database and keeps the drafts."""

    def __init__(self, target: Target, scratch: Scratch, options: Options) -> None:
        self.target = target
        self.scratch = scratch
        self.options = options
        self.drafts: list[Draft] = []
        self.destructive: list[str] = []

    async def steps(self, folder: Folder, state: Catalog) -> Steps:
        """Find out where the folder stands."""
        hold = self.options.hold_contract
        left = staging.stages_left(folder, self.target)
        if left:
            return staging.of_upgrade(left, hold_last=hold)
        states = staging.states_of(self.target)
        if left is None and len(states) > 1 and state.facts:
            first = await facts_of_tables(states[0], self.scratch)
            last = await facts_of_tables(states[-1], self.scratch)
            if staging.lies_before(state, first, last):
                return staging.of_upgrade(self.target.stages, hold_last=hold)
        return staging.plain(self.target)

    async def take(self, step: Step, url: str, state: Catalog) -> Catalog:
        """Draft the step's migration, run it on the database, and give the state after it."""
        if step.state is None:
            sql = text.stage_sql(step.statements)
        else:
            sql = await self._planned(step, step.state, url, state)
        if not sql:
            return state
        stage = step.stage
        if stage is not None:
            sql = text.with_head(sql, stage.name, stage.summary)
        async with connect(url) as connection:
            await replay(connection, [_provisional(stage.name if stage else "new", sql)])
            after = await read_catalog(connection)
        self.drafts.append(self._draft(sql, stage, state, after))
        return after

    async def _planned(self, step: Step, wanted: State, url: str, state: Catalog) -> str:
        goal = await facts_of_tables(wanted, self.scratch)
        statements = plan(
            state,
            goal,
            renames=parse_renames(self.options.renames, state),
            using=wanted.using(),
            # The stages of an upgrade say what they drop; nobody has to be asked.
            allow_drops=self.options.allow_drops or step.stage is not None,
        )
        if not statements:
            return ""
        await prove(self.scratch, url, statements, goal)
        losses = [statement.loses for statement in statements if statement.loses]
        self.destructive += losses
        return text.with_losses(text.statements_sql(statements), losses)

    def _draft(self, sql: str, stage: StageLike | None, before: Catalog, after: Catalog) -> Draft:
        name, own = self.options.name, dict[str, object]()
        if stage is not None:
            name = f"{name or 'harden'}_{stage.name}"
            own = {STAGE_KEY: stage.name}
        name = name or self._renamed(before) or derive_name(before, after, self.target.prefix)
        return Draft(name, sql, snapshot(after, full_names=self.target.full_names), own)

    def _renamed(self, before: Catalog) -> str:
        """Give the name where a table is renamed, which two catalogs alone do not tell."""
        prefix, given = self.target.prefix, parse_renames(self.options.renames, before)
        tables = [(path[-1], new) for path, new in given.items() if len(path) == 2 and new]
        both = [f"{old.removeprefix(prefix)}_to_{new.removeprefix(prefix)}" for old, new in tables]
        return f"rename_{'_and_'.join(both)}" if both else ""


def _provisional(name: str, sql: str) -> Migration:
    """Give a migration that is not written yet, so that a failure names the statement."""
    path = Path(f"{name}.sql")
    return Migration(Entry(0, 0, name), path, sql, "")
