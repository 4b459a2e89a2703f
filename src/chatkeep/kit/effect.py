"""What one migration of a folder makes of the database: its objects before and after."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from chatkeep.errors import MigrationError
from chatkeep.kit.applying.replay import replay
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Key, Kind
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.connection import connect
from chatkeep.kit.definitions import definition, holder
from chatkeep.kit.differences import changed_fields
from chatkeep.kit.folder import Folder
from chatkeep.kit.plan.naming import Path
from chatkeep.kit.plan.renaming import apply_renames
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.writing.vanishing import Places, read_places

_TABLE = Kind.TABLE
Found = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Part:
    """What is not as before inside an object, or is the object itself.

    Attributes:
        kind: Such as `column`.
        name: Without that of the object that it belongs to.
        fields: What changed, by name: before and after.
    """

    kind: str
    name: str
    found: Found
    fields: Mapping[str, tuple[object, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """A table, view, function, type or the like that the migration makes, changes or drops.

    Attributes:
        kind: Such as `table`.
        name: Its name afterwards, its schema in front; its last one where it went.
        was: Its earlier name where it was renamed, or "".
        before: SQL that would make what was there before, or "".
        after: The same for afterwards.
        parts: Its columns, constraints, indexes and so on that are not as before.
    """

    kind: str
    name: str
    found: Found
    was: str
    before: str
    after: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a migration makes of the database.

    Attributes:
        changes: By kind and name.
        renamed: Columns that have another name now: table, old and new name.
        others: What is there only before, or only after, and of which no more is known than its
            name.
    """

    changes: tuple[Change, ...]
    renamed: tuple[tuple[str, str, str], ...] = ()
    others: tuple[str, ...] = ()


async def effect(folder: Folder, tag: str, scratch: Scratch) -> Effect:
    """Run the folder up to a migration on a scratch database, and compare before and after.

    Rows are not looked at: a migration that changes nothing but rows has no effect here.

    Args:
        folder: The migrations.
        tag: Which one, by tag or number.
        scratch: Server for a scratch database.

    Raises:
        MigrationsFolderError: The folder holds no such migration.
        MigrationFailedError: It, or one before it, fails there.
        ConnectionFailedError: The scratch server cannot be reached.
    """
    *earlier, migration = folder.until(tag)
    async with scratch.database() as url, connect(url, name="chatkeep effect") as connection:
        await replay(connection, earlier)
        before, places = await read_catalog(connection), await read_places(connection)
        await replay(connection, [migration])
        after, later = await read_catalog(connection), await read_places(connection)
    return _effect(before, after, _renames(places, later))


def _renames(before: Places, after: Places) -> dict[Path, str]:
    """Find what kept its number and has another name; a table that moved to a schema is no such."""
    found: dict[Path, str] = {}
    for key, (schema, table, column) in before.items():
        now = after.get(key)
        if now is None or now[0] != schema:
            continue
        if now[1] != table:
            found[schema, table] = now[1]
        if now[2] != column:
            found[schema, table, column] = now[2]
    return found


def _effect(first: Catalog, second: Catalog, renames: Mapping[Path, str]) -> Effect:
    try:
        before, _ = apply_renames(first, renames)
    except MigrationError:  # two exchanged their names: told as it looks
        before, renames = first, {}
    old_keys = {
        Key(_TABLE, (path[0], new)): Key(_TABLE, path)
        for path, new in renames.items()
        if new and len(path) == 2
    }
    nobody = dict.fromkeys(old_keys.values(), Key(_TABLE, ()))  # another took their name
    old_keys = {**nobody, **old_keys}
    columns = tuple(
        (".".join(path[:2]), path[2], new) for path, new in renames.items() if len(path) == 3
    )
    parts: dict[Key, list[Part]] = {}
    for key in sorted(before.facts.keys() | second.facts.keys()):
        top = holder(second if key in second.facts else before, key)
        if (part := _part(before, second, key, top)) is not None:
            found = parts.setdefault(top, [])
            found += [] if top == key and part.found != "changed" else [part]
    for path in renames:
        new = renames.get((path[0], path[1]), path[1])
        parts.setdefault(Key(_TABLE, (path[0], new)), [])
    changes = [
        _change(first, second, top, old_keys.get(top, top), inside) for top, inside in parts.items()
    ]
    lone = {(each.kind, each.name) for each in first.unmodelled}
    lone ^= {(each.kind, each.name) for each in second.unmodelled}
    others = tuple(f"{kind} {name}" for kind, name in sorted(lone))
    return Effect(tuple(each for each in changes if each.before != each.after), columns, others)


def _part(before: Catalog, after: Catalog, key: Key, top: Key) -> Part | None:
    old, new = before.facts.get(key), after.facts.get(key)
    inside = key.path[2:] if key.path[:2] == top.path[:2] else key.path[1:]
    name = ".".join(inside or key.path)
    if old is not None and new is not None:
        fields = changed_fields(old, new) if old != new else {}
        return Part(str(key.kind), name, "changed", fields) if fields else None
    return Part(str(key.kind), name, "removed" if new is None else "added")


def _change(before: Catalog, after: Catalog, key: Key, old_key: Key, parts: list[Part]) -> Change:
    old, new = definition(before, old_key), definition(after, key)
    found: Found = "changed" if old and new else "added" if new else "removed"
    earlier = _named(old_key) if old and old_key != key else ""
    inside = tuple(parts) if found == "changed" else ()
    return Change(str(key.kind), _named(key), found, earlier, old, new, inside)


def _named(key: Key) -> str:
    if key.kind is Kind.FUNCTION:
        return f"{'.'.join(key.path[:2])}({key.path[2]})"
    return ".".join(part for part in key.path if part)
