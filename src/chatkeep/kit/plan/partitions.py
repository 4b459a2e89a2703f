"""Changes of a partitioned table reach its partitions by themselves: they are written once."""

from collections.abc import Iterator
from dataclasses import replace

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Check, Constraint
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.tables import Column, Default, Partition
from chatkeep.kit.plan.changes import Changes
from chatkeep.kit.plan.kinds.columns import COLUMN
from chatkeep.kit.plan.kinds.partitions import attach_index

_RECURSIVE = ("type", "collation", "not_null", "generated", "storage", "statistics")
"""What ALTER COLUMN of a partitioned table does to the partitions' columns too."""


def staying(changes: Changes) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Give the partitions that stay where they are, each to its whole, wholes first."""
    before, after = changes.context.before, changes.context.after
    found = {
        part.path: part.whole.path
        for part in before.of(Partition)
        if part.key not in changes.drops and after.facts.get(part.key) == part
    }
    return dict(sorted(found.items(), key=lambda item: _depth(found, item[0])))


def _depth(found: dict[tuple[str, ...], tuple[str, ...]], path: tuple[str, ...]) -> int:
    return 1 + _depth(found, found[path]) if path in found else 0


def stays(changes: Changes, table: tuple[str, ...]) -> bool:
    """Say whether a table is a partition and stays one, in the same place."""
    key = Key(Kind.PARTITION, table)
    part = changes.context.after.facts.get(key)
    same = part is not None and part == changes.context.before.facts.get(key)
    return same and key not in changes.drops


def counterpart(changes: Changes, fact: Fact) -> Key | None:
    """Give what a partition's column, check or index follows in its whole, where it stays one."""
    if isinstance(fact, Index | Constraint) and fact.whole is not None:
        table = (fact.schema, fact.relation) if isinstance(fact, Index) else fact.path[:2]
        for catalog in (changes.context.before, changes.context.after):
            if stays(changes, table) and fact.whole in catalog.index_keys:
                return catalog.index_keys[fact.whole]
        return None
    if not isinstance(fact, Column | Check | Default) or not stays(changes, fact.path[:2]):
        return None
    part = changes.context.after.facts[Key(Kind.PARTITION, fact.path[:2])]
    if not isinstance(part, Partition):
        return None
    return Key(fact.kind, (*part.whole.path, fact.path[2]))


def follow_partitions(changes: Changes) -> None:
    """Take out of the plan what happens to partitions by itself, and add what it undoes."""
    pairs = staying(changes)
    for part, whole in pairs.items():
        for key in [key for key in changes.context.before.facts if key.path[:2] == part]:
            if key.kind is Kind.COLUMN:
                _follow_column(changes, key, Key(key.kind, (*whole, key.path[2])))
            elif key.kind is Kind.CHECK:
                _follow_check(changes, key, Key(key.kind, (*whole, key.path[2])))
    for whole in sorted(set(pairs.values()), key=lambda path: _depth(pairs, path)):
        _follow_defaults(changes, whole, list(_below(pairs, whole)))


