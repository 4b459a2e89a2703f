"""Which migrations come after which, and what they are called there."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder.journal import OWN_KEY, Entry, Journal
from chatkeep.kit.folder.names import next_prefix
from chatkeep.kit.rebasing.sides import Piece, Side, Sides


@dataclass(frozen=True, slots=True)
class Placed:
    """A migration at its place.

    Attributes:
        entry: Its entry there; the one that it had is in `piece`.
    """

    piece: Piece
    entry: Entry

    @property
    def moved(self) -> bool:
        """Whether anything about it changed."""
        return self.entry != self.piece.entry

    @property
    def prefix(self) -> str:
        """The number in front of its name, which names its snapshot."""
        return self.entry.tag.split("_", 1)[0]

    def raw(self, own: Mapping[str, object] | None = None) -> dict[str, object]:
        """Give the entry for the journal, with every key that it had.

        Args:
            own: What stands under our own key; None for what stood there.
        """
        entry = self.entry
        raw = {**self.piece.raw, "idx": entry.idx, "when": entry.when, "tag": entry.tag}
        return raw if own is None else {**raw, OWN_KEY: dict(own)}


@dataclass(frozen=True, slots=True)
class Order:
    """The migrations of both sides, one behind the other.

    Attributes:
        left_out: Migrations of our own that the other side took out of the folder.
    """

    placed: tuple[Placed, ...]
    left_out: tuple[Piece, ...]


def arrange(sides: Sides, now: dt.datetime) -> Order:
    """Put our own migrations behind those of the side that comes first.

    Each keeps number and date where they are later than those before it.

    Raises:
        MigrationsFolderError: Both sides changed one migration, or two have one file.
    """
    _refuse_squashed(sides)
    shared = {piece.tag: piece for piece in sides.own.pieces if _is_shared(piece, sides.first)}
    placed = [_kept(piece, shared.get(piece.tag), sides.base) for piece in sides.first.pieces]
    replaced = _replaced(sides.first.pieces)
    of_base = {(p.tag, p.entry.when) for p in sides.base.pieces} if sides.base else set()
    left_out: list[Piece] = []
    for piece in sides.own.pieces:
        if shared.get(piece.tag) is piece or piece.identity in replaced:
            continue
        if (piece.tag, piece.entry.when) in of_base or _is_twin(piece, sides):
            left_out.append(piece)
            continue
        placed.append(Placed(piece, _behind(piece.entry, [each.entry for each in placed], now)))
    return Order(tuple(placed), tuple(left_out))


def _is_shared(piece: Piece, first: Side) -> bool:
    return any(
        piece.tag == other.tag and piece.entry.when == other.entry.when for other in first.pieces
    )


def _kept(first: Piece, own: Piece | None, base: Side | None) -> Placed:
    """Keep a migration that both sides may have, as the one that changed it has it."""
    if own is None or own.sql == first.sql:
        return Placed(first, first.entry)
    before = [p.sql for p in base.pieces if p.tag == first.tag] if base is not None else []
    if first.sql in before:
        return Placed(own, first.entry)
    if own.sql in before:
        return Placed(first, first.entry)
    raise MigrationsFolderError(
        f"{first.tag}.sql is not the same on the two sides.",
        hint="Decide which one is right, and put it there first.",
    )


def _is_twin(piece: Piece, sides: Sides) -> bool:
    """Say whether both sides wrote one migration under one name, at different times."""
    for other in sides.first.pieces:
        if other.tag == piece.tag and other.sql == piece.sql:
            if [each.tag for each in sides.own.pieces].count(piece.tag) > 1:
                raise MigrationsFolderError(
                    f"The journal names {piece.tag} twice, and there is one file of that name.",
                    hint="Bring the other one back from its branch under a new name.",
                )
            return True
    return False


def _behind(entry: Entry, before: Sequence[Entry], now: dt.datetime) -> Entry:
    if not before:
        return entry
    last = before[-1]
    idx, prefix = next_prefix(Journal({}, tuple(before)), offset=0, now=now)
    number, mark, name = entry.tag.partition("_")
    wanted = _same_style(number, prefix) and number > last.tag.split("_", 1)[0]
    if wanted and (len(number) >= 10 or entry.idx == idx):
        prefix = number  # it stands behind the others as it is
    latest = max(each.when for each in before)
    tag = f"{prefix}{mark}{name}"
    return Entry(idx, entry.when if entry.when > latest else latest + 1, tag, entry.own)


def _same_style(one: str, other: str) -> bool:
    return one.isdecimal() and other.isdecimal() and len(one) == len(other)


def _replaced(pieces: Iterable[Piece]) -> set[tuple[object, object]]:
    """Give date and hash of the migrations that a squashed one stands for."""
    return {
        (old.when, old.hash)
        for piece in pieces
        for replaced in piece.entry.replaces
        for old in replaced.all()
    }


def _refuse_squashed(sides: Sides) -> None:
    known = {piece.identity for piece in sides.first.pieces}
    for piece in sides.own.pieces:
        if piece.entry.replaces and piece.identity not in known:
            raise MigrationsFolderError(
                f"{piece.tag} was squashed on the side whose migrations come last.",
                hint="Take the other side's folder as it is, and squash again.",
            )
