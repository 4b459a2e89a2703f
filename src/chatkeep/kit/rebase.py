"""Putting the migrations of two merged branches behind one another."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatkeep.errors import MigrationFailedError, MigrationOrderError
from chatkeep.kit.applying import ledger
from chatkeep.kit.applying.matching import match
from chatkeep.kit.applying.replay import replay
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Folder, jsjson
from chatkeep.kit.folder.append import recover
from chatkeep.kit.folder.journal import JOURNAL
from chatkeep.kit.folder.reading import CUSTOM, FIRST_ID
from chatkeep.kit.folder.replacing import replace
from chatkeep.kit.rebasing.order import Order, Placed, arrange
from chatkeep.kit.rebasing.reverses import Tried, try_reverses
from chatkeep.kit.rebasing.sides import Sides, find_sides
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.snapshot.snapshot import snapshot

_NO_NAMES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Options:
    """How to rebase.

    Attributes:
        onto: The commit whose migrations come first; see `find_sides`.
        url: A database that must not have what is renumbered, or None.
        though_applied: Renumber it though the database has it.
        full_names: Names of constraints that PostgreSQL cut; see `Target.full_names`.
        dry_run: Write nothing.
    """

    onto: str | None = None
    url: str | None = None
    though_applied: bool = False
    full_names: Mapping[str, str] = field(default_factory=lambda: _NO_NAMES)
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """A migration that has another number or date now."""

    old: str
    new: str
    old_when: int
    new_when: int


@dataclass(frozen=True, slots=True)
class Rebased:
    """What was done.

    Attributes:
        first: Whose migrations stay as they are.
        moves: In order; empty when nothing had to move.
        snapshots: Names of the snapshots that were written anew.
        left_out: Migrations that the other side took out of the folder.
        doubtful: New names of those whose reverse no longer leads back; the proofs of the others
            are made anew.
        changed: Whether a file of the folder changed, or would.
    """

    first: str
    moves: tuple[Move, ...]
    snapshots: tuple[str, ...]
    left_out: tuple[str, ...]
    doubtful: tuple[str, ...]
    changed: bool


async def rebase(path: Path, scratch: Scratch, options: Options | None = None) -> Rebased:
    """Put our own migrations behind those of the other branch, and prove that all of them run.

    Those of the other branch stay as they are. Ours get later numbers and dates where they need
    them; their SQL stays. Snapshots are written anew from what the migrations make on a scratch
    database wherever they do not follow each other. All files are written, or none.

    Args:
        path: The migrations folder, in a merge that conflicts, or after one.
        scratch: Server for scratch databases.
        options: How to rebase.

    Raises:
        MigrationsFolderError: The two versions cannot be found or read, or the folder not written.
        MigrationFileMissingError: A journal names a file that is not there.
        MigrationOrderError: What would be renumbered is applied in the database.
        MigrationFailedError: A migration no longer runs behind the others.
        ConnectionFailedError: No connection to the scratch server, or to the database.
    """
    chosen = options or Options()
    if not (path / JOURNAL).exists():
        Folder.read(path).refuse_writing()
    recover(path)
    sides = await asyncio.to_thread(find_sides, path, chosen.onto)
    order = arrange(sides, dt.datetime.now(dt.UTC))
    moved = [placed for placed in order.placed if placed.moved]
    if moved and chosen.url is not None and not chosen.though_applied:
        await _refuse_applied(moved, path, chosen.url)
    run = _Run(path, scratch, chosen.full_names)
    await run.replay(order, sides)
    writes = {file: data for file, data in run.files(order, sides).items() if _differs(file, data)}
    removals = [file for file in _old_files(path, sides) if file not in run.files(order, sides)]
    removals = [file for file in removals if file.exists()]
    if (writes or removals) and not chosen.dry_run:
        replace(path, writes, removals, journal_text=sides.text)
    return Rebased(
        sides.first.name,
        tuple(_move(placed) for placed in moved),
        tuple(sorted(run.snapshots)),
        tuple(piece.tag for piece in order.left_out),
        run.reverses.doubtful,
        bool(writes or removals),
    )


def _move(placed: Placed) -> Move:
    old, new = placed.piece.entry, placed.entry
    return Move(old.tag, new.tag, old.when, new.when)


async def _refuse_applied(moved: Sequence[Placed], path: Path, url: str) -> None:
    pieces = [placed.piece for placed in moved]
    async with connect(url, name="chatkeep rebase") as connection:
        rows = (await ledger.read_books(connection)).rows
    applied = match([piece.migration(piece.entry, path) for piece in pieces], rows).of("applied")
    if applied:
        names = ", ".join(migration.tag for migration in applied)
        raise MigrationOrderError(
            f"{names} would get another number or date, and is applied in the database already.",
            hint="Name with --onto the branch whose migrations are applied; or leave the merge "
            "(`git merge --abort`), take ours back with `chatkeep rollback`, and merge again.",
        )


class _Run:
    """Runs the migrations one after the other, and makes the snapshots that are needed."""

    def __init__(self, path: Path, scratch: Scratch, full_names: Mapping[str, str]) -> None:
        self.path = path
        self.scratch = scratch
        self.full_names = full_names
        self.snapshots: dict[str, bytes] = {}
        self.reverses = Tried((), {})

    async def replay(self, order: Order, sides: Sides) -> None:
        """Run them all; keep what has to be written anew."""
        previous, ids = FIRST_ID, set[str]()
        async with self.scratch.database() as url:
            for placed in order.placed:
                await self._apply(placed, url, sides)
                if _needs_snapshot(placed, previous, ids):
                    previous = self._write_snapshot(placed, await _facts(url), previous, ids)
                else:
                    previous = _id(placed)
                ids.add(previous)
        self.reverses = await try_reverses(order.placed, self.path, self.scratch)

    async def _apply(self, placed: Placed, url: str, sides: Sides) -> None:
        migration = placed.piece.migration(placed.entry, self.path)
        try:
            async with connect(url) as connection:
                await replay(connection, [migration])
        except MigrationFailedError as exc:
            if placed.piece not in sides.own.pieces or placed.piece in sides.first.pieces:
                raise
            tag = placed.piece.tag
            raise MigrationFailedError(
                f"{tag} no longer runs behind the migrations of {sides.first.name}: {exc.args[0]}",
                hint=_remedy(tag, is_custom=CUSTOM.encode() in placed.piece.sql),
            ) from exc

    def _write_snapshot(self, placed: Placed, state: Catalog, previous: str, ids: set[str]) -> str:
        own = _id(placed)
        id_ = own if own and own not in ids else str(uuid.uuid4())
        content = snapshot(state, full_names=self.full_names)
        document = {"id": id_, "prevId": previous, **content}
        self.snapshots[f"{placed.prefix}_snapshot.json"] = jsjson.dumps(document).encode()
        return id_

    def files(self, order: Order, sides: Sides) -> dict[Path, bytes]:
        """Give the content of every file that the folder shall have."""
        found: dict[Path, bytes] = {}
        for placed in order.placed:
            tag, piece = placed.entry.tag, placed.piece
            found[self.path / f"{tag}.sql"] = piece.sql
            if piece.down is not None:
                found[self.path / f"{tag}.down.sql"] = piece.down
            name = f"{placed.prefix}_snapshot.json"
            found[self.path / "meta" / name] = self.snapshots.get(name, piece.data or b"")
        own = self.reverses.own
        entries = [placed.raw(own.get(placed.entry.tag)) for placed in order.placed]
        document = {**sides.first.document, "entries": entries}
        found[self.path / JOURNAL] = jsjson.dumps(document).encode()
        return found


def _remedy(tag: str, *, is_custom: bool) -> str:
    change = f"Change {tag}.sql so that it does, `git add` it, and run `chatkeep rebase` again."
    if is_custom:
        return change
    return (
        "Take the other side's folder, without it, and let `chatkeep generate` write it anew from "
        f"the merged schema. Where it holds SQL of your own: {change[0].lower()}{change[1:]}"
    )


def _needs_snapshot(placed: Placed, previous: str, ids: set[str]) -> bool:
    document = placed.piece.snapshot
    return (
        placed.moved or document.get("prevId") != previous or not _id(placed) or _id(placed) in ids
    )


def _id(placed: Placed) -> str:
    found = placed.piece.snapshot.get("id")
    return found if isinstance(found, str) else ""


async def _facts(url: str) -> Catalog:
    async with connect(url) as connection:
        return await read_catalog(connection)


def _old_files(path: Path, sides: Sides) -> list[Path]:
    """Give the files that the two sides have under the old names."""
    found: dict[Path, None] = {}
    for piece in (*sides.first.pieces, *sides.own.pieces):
        prefix = piece.tag.split("_", 1)[0]
        found[path / f"{piece.tag}.sql"] = None
        found[path / f"{piece.tag}.down.sql"] = None
        found[path / "meta" / f"{prefix}_snapshot.json"] = None
    return list(found)


def _differs(file: Path, data: bytes) -> bool:
    return not file.is_file() or file.read_bytes() != data
