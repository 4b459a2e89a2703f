"""Which part of a live database a push may touch."""

from collections.abc import Callable, Collection
from dataclasses import replace

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Key, Kind
from chatkeep.kit.catalog.ownership import owned

_ROOTS = (Kind.TABLE, Kind.VIEW, Kind.MATERIALIZED_VIEW)
_NEVER_DROPPED = (Kind.SCHEMA, Kind.EXTENSION)
_ONLY_WHERE_SAID = frozenset(
    {Kind.OWNER, Kind.GRANT, Kind.DEFAULT_PRIVILEGES, Kind.PUBLICATION, Kind.EVENT_TRIGGER}
)
"""What most schemas say nothing of: let alone unless this one does."""

_STRUCTURAL = frozenset({"partition that is being detached", "inheritance", "typed table"})


def ours(
    live: Catalog,
    goal: Catalog,
    claimed: Callable[[str, str], bool],
    renamed: Collection[Key] = (),
) -> Catalog:
    """Keep what the schema names or a pattern claims, and what only that needs.

    Tables of others stay out, and so do enums, sequences, functions and the like that others use
    too; schemas and extensions are never dropped.

    Args:
        live: All facts of the database.
        goal: All facts of the schema.
        claimed: Told (schema, name) of a table or view, says whether it is the project's.
        renamed: What the caller says has another name now.
    """

    def owns(schema: str, name: str) -> bool:
        keys = [Key(kind, (schema, name)) for kind in _ROOTS]
        named = any(key in goal.facts or key in renamed for key in keys)
        return named or claimed(schema, name)

    mine = owned(live, owns)
    kept = set(mine.facts) | (goal.facts.keys() & live.facts.keys())
    kept -= {key for key in kept if key not in goal.facts and _stays(live, key, kept)}
    kept |= set(renamed)
    said = {key.kind for key in goal.facts}
    kept = {key for key in kept if key.kind not in _ONLY_WHERE_SAID or key.kind in said}
    facts = {key: fact for key, fact in live.facts.items() if key in kept}
    depends = {key: live.depends.get(key, frozenset()) & kept for key in facts}
    unmodelled = tuple(
        thing
        for thing in live.unmodelled
        if thing in goal.unmodelled or (thing in mine.unmodelled and thing.kind in _STRUCTURAL)
    )
    return replace(live, facts=facts, depends=depends, unmodelled=unmodelled)


def _stays(live: Catalog, key: Key, kept: Collection[Key]) -> bool:
    """Say whether something outside of tables is not ours to drop."""
    if key.kind in _NEVER_DROPPED:
        return True
    if key.kind in _ROOTS or live.facts[key].parent is not None:
        return False
    return any(key in needs and user not in kept for user, needs in live.depends.items())


def strangers(live: Catalog, mine: Catalog) -> list[str]:
    """Give the names of the tables that stay untouched."""
    keys = sorted(k for k in live.facts if k.kind is Kind.TABLE and k not in mine.facts)
    return [".".join(key.path) for key in keys]
