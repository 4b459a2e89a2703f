"""States on the way: the wanted one, with some facts held back in the form they have now."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Check, ForeignKey, PrimaryKey
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.programs import Trigger
from chatkeep.kit.catalog.tables import Column
from chatkeep.kit.safe import forms

_GO_LAST = {
    Kind.TABLE,
    Kind.COLUMN,
    Kind.INDEX,
    Kind.UNIQUE,
    Kind.CHECK,
    Kind.FOREIGN_KEY,
}
"""What goes at the end of a series, when nothing uses it any more."""

Overrides = Mapping[Key, Fact | None]


def leaving(now: Catalog, wanted: Catalog) -> set[Key]:
    """Give what is dropped at the end, with all that it needs and that goes with it."""
    gone = {key for key in now.facts if key not in wanted.facts}
    replaced = {k for k, f in now.facts.items() if isinstance(f, Column) and _is_remade(f, wanted)}
    found = {
        key
        for key in gone
        if key.kind in _GO_LAST and not now.depends.get(key, frozenset()) & replaced
    }
    work = list(found)
    while work:
        key = work.pop()
        needs = now.depends.get(key, frozenset()) & gone
        goes_along = {fact.key for fact in now.children(key)} & gone
        new = (needs | goes_along) - found
        found |= new
        work += new
    return found


def _is_remade(column: Column, wanted: Catalog) -> bool:
    other = wanted.facts.get(column.key)
    return isinstance(other, Column) and (column.generated is None) != (other.generated is None)


def composed(now: Catalog, wanted: Catalog, overrides: Overrides) -> Catalog:
    """Give the wanted state with these facts instead; None takes one out.

    What needs something that is taken out, or kept in another form than it needs, stays as it is
    now, or is not there yet.
    """
    facts, depends = dict(wanted.facts), dict(wanted.depends)
    late = {
        k for k, fact in overrides.items() if k in facts and fact != facts[k] and not _is_same(fact)
    }
    work = list(late)
    users = _users(wanted)
    while work:
        for user in users.get(work.pop(), ()):
            if user not in late and user not in overrides and now.facts.get(user) != facts[user]:
                late.add(user)
                work.append(user)
    for key in late - overrides.keys():
        _put(now, facts, depends, key, now.facts.get(key))
    for key, fact in overrides.items():
        _put(now, facts, depends, key, fact)
    kept = facts.keys()
    clean = {key: needs & kept for key, needs in depends.items() if key in kept}
    return Catalog(wanted.version, facts, clean, wanted.unmodelled)


def _is_same(fact: Fact | None) -> bool:
    """Whether others may stand on the fact as if it were the wanted one."""
    return isinstance(fact, Column) or (
        fact is not None and "NOT VALID" in getattr(fact, "extra", "")
    )


def _put(
    now: Catalog,
    facts: dict[Key, Fact],
    depends: dict[Key, frozenset[Key]],
    key: Key,
    fact: Fact | None,
) -> None:
    if fact is None:
        facts.pop(key, None)
        return
    if now.facts.get(key) == fact or key not in depends:
        depends[key] = now.depends.get(key, depends.get(key, frozenset()))
    facts[key] = fact


def _users(catalog: Catalog) -> dict[Key, list[Key]]:
    users: dict[Key, list[Key]] = {}
    for key, needs in catalog.depends.items():
        for need in needs:
            users.setdefault(need, []).append(key)
    return users


def nullable(column: Column) -> Column:
    """Give the column before it is NOT NULL."""
    return replace(column, not_null=False, not_null_form="")


def loosened(now: Catalog, wanted: Catalog) -> dict[Key, Fact]:
    """Give what is dropped at the end, in the form in which code of after can live with it.

    Such code does not know a column that goes, and leaves it out when it inserts.
    """
    keys = {
        Key(Kind.COLUMN, (*key.path[:2], name))
        for key in now.of(PrimaryKey)
        for name in key.columns
    }
    found = {key: now.facts[key] for key in leaving(now, wanted)}
    for key, fact in found.items():
        stays = Key(Kind.TABLE, key.path[:2]) in wanted.facts
        if isinstance(fact, Column) and fact.not_null and stays and key not in keys:
            by_itself = fact.identity or fact.generated or Key(Kind.DEFAULT, key.path) in now.facts
            found[key] = fact if by_itself else nullable(fact)
    return found


def triggers(
    now: Catalog, wanted: Catalog, tables: Iterable[tuple[str, str]]
) -> dict[Key, Fact | None]:
    """Give the triggers that come behind the filling of these tables: those on UPDATE alone.

    The filling is no change of anybody's: a trigger that moves `updated_at` must not see it. One
    that fires on INSERT as well is wanted at once, for rows that come meanwhile.
    """
    known = set(tables)
    return {
        fact.key: None
        for fact in wanted.of(Trigger)
        if fact.path[:2] in known and fact.key not in now.facts and forms.is_on_update_alone(fact)
    }


def proofs(
    now: Catalog, wanted: Catalog, tables: Iterable[tuple[str, str]]
) -> dict[Key, Fact | None]:
    """Give the constraints that are new or changed on tables with rows, each as NOT VALID."""
    known = set(tables)
    out: dict[Key, Fact | None] = {}
    for key, fact in wanted.facts.items():
        is_new = forms.table_of(fact) in known and now.facts.get(key) != fact
        if is_new and isinstance(fact, Check | ForeignKey) and forms.is_proved(fact):
            out[key] = forms.unproved(fact)
    return out
