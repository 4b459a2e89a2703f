"""The reverse of a migration as it stands in the folder, before anything is to be taken back."""

from dataclasses import dataclass

from chatkeep.kit.folder import Folder, Migration
from chatkeep.kit.folder.reading import read_text
from chatkeep.kit.reverting.choosing import losses_of, reason
from chatkeep.kit.writing.reversing import (
    is_generated,
    is_proved,
    named_hash,
    reverse_migration,
    standing_on,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A migration's reverse.

    Attributes:
        file: The name that it has, or would have.
        sql: The file; None where there is none.
        fault: Why it cannot be used as it is, or "".
        loses: Which stored rows or values go when it runs, in words.
        is_proved: Whether the journal holds the proof that it brings back what was; else it is
            tried on a scratch database before it is used.
        is_generated: Whether `generate` wrote it so.
    """

    file: str
    sql: str | None
    fault: str = ""
    loses: tuple[str, ...] = ()
    is_proved: bool = False
    is_generated: bool = False


def look(folder: Folder, up: Migration) -> Seen:
    """Read the reverse of a migration.

    Raises:
        MigrationsFolderError: Its file cannot be read.
    """
    path = up.down_path
    if not path.exists():
        return Seen(path.name, None, reason(up))
    down = reverse_migration(up, read_text(path))
    fault = ""
    if named_hash(down.sql) not in {None, up.hash}:
        fault = f"It was made for another text of {up.path.name}."
    earlier = folder.until(up.tag)[:-1]
    return Seen(
        path.name,
        down.sql,
        fault,
        tuple(losses_of(up, down)),
        is_proved(up, down, standing_on(earlier)),
        is_generated(up, down),
    )
