"""The review itself: the folder replayed, the pending migrations measured, the findings gathered."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import asyncpg

from chatkeep.kit.applying.replay import replay
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Folder, Migration
from chatkeep.kit.plan.quoting import literal
from chatkeep.kit.review import expressions, squawk
from chatkeep.kit.review.asking import Asking
from chatkeep.kit.review.breaking import code_findings
from chatkeep.kit.review.draft import Desk, Draft
from chatkeep.kit.review.finding import Finding, Review, Reviewed, Severity, Size
from chatkeep.kit.review.folder import acknowledged, down_findings
from chatkeep.kit.review.forms import form_findings
from chatkeep.kit.review.live import Live, UnansweredError, live
from chatkeep.kit.review.locking import lock_findings
from chatkeep.kit.review.losing import with_losses
from chatkeep.kit.review.projection import Projector
from chatkeep.kit.review.retyping import cut_findings
from chatkeep.kit.review.rowdata import data_findings
from chatkeep.kit.review.rowwork import row_findings
from chatkeep.kit.review.shape import Shape, read_shape
from chatkeep.kit.review.trace import Trace, trace
from chatkeep.kit.review.weighing import concerned, measured, weighed
from chatkeep.kit.scratch import Scratch

SMALL_BYTES = 1 << 20
SECONDS = 5.0

_NO_DATABASE = "No database was given (--url or DATABASE_URL): sizes and rows were not looked at."


@dataclass(frozen=True, slots=True)
class Options:
    """How to review.

    Attributes:
        small_bytes: A table of the real database that is smaller, with indexes and TOAST, turns a
            danger about locks into a note.
        seconds: The longest that one question to the real database may take.
        use_squawk: Whether to ask squawk as well, where it is installed.
    """

    small_bytes: int = SMALL_BYTES
    seconds: float = SECONDS
    use_squawk: bool = True


async def review(
    folder: Folder,
    scratch: Scratch,
    *,
    tags: Sequence[str] = (),
    url: str | None = None,
    options: Options | None = None,
) -> Review:
    """Measure what migrations do to a live database, on a scratch one, and say what is dangerous.

    The real database, where one is given, is only read: sizes, which migrations are pending, and
    how many rows would break a new rule. No value of a row but its primary key gets into the
    result.

    Args:
        folder: The migrations.
        scratch: Server for a scratch database.
        tags: The migrations to review, by tag or number. Without any: those that are pending in
            the database; without a database, all.
        url: The real database, or None.
        options: How to review.

    Raises:
        MigrationsFolderError: The folder holds no such migration.
        MigrationFailedError: A migration before the reviewed ones fails on an empty database.
        ConnectionFailedError: No connection to the database, or to the scratch server.
    """
    chosen = options or Options()
    wanted = {folder.until(tag)[-1].tag for tag in tags}
    async with AsyncExitStack() as stack:
        database = None
        if url is not None:
            database = await stack.enter_async_context(live(url, chosen.seconds))
        work = _Work(folder, chosen, database)
        await work.choose(wanted, given=bool(tags))
        place = await stack.enter_async_context(scratch.database())
        connection = await stack.enter_async_context(connect(place, name="chatkeep review"))
        await work.measure(connection)
        return await work.finish(connection.get_server_version().major)


@dataclass
class _Work:
    folder: Folder
    options: Options
    database: Live | None
    selected: list[Migration] = field(default_factory=list[Migration])
    pending: set[str] = field(default_factory=set[str])
    notes: list[str] = field(default_factory=list[str])
    traces: list[Trace] = field(default_factory=list[Trace])
    drafts: dict[str, list[Draft]] = field(default_factory=dict[str, list[Draft]])
    written: set[int] = field(default_factory=set[int])
    filled: set[int] = field(default_factory=set[int])
    base: Shape | None = None

    async def choose(self, wanted: set[str], *, given: bool) -> None:
        """Decide which migrations are reviewed."""
        everything = list(self.folder.migrations)
        if self.database is None:
            self.notes.append(_NO_DATABASE)
            pending = everything
        else:
            matching = await self.database.matching(self.folder)
            pending = matching.of("pending", "running")
            for migration in matching.of("edited", "redated"):
                self.notes.append(f"{migration.label} changed after being applied there.")
            for migration in matching.of("running"):
                self.notes.append(f"{migration.label} is half applied there; it is reviewed whole.")
        self.pending = {migration.tag for migration in pending}
        self.selected = [m for m in everything if m.tag in wanted] if given else pending

    async def measure(self, connection: asyncpg.Connection) -> None:
        """Run the folder on the scratch database, and measure what is reviewed."""
        zone = await self.database.time_zone() if self.database else None
        self._compare_versions(connection)
        tags = {migration.tag for migration in self.selected}
        for migration in self.folder.migrations:
            if not tags:
                return
            if self.base is None and (migration.tag in self.pending or migration.tag in tags):
                self.base = await read_shape(connection)
            if migration.tag not in tags:
                await replay(connection, [migration])
                continue
            if zone is not None:  # it decides whether a change of type writes a table anew
                await connection.execute(f"SET timezone = {literal(zone)}")
            done = await trace(connection, migration)
            self.traces.append(done)
            await self._judge(connection, done)
            tags.discard(migration.tag)
            if done.failure is not None:
                self._broke_off(tags)
                return

    def _compare_versions(self, connection: asyncpg.Connection) -> None:
        here = connection.get_server_version().major
        if self.database is not None and self.database.version != here:
            self.notes.append(
                f"Measured on PostgreSQL {here}; the database is {self.database.version}. "
                "Give a server of its version with --scratch-url."
            )

    def _broke_off(self, left: set[str]) -> None:
        if left:
            names = ", ".join(m.tag for m in self.selected if m.tag in left)
            self.notes.append(f"Not measured, since a migration before fails: {names}.")

    async def _judge(self, connection: asyncpg.Connection, done: Trace) -> None:
        """Gather what can be said while the scratch database is as the migration left it."""
        desk = Desk(done)
        drafts = [*lock_findings(desk), *code_findings(desk), *row_findings(desk)]
        base = self.base
        asks = self.database is not None and done.migration.tag in self.pending
        if self.database is None or base is None or not asks or done.failure is not None:
            self.drafts[done.migration.tag] = [*drafts, *cut_findings(desk)]
            return
        projector = Projector(base, done.after, await expressions.defaults(connection))
        asking = Asking(self.database, desk, projector, self.written, self.filled, self.notes)
        drafts = await with_losses(asking, drafts)
        self.drafts[done.migration.tag] = [*drafts, *await data_findings(asking, connection)]

    async def finish(self, version: int) -> Review:
        """Put everything together."""
        for done in self.traces:
            self.drafts[done.migration.tag] += form_findings(Desk(done), self.traces[-1].after)
        sizes, base = await self._sizes(), self.base
        heard = await self._squawk(version)
        reviewed: list[Reviewed] = []
        for done in self.traces:
            migration = done.migration
            drafts = self.drafts[migration.tag]
            small = self.options.small_bytes
            found = [
                weighed(draft, sizes, base, small) if base and self.database else draft.finding
                for draft in drafts
            ]
            found += down_findings(migration)
            found = squawk.merged(done, found, [r for r in heard if r.file == str(migration.path)])
            findings = tuple(sorted(acknowledged(migration, found), key=_order))
            statements = tuple(measured(step) for step in done.steps)
            reviewed.append(
                Reviewed(
                    migration.tag, migration.label, done.is_transactional, statements, findings
                )
            )
        named = {base.relations[oid].label: size for oid, size in sizes.items()} if base else {}
        return Review(tuple(reviewed), dict(sorted(named.items())), tuple(self.notes))

    async def _sizes(self) -> dict[int, Size]:
        if self.database is None or self.base is None:
            return {}
        drafts = [draft for each in self.drafts.values() for draft in each]
        numbers = concerned(drafts, self.traces)
        there = {oid: item for oid, item in self.base.relations.items() if oid in numbers}
        try:
            found = await self.database.sizes((item.schema, item.name) for item in there.values())
        except UnansweredError as exc:
            self.notes.append(f"The sizes of the tables could not be read: {exc.reason}.")
            return {}
        return {
            oid: found[item.schema, item.name]
            for oid, item in there.items()
            if (item.schema, item.name) in found
        }

    async def _squawk(self, version: int) -> list[squawk.Remark]:
        if not self.options.use_squawk or not self.traces:
            return []
        binary = squawk.find_squawk()
        if binary is None:
            self.notes.append(squawk.ABSENT)
            return []
        heard: list[squawk.Remark] = []
        for whole in (True, False):
            files = [t.migration.path for t in self.traces if t.is_transactional is whole]
            told = await squawk.remarks(binary, files, version=version, in_transaction=whole)
            if told is None:
                self.notes.append("squawk could not be run: its opinion is missing.")
                return []
            heard += told
        return heard


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return (finding.line, _RANK[finding.severity], finding.rule, finding.subject)
