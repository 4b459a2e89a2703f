"""A readable name for a migration that nobody named, from what it changes."""

from collections.abc import Iterable, Sequence

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Fact, Kind, OnTable
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.tables import Column, Table

MOST_NAMES = 3  # beyond these, the name counts instead

# A change to one of these is told by what it stands on.
_SILENT = {Kind.DEFAULT, Kind.SEQUENCE, Kind.SEQUENCE_OWNER, Kind.COMMENT}


def derive_name(before: Catalog, after: Catalog, prefix: str = "") -> str:
    """Give the name, the same for the same change: `add_itinerary_table`, `add_bio_to_user`.

    Args:
        before: The state before.
        after: The state after.
        prefix: Of the tables' names; left out.
    """
    if not any(isinstance(fact, Table) for fact in before.facts.values()):
        return "initial_schema"
    added = [fact for key, fact in after.facts.items() if key not in before.facts]
    gone = [fact for key, fact in before.facts.items() if key not in after.facts]
    new, old = _tables(added, prefix), _tables(gone, prefix)
    if new or old:
        words = [f"add_{_several(new)}"] * bool(new) + [f"drop_{_several(old)}"] * bool(old)
        return f"{'_'.join(words)}_table{'s' if len(new or old) > 1 else ''}"
    changed = [
        fact
        for key, fact in after.facts.items()
        if key in before.facts and before.facts[key] != fact
    ]
    return _of_parts(added, gone, changed, prefix)


def _of_parts(
    added: Sequence[Fact], gone: Sequence[Fact], changed: Sequence[Fact], prefix: str
) -> str:
    everything = [*added, *gone, *changed]
    told = [fact for fact in everything if fact.kind not in _SILENT]
    kinds = {fact.kind for fact in told}
    verb = "change" if changed or (added and gone) or not told else "add" if added else "drop"
    tables = sorted({name for fact in told or everything if (name := _table(fact, prefix))})
    columns = sorted({fact.name for fact in told if isinstance(fact, Column)})
    if columns and kinds == {Kind.COLUMN} and len(tables) == 1 and verb != "change":
        return f"{verb}_{_several(columns)}_{'to' if verb == 'add' else 'from'}_{tables[0]}"
    if len(kinds) == 1 and tables and Kind.COLUMN not in kinds:
        return f"{verb}_{_several(tables)}_{next(iter(kinds)).replace(' ', '_')}"
    if tables:
        return f"change_{_several(tables)}"
    names = sorted({fact.path[min(1, len(fact.path) - 1)] for fact in told})
    return f"{verb}_{_several([name.removeprefix(prefix) for name in names])}" if names else verb


def _table(fact: Fact, prefix: str) -> str | None:
    match fact:
        case OnTable():
            return fact.table.removeprefix(prefix)
        case Index():
            return fact.relation.removeprefix(prefix)
        case Table():
            return fact.name.removeprefix(prefix)
        case _:
            return None


def _tables(facts: Iterable[Fact], prefix: str) -> list[str]:
    return sorted(fact.name.removeprefix(prefix) for fact in facts if isinstance(fact, Table))


def _several(names: Sequence[str]) -> str:
    return "_and_".join(names) if len(names) <= MOST_NAMES else str(len(names))
