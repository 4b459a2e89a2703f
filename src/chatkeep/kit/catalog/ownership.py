"""The part of a shared database that is ours."""

from collections.abc import Callable

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Key, Kind

_ROOTS = (Kind.TABLE, Kind.VIEW, Kind.MATERIALIZED_VIEW)


def owned(catalog: Catalog, owns: Callable[[str, str], bool]) -> Catalog:
    """Keep the tables and views that `owns` claims, what belongs to them, and what they need."""
    kept = {key for key in catalog.facts if key.kind in _ROOTS and owns(key.path[0], key.path[1])}
    work = list(kept)
    while work:
        key = work.pop()
        belongings = [fact.key for fact in catalog.children(key)]
        needs = [need for need in catalog.depends.get(key, ()) if need.kind not in _ROOTS]
        inside = [key for key in (*belongings, *needs) if key not in kept and _ours(key, kept)]
        kept.update(inside)
        work.extend(inside)
    facts = {key: fact for key, fact in catalog.facts.items() if key in kept}
    depends = {key: catalog.depends.get(key, frozenset()) & kept for key in facts}
    unmodelled = tuple(
        found
        for found in catalog.unmodelled
        if found.table is None or Key(Kind.TABLE, found.table) in kept
    )
    return Catalog(catalog.version, facts, depends, unmodelled)


def _ours(key: Key, kept: set[Key]) -> bool:
    """Leave out what sits on a stranger's table, such as the key that our foreign key needs."""
    if key.kind in (Kind.COLUMN, Kind.PRIMARY_KEY, Kind.UNIQUE):
        return Key(Kind.TABLE, key.path[:2]) in kept
    return True
