"""Whether the database is still on its way from the seed's edition to the schema."""

from collections.abc import Sequence

from sqlalchemy import MetaData, Table

from chatkeep.doctor.check import Check
from chatkeep.doctor.checks.declared import cut, differs, path_of
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Name, Place
from chatkeep.kit.catalog.catalog import Catalog, TableShape
from chatkeep.kit.writing.steps import stages_left

MIGRATE = "chatkeep migrate"
GENERATE = "chatkeep generate && chatkeep migrate"


async def unfinished(place: Place) -> list[str]:
    """Give what is still in the form that the seed's code needs; nothing when all is done."""
    forms = [stage.metadata for stage in place.target.stages if stage.metadata is not None]
    if not forms:
        return []
    old = _old_form(await place.catalog(), forms[0], place.target.state.metadata)
    return [] if old and await _all_applied(place) else old


async def settled_tables(place: Place) -> frozenset[Name]:
    """Give the project's tables, without those that an upgrade has yet to change."""
    tables = await place.tables()
    return tables - set(place.declared) if await unfinished(place) else tables


async def _all_applied(place: Place) -> bool:
    """Whether the folder holds the whole upgrade, and the database has it: then it is others'."""
    matching = await place.known_matching()
    folder = await place.folder() if matching is not None else None
    if matching is None or folder is None or stages_left(folder, place.target) != ():
        return False
    return not matching.of("pending", "running")


def _old_form(catalog: Catalog, first: MetaData, last: MetaData) -> list[str]:
    """Give what the first stage keeps for old code, and the end changes or drops."""
    found: list[str] = []
    for key, table in first.tables.items():
        goal, shape = last.tables.get(key), catalog.shape(*path_of(table))
        if goal is not None and shape is not None:
            found += _kept(shape, table, goal)
            found += _unchanged(shape, table, goal)
    return found


def _kept(shape: TableShape, table: Table, goal: Table) -> list[str]:
    kept = _names(table) - _names(goal)
    there = [each.name for each in (*shape.indexes, *shape.foreign_keys)]
    return [f"{name} of {table.name}" for name in there if name in kept]


def _unchanged(shape: TableShape, table: Table, goal: Table) -> list[str]:
    return [
        f"column {live.name} of {table.name}"
        for live in shape.columns
        if live.name in goal.c
        and live.name in table.c
        and differs(live, goal.c[live.name])
        and not differs(live, table.c[live.name])
    ]


def _names(table: Table) -> set[str]:
    parts = (*table.indexes, *table.constraints)
    return {cut(str(each.name)) for each in parts if each.name is not None}


async def _look(place: Place) -> Sequence[Found]:
    old = await unfinished(place)
    if not old:
        return []
    matching = await place.known_matching()
    pending = matching is not None and bool(matching.of("pending"))
    folder = await place.folder() if pending else None
    written = folder is not None and stages_left(folder, place.target) == ()
    more = f" and {len(old) - 3} more" if len(old) > 3 else ""
    return [
        Found(
            f"database {place.database}",
            "It is still, in whole or in part, in the form of the seed's edition: "
            f"{', '.join(old[:3])}{more}.",
            MIGRATE if written else GENERATE,
            "shell",
        )
    ]


async def _look_at_seed(place: Place) -> Sequence[Found]:
    if getattr(place.schema, "edition", None) != "seed":
        return []
    return [
        Found(
            f"database {place.database}",
            "The project's schema is the seed's edition.",
            'chatkeep generate && chatkeep migrate  # once the schema says edition="hardened"',
            "shell",
        )
    ]


CHECKS = (
    Check(
        "seed-edition",
        Severity.NOTE,
        "`Database` works on the hardened edition only, and what the seed does wrong stays wrong.",
        _look_at_seed,
    ),
    Check(
        "upgrade-unfinished",
        Severity.WARNING,
        "Until the last step new rules are not in force, and old indexes cost every write.",
        _look,
    ),
)
