"""What goes with something else: dropped by its DROP, or made by its CREATE."""

from collections.abc import Iterator

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Check, ForeignKey, Keyed, Unique
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.tables import Column, Default, SequenceOwner
from chatkeep.kit.plan.changes import Changes
from chatkeep.kit.plan.partitions import counterpart

_OF_COLUMN = (
    Kind.DEFAULT,
    Kind.PRIMARY_KEY,
    Kind.UNIQUE,
    Kind.CHECK,
    Kind.EXCLUDE,
    Kind.INDEX,
)
_INLINE = (Kind.PRIMARY_KEY, Kind.UNIQUE, Kind.CHECK)


def fold_drops(changes: Changes) -> dict[Key, Key]:
    """Map each fact that needs no DROP of its own to the fact that takes it along."""
    before = changes.context.before
    explicit = _circular_keys(changes)
    folded: dict[Key, Key] = {}
    for key in changes.drops:
        fact = before.facts[key]
        leader = None if isinstance(fact, Default) else counterpart(changes, fact)
        for holder in (*_holders(before, fact), leader):
            if holder is not None and holder in changes.drops and key not in explicit:
                folded[key] = holder
                break
    return folded


def _holders(before: Catalog, fact: Fact) -> Iterator[Key]:
    """Give what takes a fact along: its column or table, a sequence's owner, a comment's target."""
    key = fact.key
    if isinstance(fact, SequenceOwner):
        yield Key(Kind.SEQUENCE, key.path)
        return
    if key.kind is Kind.SEQUENCE:
        owner = before.find(SequenceOwner, *key.path)
        if owner is not None:
            yield owner.owner
        return
    if fact.parent is not None:
        yield fact.parent
    if key.kind in _OF_COLUMN:
        table = (fact.schema, fact.relation) if isinstance(fact, Index) else key.path[:2]
        for need in sorted(before.depends.get(key, ())):  # the same choice in each partition
            if need.kind is Kind.COLUMN and need.path[:2] == table:
                yield need


def _circular_keys(changes: Changes) -> set[Key]:
    """Give the foreign keys that must go first, since their tables refer to each other."""
    before = changes.context.before
    tables = {key.path for key in changes.drops if key.kind is Kind.TABLE}
    keys = [
        fact
        for fact in before.of(ForeignKey)
        if fact.path[:2] in tables
        and (fact.target_schema, fact.target_table) in tables - {fact.path[:2]}
    ]
    while True:
        targets = {(fact.target_schema, fact.target_table) for fact in keys}
        rest = [fact for fact in keys if fact.path[:2] in targets]
        if len(rest) == len(keys):
            return {fact.key for fact in rest}
        keys = rest


def fold_creates(changes: Changes) -> dict[Key, Key]:
    """Map each fact that is written inside CREATE TABLE or ADD COLUMN to the table or column."""
    after = changes.context.after
    folded: dict[Key, Key] = {}
    for key in changes.creates:
        fact = after.facts[key]
        table = fact.parent
        leader = counterpart(changes, fact) if isinstance(fact, Column | Check) else None
        if isinstance(fact, Column) and table is not None and table in changes.creates:
            folded[key] = table
        elif leader is not None and leader in changes.creates:
            folded[key] = leader  # a partition gets what its whole gets
    reach = _Reach(changes, folded)
    for key in sorted(changes.creates):
        fact = after.facts[key]
        if isinstance(fact, Column):
            _fold_serial(changes, folded, fact)
        elif isinstance(fact, Default) and key not in folded:
            _fold_default(changes, folded, fact, reach)
        table = Key(Kind.TABLE, key.path[:2])
        inside = key.kind in _INLINE and table in changes.creates and not _doubled(changes, fact)
        # CREATE TABLE takes a check for proved, whatever it says: there are no rows yet.
        inside = inside and not (isinstance(fact, Check) and "NOT VALID" in fact.extra)
        if inside and not reach.circular(key, table):
            folded[key] = table
    return folded


def _fold_default(
    changes: Changes, folded: dict[Key, Key], default: Default, reach: "_Reach"
) -> None:
    column = Key(Kind.COLUMN, default.path)
    holder = folded.get(column, column)
    leader = counterpart(changes, default)
    if leader is not None and Key(Kind.COLUMN, leader.path) in changes.creates:
        if _as_in_whole(changes, default, leader):
            folded[default.key] = holder
    elif holder in changes.creates and not reach.circular(default.key, holder):
        folded[default.key] = holder


def _doubled(changes: Changes, fact: Fact) -> bool:
    """Say whether CREATE TABLE cannot say it, or would take it for another key of its columns."""
    if isinstance(fact, Keyed) and fact.options:
        return True  # they are set by a statement of its own
    return isinstance(fact, Unique) and any(
        isinstance(other, Keyed) and other != fact and other.columns == fact.columns
        for other in changes.context.after.children(Key(Kind.TABLE, fact.path[:2]))
    )


def _as_in_whole(changes: Changes, default: Default, leader: Key) -> bool:
    """Say whether a new column of a partition gets its default from the whole's column."""
    given = changes.context.after.facts.get(leader)
    return isinstance(given, Default) and given.expression == default.expression


def _fold_serial(changes: Changes, folded: dict[Key, Key], column: Column) -> None:
    sequence = changes.context.after.serial_sequence(column)
    if sequence is None or sequence.key not in changes.creates:
        return
    holder = folded.get(column.key, column.key)
    owner, default = Key(Kind.SEQUENCE_OWNER, sequence.path), Key(Kind.DEFAULT, column.path)
    if {owner, default} <= changes.creates:
        folded.update(dict.fromkeys((sequence.key, owner, default), holder))


class _Reach:
    """Tells whether writing a part inside its table would need the table before itself."""

    def __init__(self, changes: Changes, folded: dict[Key, Key]) -> None:
        self._needs = changes.context.after.depends
        self._folded = folded
        self._new = changes.creates
        self._parts: dict[Key, list[Key]] = {}
        for part, holder in folded.items():
            self._parts.setdefault(holder, []).append(part)

    def circular(self, part: Key, holder: Key) -> bool:
        """Follow what the part needs, beyond its own table, back to the table."""
        own = holder.path[:2]
        work = [k for k in self._needs.get(part, ()) if not self._inside(k, own)]
        seen = set(work)
        while work:
            key = work.pop()
            if self._inside(key, own):
                return True
            whole = self._folded.get(key, key)
            nearby = [*self._parts.get(whole, ()), whole]
            needs = {need for k in nearby for need in self._needs.get(k, ())}
            work += needs & self._new - seen
            seen |= needs
        self._parts.setdefault(holder, []).append(part)
        return False

    def _inside(self, key: Key, table: tuple[str, ...]) -> bool:
        return key.kind in (Kind.TABLE, Kind.COLUMN) and key.path[:2] == table
