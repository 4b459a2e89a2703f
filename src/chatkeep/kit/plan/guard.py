"""Nothing that the diff cannot change passes in silence."""

from collections.abc import Collection, Iterable

from chatkeep.errors import UnmodelledObjectError
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Key, Kind, Unmodelled
from chatkeep.kit.catalog.indexes import Index, Statistics
from chatkeep.kit.plan.changes import Changes

_STRUCTURAL = ("partition that is being detached", "inheritance", "typed table")
"""Kinds whose table cannot be altered as if it stood alone."""


def refuse_differences(before: Catalog, after: Catalog, accept: Collection[str]) -> None:
    """Raise when the two databases differ in something unmodelled.

    What sits on a table that goes away goes with it, and is no difference.

    Raises:
        UnmodelledObjectError: Names each object by kind and qualified name.
    """
    old, new = (_by_name(catalog, accept) for catalog in (before, after))
    differing = [
        found
        for name, found in {**old, **new}.items()
        if old.get(name) != new.get(name) and not _gone_with_table(found, before, after)
    ]
    _refuse(differing, "differ")


def refuse_touched(before: Catalog, after: Catalog, changed: Iterable[Key]) -> None:
    """Raise when a planned change is on a table that only looks ordinary.

    Raises:
        UnmodelledObjectError: Names each such table.
    """
    tables = {_table(catalog, key) for key in changed for catalog in (before, after)}
    found = {
        item
        for catalog in (before, after)
        for item in catalog.unmodelled
        if item.kind in _STRUCTURAL and item.table in tables
    }
    _refuse(found, "would have to change")


def refuse_copies(changes: Changes, *, allow_drops: bool) -> None:
    """Raise when a table would have to be made anew, or a type below columns that stay.

    Raises:
        UnmodelledObjectError: Names each of them.
    """
    before, after = changes.context.before, changes.context.after
    tables = [key for key in changes.replaced if key.kind is Kind.TABLE and not allow_drops]
    found = [Unmodelled("partitioning of table", ".".join(key.path), "", None) for key in tables]
    for key in changes.replaced:
        if key.kind in (Kind.RANGE, Kind.COLLATION):
            users = [k for k, needs in before.depends.items() if key in needs]
            if any(k.kind is Kind.COLUMN and k in after.facts for k in users):
                found.append(Unmodelled(key.kind.value, ".".join(key.path), "", None))
    _refuse(found, "would have to be made anew while rows are in them or columns use them")


def accepted(catalog: Catalog, kinds: Collection[str]) -> Catalog:
    """Leave out the facts of the kinds whose differences are looked past."""
    if not kinds:
        return catalog
    facts = {key: fact for key, fact in catalog.facts.items() if key.kind.value not in kinds}
    depends = {key: catalog.depends.get(key, frozenset()) & facts.keys() for key in facts}
    return Catalog(catalog.version, facts, depends, catalog.unmodelled)


def _by_name(catalog: Catalog, accept: Collection[str]) -> dict[tuple[str, str], Unmodelled]:
    return {(f.kind, f.name): f for f in catalog.unmodelled if f.kind not in accept}


def _gone_with_table(found: Unmodelled, before: Catalog, after: Catalog) -> bool:
    if found.table is None or found.kind in _STRUCTURAL:
        return False
    key = Key(Kind.TABLE, found.table)
    return key in before.facts and key not in after.facts


def _table(catalog: Catalog, key: Key) -> tuple[str, ...] | None:
    fact = catalog.facts.get(key)
    if isinstance(fact, Index):
        return (fact.schema, fact.relation)
    if isinstance(fact, Statistics):
        return (fact.table_schema, fact.table)
    return key.path[:2] if key.kind not in (Kind.SEQUENCE, Kind.COMMENT) else key.path[1:3]


def _refuse(found: Iterable[Unmodelled], what: str) -> None:
    names = sorted(f"{item.kind} {item.name}" for item in found)
    if not names:
        return
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    raise UnmodelledObjectError(
        f"The diff does not know how to change these objects, which {what}: {shown}.",
        hint="Write the change by hand in a custom migration, so that both sides agree.",
    )