def _below(
    pairs: dict[tuple[str, ...], tuple[str, ...]], whole: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    for part, other in pairs.items():
        if other == whole:
            yield part
            yield from _below(pairs, part)


def _follow_column(changes: Changes, key: Key, leader: Key) -> None:
    before, after = changes.context.before.facts, changes.context.after.facts
    facts = (before.get(key), after.get(key), before.get(leader), after.get(leader))
    old, new, first, then = facts
    if key in changes.drops or leader in changes.drops:
        return
    if not isinstance(old, Column) or not isinstance(new, Column):
        return
    if not isinstance(first, Column) or not isinstance(then, Column):
        return
    led = leader in changes.alters or leader in changes.carried
    if not led:
        return
    moved = {
        name: getattr(then, name)
        for name in _RECURSIVE
        if getattr(first, name) != getattr(then, name)
    }
    halfway = replace(old, **moved)
    rest = [] if halfway == new else COLUMN.alter(halfway, new, changes.context)
    changes.alters.pop(key, None)
    changes.retyped.discard(key)
    if rest:
        changes.alters[key] = rest
        changes.follows[key] = leader
    else:
        changes.carried[key] = leader


def _follow_check(changes: Changes, key: Key, leader: Key) -> None:
    before, after = changes.context.before.facts, changes.context.after.facts
    if leader in changes.drops and key in after and key not in changes.drops:
        changes.alters.pop(key, None)
        changes.drops.add(key)
        changes.creates.add(key)
    both = key in changes.alters and leader in changes.alters
    if both and _bare(before[key]) == _bare(before[leader]):
        changes.alters.pop(key)
        changes.carried[key] = leader


def _bare(fact: Fact) -> tuple[str, str]:
    return (fact.expression, fact.extra) if isinstance(fact, Check) else ("", "")


def _follow_defaults(
    changes: Changes, whole: tuple[str, ...], parts: list[tuple[str, ...]]
) -> None:
    """Set a default once for all where it is the same everywhere, else on each table ONLY."""
    after = changes.context.after
    touched = changes.drops | changes.creates | set(changes.alters) | set(changes.carried)
    leaders = {k for k in touched if k.kind is Kind.DEFAULT and k.path[:2] == whole}
    for table in parts:
        leaders |= (
            {
                Key(k.kind, (*whole, k.path[2]))
                for k in touched
                if k.kind is Kind.DEFAULT and k.path[:2] == table
            }
            & (changes.context.before.facts.keys() | after.facts.keys())
            & touched
        )
    for leader in leaders:
        column = Key(Kind.COLUMN, leader.path)
        if column in changes.drops or leader in changes.only:
            continue
        if changes.carried.get(leader, column).kind is Kind.DEFAULT:
            continue  # done with the whole above
        keys = [Key(Kind.DEFAULT, (*table, leader.path[2])) for table in parts]
        if column in changes.creates:  # what is written with ADD COLUMN is folded elsewhere
            if any(_expression(after, key) != _expression(after, leader) for key in keys):
                changes.only.add(leader)
            continue
        if all(_expression(after, key) == _expression(after, leader) for key in keys):
            for key in keys:
                if leader in changes.drops or key not in changes.creates:
                    changes.drops.discard(key)  # else its old default is in the way of a new type
                changes.creates.discard(key)
                changes.alters.pop(key, None)
                changes.carried[key] = leader
        else:
            changes.only.add(leader)
            changes.only.update(keys)


def _expression(catalog: Catalog, key: Key) -> str | None:
    fact = catalog.facts.get(key)
    return fact.expression if isinstance(fact, Default) else None


def follow_wholes(changes: Changes) -> None:
    """Rebuild the partitions' indexes where that of the whole goes, which takes them along."""
    before, after = changes.context.before, changes.context.after
    for key, fact in before.facts.items():
        if not isinstance(fact, Index | Constraint) or fact.whole is None or key not in after.facts:
            continue
        leader = before.index_keys.get(fact.whole)
        if leader in changes.drops and counterpart(changes, fact) and key not in changes.drops:
            changes.alters.pop(key, None)
            changes.drops.add(key)
            changes.creates.add(key)


def alter_whole(changes: Changes, before: Fact, after: Fact) -> bool:
    """Take in a change that is only about which partitioned index an index is a part of."""
    if isinstance(before, Index) and isinstance(after, Index):
        table, alike = (after.schema, after.relation), replace(before, whole=after.whole) == after
    elif isinstance(before, Constraint) and isinstance(after, Constraint):
        table, alike = after.path[:2], replace(before, whole=after.whole) == after
    else:
        return False
    if not alike:
        return False
    if not stays(changes, table):
        return True  # DETACH and ATTACH of the table do it
    if before.whole is not None or after.whole is None:
        return False
    changes.alters[after.key] = [attach_index(after.whole, after.schema, after.name)]
    return True
