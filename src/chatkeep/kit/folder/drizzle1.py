"""The folder of drizzle-kit 1.0: one folder for each migration, and no journal.

    20261121021412_initial_schema/migration.sql
    20261121021412_initial_schema/snapshot.json

The time at the head of a name is its date, and the names in their order are the order in which
they are applied.
"""

import datetime as dt
import re
from pathlib import Path

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder.journal import Entry

SQL = "migration.sql"
SNAPSHOT = "snapshot.json"

_BEFORE_DIGITS = str.maketrans({" ": "\0", "_": "\1", "-": "\2", ".": "\3"})


def is_drizzle_1(path: Path) -> bool:
    """Say whether a folder holds migrations as drizzle-kit 1.0 writes them."""
    return any(path.glob(f"*/{SQL}"))


def entries_of(path: Path) -> tuple[Entry, ...]:
    """Give the migrations in the order of drizzle-kit 1.0, dated to the second.

    Raises:
        MigrationsFolderError: A name does not begin with a time.
    """
    names = sorted((found.parent.name for found in path.glob(f"*/{SQL}")), key=_place)
    return tuple(Entry(idx, _when(path, name), name) for idx, name in enumerate(names))


def _place(name: str) -> tuple[str, str]:
    # JavaScript's localeCompare: punctuation, digits, letters; small before large where all is equal.
    return (name.casefold().translate(_BEFORE_DIGITS), name.swapcase())


def _when(path: Path, name: str) -> int:
    digits = name[:14] if re.match(r"[0-9]{14}", name) else ""
    try:
        moment = dt.datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
    except ValueError:
        raise MigrationsFolderError(
            f"{path / name} holds a migration, and its name does not begin with a time.",
            hint="drizzle-kit 1.0 names them YYYYMMDDHHMMSS_name, in UTC.",
        ) from None
    return int(moment.timestamp()) * 1000


def strays(path: Path) -> list[Path]:
    """Give the SQL files that stand beside the migrations' folders, and so are never applied."""
    return sorted(path.glob("*.sql"))
