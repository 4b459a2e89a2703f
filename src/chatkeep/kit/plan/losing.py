"""Which stored rows and values a change between two catalogs takes, in words."""

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.tables import Column
from chatkeep.kit.catalog.types import Composite, Domain
from chatkeep.kit.plan.kinds.losses import cut_by_cast, loses_values

_HOLDS = (Kind.DOMAIN, Kind.COMPOSITE, Kind.RANGE)


def lost_by_drop(before: Catalog, after: Catalog, key: Key) -> str:
    """Tell what goes with a table or column; what a generated column computes is not stored."""
    name = ".".join(part for part in key.path if part)
    if key.kind is Kind.TABLE:
        return f"table {name} with its rows"
    column, new = (catalog.facts.get(key) for catalog in (before, after))
    computed = all(isinstance(c, Column) and c.generated for c in (column, new))
    return f"column {name} with its values" if key.kind is Kind.COLUMN and not computed else ""


def lost_by_type(before: Catalog, after: Catalog, old: Fact | None, new: Fact | None) -> str:
    """Tell of a coarser type; what does not fit a narrower one is refused, not lost.

    A domain counts as what it is made of, and a composite type as its attributes.
    """
    if not isinstance(old, Column) or not isinstance(new, Column):
        return ""
    was, becomes = _made_of(before, old), _made_of(after, new)
    if (was, becomes) == (old.type, new.type):
        loses = loses_values(was, becomes) or _loses_parts(before, after, old, new)
    else:  # the cast to or from a domain is an explicit one, which cuts without an error
        loses = loses_values(was, becomes) or cut_by_cast(was, becomes)
    if not loses:
        return ""
    return f"what {new.type} cannot hold of column {'.'.join(new.path)}, now {old.type}"


def lost_attributes(before: Catalog, after: Catalog, type_: Key) -> dict[str, str]:
    """Tell, by name, which attributes go from a composite type that columns are made of."""
    old, new = (c.find(Composite, *type_.path) for c in (before, after))
    if old is None or new is None or old == new or not columns_of(before, type_):
        return {}
    kept, place = dict(new.attributes), ".".join(type_.path)
    return {
        name: f"attribute {place}.{name} with its values"
        for name, _ in old.attributes
        if name not in kept
    }


def columns_of(catalog: Catalog, type_: Key) -> list[Column]:
    """Give the columns that store values of a type, also inside of other types."""
    found: set[Key] = set()
    work = [type_]
    while work:
        key = work.pop()
        users = {user for user, needs in catalog.depends.items() if key in needs} - found
        found |= {user for user in users if user.kind in (*_HOLDS, Kind.COLUMN)}
        work += [user for user in users if user.kind in _HOLDS]
    facts = (catalog.facts[key] for key in sorted(found, key=lambda key: key.path))
    return [fact for fact in facts if isinstance(fact, Column) and fact.generated is None]


def _made_of(catalog: Catalog, column: Column) -> str:
    """Give a column's type, the base of it where it is a domain."""
    domain = catalog.find(Domain, *column.user_type) if column.user_type else None
    if domain is None:
        return column.type
    return f"{domain.base}[]" if column.type.endswith("[]") else domain.base


def _loses_parts(before: Catalog, after: Catalog, old: Column, new: Column) -> bool:
    """Say whether values of a composite type, cast by way of text, come out as others."""
    if old.user_type is None or old.user_type != new.user_type:
        return False
    was, becomes = (c.find(Composite, *old.user_type) for c in (before, after))
    if was is None or becomes is None:
        return False
    return any(
        one != other or loses_values(type_, wanted)
        for (one, type_), (other, wanted) in zip(was.attributes, becomes.attributes, strict=False)
    )
