"""Which migrations shall be taken back, and whether each has a reverse that may be used."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatkeep.errors import MigrationError, MigrationFailedError, NotReversibleError
from chatkeep.kit.applying.matching import Matched, Matching, refuse_edited, refuse_missing
from chatkeep.kit.applying.run import refuse_unfit_statements
from chatkeep.kit.applying.sqlscan import statement_words
from chatkeep.kit.folder import Folder, Migration
from chatkeep.kit.folder.reading import CUSTOM, read_text
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.squashing.rows import STRUCTURE
from chatkeep.kit.writing.bench import bench
from chatkeep.kit.writing.reversing import (
    REASON_KEY,
    is_generated,
    is_proved,
    named_hash,
    reverse_migration,
    reverse_path,
    standing_on,
    told_losses,
)
from chatkeep.kit.writing.vanishing import merged

_TAKES_ROWS = ("DELETE", "TRUNCATE", "UPDATE", "MERGE")


@dataclass(frozen=True, slots=True)
class Reversal:
    """A migration that the database has, and its reverse.

    Attributes:
        up: The migration.
        down: Its reverse.
        row: The id of its row in drizzle's table.
        earlier: What the database has before it, in the folder's order.
        loses: Which stored rows or values go, in words.
        is_proved: Whether it is known to bring back what was before; else `verify` must tell.
    """

    up: Migration
    down: Migration
    row: int
    earlier: tuple[Migration, ...]
    loses: tuple[str, ...]
    is_proved: bool


def choose(folder: Folder, matching: Matching, *, to: str | None, steps: int) -> list[Reversal]:
    """Give what shall be taken back, newest first.

    Args:
        folder: The migrations.
        matching: What the database has of them.
        to: The last migration that stays, by tag or number; None goes by `steps`.
        steps: How many to take back.

    Raises:
        MigrationEditedError: An applied migration has another content now.
        MigrationFileMissingError: An applied migration is not in the folder.
        MigrationsFolderError: There is no migration `to`.
        NotReversibleError: One of them has no reverse that may be used.
        MigrationError: `to` is not applied, there are not so many, or a migration broke off.
    """
    refuse_edited(matching)
    refuse_missing(replace(matching, half_reversed={}))  # this is what brings them to their end
    if broken := matching.of("running"):
        raise MigrationError(
            f"{broken[0].tag} broke off in this database, half of it is there.",
            hint="Bring it to its end with `chatkeep migrate` first.",
        )
    applied = [each for each in matching.migrations if each.state == "applied"]
    if to is not None:
        kept = folder.until(to)
        if kept[-1] not in matching.of("applied"):
            raise MigrationError(
                f"{kept[-1].tag} is not applied, so nothing leads back to it.",
                hint="`chatkeep status` shows what is applied.",
            )
        tags = {migration.tag for migration in kept}
        steps = sum(each.migration.tag not in tags for each in applied)
    if steps > len(applied):
        raise MigrationError(
            f"{steps} migrations cannot be taken back: {len(applied)} are applied.",
            hint="`chatkeep status` shows them.",
        )
    first = len(applied) - steps
    found = [_reversal(applied, place) for place in range(first, len(applied))]
    return found[::-1]


def _reversal(applied: Sequence[Matched], place: int) -> Reversal:
    matched = applied[place]
    up, row = matched.migration, matched.row
    if row is None or row.hash != up.hash:
        raise NotReversibleError(
            f"{up.tag} cannot be taken back: this database has the migrations that it was made of.",
            hint="Take those back with the folder as it was before it was squashed.",
        )
    path = reverse_path(up)
    if not path.exists():
        raise NotReversibleError(
            f"{up.tag} has no reverse. {reason(up)}",
            hint=f"Write {path.name} by hand, which is tried on a scratch database before it is "
            "used; or go forward with a new migration.",
        )
    down = reverse_migration(up, read_text(path))
    made_for = named_hash(down.sql)
    if made_for not in {None, up.hash}:
        raise NotReversibleError(
            f"{path.name} was made for another text of {up.path.name}.",
            hint="Bring both back from version control; or take the first line out of the reverse, "
            "and it is tried as one written by hand.",
        )
    try:
        refuse_unfit_statements(down)
    except MigrationFailedError as exc:
        raise NotReversibleError(str(exc.args[0]), hint=exc.hint) from exc
    earlier = tuple(each.migration for each in applied[:place])
    proved = is_proved(up, down, standing_on(earlier))
    return Reversal(up, down, row.id, earlier, losses_of(up, down), proved)


def losses_of(up: Migration, down: Migration) -> tuple[str, ...]:
    """Give which stored rows or values go when a reverse runs, in words."""
    return merged(told_losses(down.sql), () if is_generated(up, down) else _of_statements(down))


def reason(up: Migration) -> str:
    """Say why a migration has no reverse."""
    said = up.entry.own.get(REASON_KEY)
    if isinstance(said, str):
        return said
    if CUSTOM in up.sql:
        return "Its SQL is your own."
    return "It was not written by `chatkeep generate`, which writes them."


def _of_statements(down: Migration) -> list[str]:
    """Say which statements of a hand may change rows; how many, nobody knows before.

    A scratch database has no rows, so trying the reverse there tells nothing of them. What is not
    known to change the structure alone counts as a loss: WITH, DO, CALL and SELECT may delete too.
    """
    found: list[str] = []
    for words in (words for text in down.statements for words in statement_words(text)):
        if words[0] in _TAKES_ROWS:
            found.append(f"what its {words[0]} takes")
        elif words[0] not in STRUCTURE:
            found.append(f"what its {words[0]} may take")
        elif words[0] == "ALTER" and "TYPE" in words and "USING" in words[words.index("TYPE") :]:
            found.append("what its USING makes of stored values")
    return list(dict.fromkeys(found))


async def verify(reversals: Sequence[Reversal], scratch: Scratch) -> tuple[list[Reversal], str]:
    """Try on a scratch database each reverse that is not proved.

    Each must bring back what was there before its migration, as facts and, where a program is at
    hand, as pg_dump tells it; the migration must then lead where it led.

    Returns:
        All of them, newest first, with what they were seen to lose; and a note where pg_dump had no
        say, else "".

    Raises:
        NotReversibleError: One does not bring back what was.
        MigrationFailedError: The folder itself does not run.
        ConnectionFailedError: The scratch server cannot be reached.
    """
    order = list(reversed(reversals))
    unproved = [place for place, each in enumerate(order) if not each.is_proved]
    if not unproved:
        return list(reversals), ""
    first = unproved[0]
    async with bench(scratch, order[first].earlier) as here:
        for place, each in enumerate(order[first:], start=first):
            await here.take(each.up)
            if each.is_proved:
                continue
            faults = await here.reverse(each.down)
            if faults:
                raise NotReversibleError(
                    f"{each.down.path.name} does not bring back what was before {each.up.tag}: "
                    f"{'; '.join(faults[:5]).rstrip('.')}.",
                    hint="It was tried on a scratch database; nothing was changed.",
                )
            loses = merged(each.loses, here.lost)
            order[place] = replace(each, loses=loses, is_proved=True)
        note = "" if here.has_dump else f"No pg_dump was at hand: facts were compared. {here.note}"
    return order[::-1], note.strip()
