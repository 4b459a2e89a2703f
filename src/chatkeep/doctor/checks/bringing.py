"""Which command of ours brings what the schema has and the database lacks."""

from typing import cast

from chatkeep.doctor.checks.books import baseline, is_unkept
from chatkeep.doctor.checks.upgrade import GENERATE, MIGRATE, unfinished
from chatkeep.doctor.place import Place
from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder import Folder

PUSH = "chatkeep push --force --dry-run && chatkeep push --force"
"""Loses no row or value: that takes --drop or --accept-data-loss, and the first one tells of it."""

_LOST = (
    "The database lacks it, though the migrations that make it are applied: something took it away. "
    "The command makes it anew, with all else that the schema has, and stops where a row is in "
    "the way; what it held comes from a backup."
)
_LACKING = "The database lacks it."

Part = tuple[str, str, str | None]
"""A table by schema and name, and a column of it or None for the whole."""


async def lacking(place: Place) -> list[Part]:
    """Give the tables of the schema, and the columns of those there, that the database lacks."""
    catalog, there = await place.catalog(), await place.declared_there()
    found: list[Part] = []
    for name, table in place.declared.items():
        if name not in there:
            found.append((*name, None))
            continue
        live = {column.name for column in catalog.columns(*name)}
        found += [(*name, column.name) for column in table.columns if column.name not in live]
    return found


async def command(place: Place) -> tuple[str, str]:
    """Give what is wrong with a table or column that is lacking, and what brings all of them."""
    matching, folder = await place.known_matching(), await place.folder()
    if matching is None or folder is None:
        return _LACKING, GENERATE
    unkept = await is_unkept(place, matching)
    if matching.of("pending", "running") and not unkept:
        return _LACKING, MIGRATE
    made = _made(folder)
    lost = [part in made for part in await lacking(place)]
    if made and all(lost):
        return _LOST, PUSH
    if unkept:
        return _LACKING, f"{baseline(matching)} && {GENERATE}"
    return _LACKING, GENERATE if made and not any(lost) else f"{GENERATE} && {PUSH}"


async def brings(place: Place, name: str | None = None) -> str | None:
    """Give the command that brings a part of the schema on its way; None where it needs its own.

    A command of its own would be in the way of that one, which makes the same.

    Args:
        place: The database.
        name: What the part is called in a migration, where nothing else is called so.
    """
    matching = await place.known_matching()
    if name and matching is not None and not await is_unkept(place, matching):
        texts = [migration.sql for migration in matching.of("pending", "running")]
        if any(name in text for text in texts):
            return MIGRATE
    if not (place.makes("missing-table") or place.makes("missing-column")):
        return None
    if await unfinished(place) or not await lacking(place):
        return None
    return (await command(place))[1]


def _made(folder: Folder) -> set[Part]:
    """Give what the newest snapshot of the folder holds; nothing where there is none to read."""
    try:
        snapshot = folder.last_snapshot() or {}
    except MigrationsFolderError:
        return set()
    found: set[Part] = set()
    for table in _values(snapshot.get("tables")):
        path = (str(table.get("schema") or "public"), str(table.get("name")))
        found |= {
            (*path, None),
            *((*path, str(c.get("name"))) for c in _values(table.get("columns"))),
        }
    return found


def _values(document: object) -> list[dict[str, object]]:
    if not isinstance(document, dict):
        return []
    values = cast("dict[str, object]", document).values()
    return [cast("dict[str, object]", each) for each in values if isinstance(each, dict)]
