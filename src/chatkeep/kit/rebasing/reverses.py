"""The reverses of migrations that stand behind others now: whether they still lead back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatkeep.kit.folder import Migration
from chatkeep.kit.folder.reading import hash_of
from chatkeep.kit.rebasing.order import Placed
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.writing.bench import bench
from chatkeep.kit.writing.reversing import (
    REASON_KEY,
    REVERSE_KEY,
    is_generated,
    proof_of,
    reverse_migration,
    standing_on,
)


@dataclass(frozen=True, slots=True)
class _Pair:
    up: Migration
    down: Migration | None
    on: str
    moved: bool

    @property
    def is_ours(self) -> bool:
        """Whether the journal speaks of just these texts: a reverse of a hand has no proof there."""
        return self.down is not None and is_generated(self.up, self.down)

    @property
    def is_stale(self) -> bool:
        """Whether nobody knows any more that the reverse leads back."""
        if self.down is None:
            return False
        return not self._is_kept(self.down) if self.is_ours else self.moved

    def _is_kept(self, down: Migration) -> bool:
        kept = [proof_of(self.up, down, self.on, has_dump=has_dump) for has_dump in (True, False)]
        return self.up.entry.own.get(REVERSE_KEY) in kept


@dataclass(frozen=True, slots=True)
class Tried:
    """What trying the reverses told.

    Attributes:
        doubtful: Migrations whose reverse no longer leads back.
        own: What the journal keeps of migrations under our own key, where that changed.
    """

    doubtful: tuple[str, ...]
    own: Mapping[str, Mapping[str, object]]


async def try_reverses(placed: Sequence[Placed], path: Path, scratch: Scratch) -> Tried:
    """Prove anew the reverses whose proof speaks of another place, and try those of a hand that moved.

    A proof that does not hold any more goes out of the journal, with the reason in its place.

    Args:
        placed: All migrations at their new places.
        path: The migrations folder.
        scratch: Server for scratch databases.

    Raises:
        MigrationFailedError: A migration fails on an empty database.
        ConnectionFailedError: The scratch server cannot be reached.
    """
    pairs = _pairs(placed, path)
    first = next((place for place, pair in enumerate(pairs) if pair.is_stale), None)
    if first is None:
        return Tried((), {})
    doubtful: list[str] = []
    own: dict[str, Mapping[str, object]] = {}
    async with bench(scratch, [pair.up for pair in pairs[:first]]) as here:
        for pair in pairs[first:]:
            await here.take(pair.up)
            if pair.down is None or not pair.is_stale:
                continue
            faults = await here.reverse(pair.down)
            if faults:
                doubtful.append(pair.up.tag)
            if pair.is_ours:
                proof = proof_of(pair.up, pair.down, pair.on, has_dump=here.has_dump)
                own[pair.up.tag] = _told(pair.up, proof, faults)
    return Tried(tuple(doubtful), own)


def _pairs(placed: Sequence[Placed], path: Path) -> Sequence[_Pair]:
    ups = [each.piece.migration(each.entry, path) for each in placed]
    return [
        _Pair(up, _down(each, up), standing_on(ups[:place]), each.moved)
        for place, (each, up) in enumerate(zip(placed, ups, strict=True))
    ]


def _down(placed: Placed, up: Migration) -> Migration | None:
    data = placed.piece.down
    return None if data is None else reverse_migration(up, hash_of(data)[0])


def _told(up: Migration, proof: Mapping[str, object], faults: Sequence[str]) -> dict[str, object]:
    own = {key: value for key, value in up.entry.own.items() if key != REVERSE_KEY}
    if faults:
        said = faults[0].rstrip(".")
        return {**own, REASON_KEY: f"Its reverse no longer led back after a rebase: {said}."}
    return {**own, REVERSE_KEY: dict(proof)}
