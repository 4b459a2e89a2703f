"""The order of the steps: what must be gone, changed or there before what."""

import heapq
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import (
    Constraint,
    Exclude,
    ForeignKey,
    PrimaryKey,
    Unique,
)
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.tables import Column, Partition, Table
from chatkeep.kit.plan.changes import Changes


class Action(IntEnum):
    """What a step does, in the order preferred where nothing forces another."""

    DROP = 0
    ALTER = 1
    FINISH = 2
    CREATE = 3


class Step(NamedTuple):
    """One key's part in the plan."""

    action: Action
    key: Key


_RANKS = {kind: rank for rank, kind in enumerate(Kind)}
_RELATIONS = (
    Kind.TABLE,
    Kind.SEQUENCE,
    Kind.INDEX,
    Kind.VIEW,
    Kind.MATERIALIZED_VIEW,
    Kind.COMPOSITE,
)
_TYPES = (
    Kind.ENUM,
    Kind.DOMAIN,
    Kind.RANGE,
    Kind.TABLE,
    Kind.VIEW,
    Kind.MATERIALIZED_VIEW,
    Kind.COMPOSITE,
)
_CONSTRAINTS = (Kind.PRIMARY_KEY, Kind.UNIQUE, Kind.CHECK, Kind.EXCLUDE, Kind.FOREIGN_KEY)


class Orderer:
    """Collects "before" edges between steps and sorts them."""

    def __init__(
        self, changes: Changes, dropped_by: Mapping[Key, Key], made_by: Mapping[Key, Key]
    ) -> None:
        self._changes = changes
        self._dropped_by = dropped_by
        self._made_by = made_by
        self._first: dict[Step, set[Step]] = {}

    def sorted(self) -> list[Step]:
        """Give every step once, in order."""
        changes = self._changes
        for key in changes.drops:
            self._step(self._drop(key))
        for key in changes.alters:
            self._step(Step(Action.ALTER, key))
        for key in changes.finish:
            self._before(Step(Action.ALTER, key), Step(Action.FINISH, key))
        for key in changes.creates:
            self._step(self._make(key))
        self._edges_of_old()
        self._edges_of_new()
        self._edges_of_names()
        self._edges_of_logging()
        self._edges_of_partitions()
        self._edges_of_wholes()
        return self._sort()

    def _step(self, step: Step | None) -> None:
        if step is not None:
            self._first.setdefault(step, set())

    def _before(self, first: Step | None, then: Step | None) -> None:
        self._step(first)
        self._step(then)
        if first is not None and then is not None and first != then:
            self._first[then].add(first)

    def _drop(self, key: Key) -> Step | None:
        if key not in self._changes.drops:
            return None
        while key in self._dropped_by:
            key = self._dropped_by[key]
        return Step(Action.DROP, key)

    def _make(self, key: Key) -> Step | None:
        if key not in self._changes.creates:
            return None
        while key in self._made_by:
            key = self._made_by[key]
        return Step(Action.CREATE, key)

    def _alter(self, key: Key) -> Step | None:
        while key in self._changes.carried:
            key = self._changes.carried[key]
        return Step(Action.ALTER, key) if key in self._changes.alters else None

    def _edges_of_old(self) -> None:
        changes = self._changes
        for key, needs in changes.context.before.depends.items():
            drop, alter = self._drop(key), self._alter(key)
            for need in needs:
                gone, changed = self._drop(need), self._alter(need)
                self._before(drop, gone)
                self._before(drop, changed)
                leaves = key.kind is Kind.PUBLICATION and need.kind is Kind.TABLE
                if need not in changes.creates and not leaves:  # a dropped table leaves by itself
                    self._before(alter, gone)
                if need in changes.finish:
                    finish = Step(Action.FINISH, need)
                    self._before(drop or alter, finish)
            if key in changes.creates:
                self._before(drop, self._make(key))

    def _edges_of_new(self) -> None:
        for key, needs in self._changes.context.after.depends.items():
            for step in (self._make(key), self._alter(key)):
                if step is None:
                    continue
                for need in needs:
                    self._before(self._make(need), step)
                    self._before(self._alter(need), step)

    def _edges_of_names(self) -> None:
        """A name must be free before it is given again."""
        before, after = self._changes.context.before, self._changes.context.after
        holders: dict[tuple[str, ...], list[Key]] = {}
        for key in self._changes.drops:
            for name in _names(before.facts[key]):
                holders.setdefault(name, []).append(key)
        for key in self._changes.creates:
            for name in _names(after.facts[key]):
                for holder in holders.get(name, ()):
                    self._before(self._drop(holder), self._make(key))

    def _edges_of_logging(self) -> None:
        """A logged table may refer only to logged ones, also halfway."""
        after = self._changes.context.after
        for fact in self._changes.context.before.of(ForeignKey):
            target = Key(Kind.TABLE, (fact.target_schema, fact.target_table))
            table = after.find(Table, *target.path)
            if fact.parent is None or table is None or fact.parent == target:
                continue
            if fact.key in self._changes.drops:
                continue
            ends = (self._alter(target), self._alter(fact.parent))
            first, then = ends[::-1] if table.unlogged else ends
            if first is not None:
                self._before(first, then)

    def _edges_of_partitions(self) -> None:
        """Bring both sides into the same form before ATTACH; DETACH before they part."""
        before, after = self._changes.context.before, self._changes.context.after
        for key, leader in self._changes.follows.items():
            self._before(self._alter(leader) or self._drop(leader), self._alter(key))
        for part in before.of(Partition):
            if part.key in self._changes.drops:
                for key in _of_both(before, part):
                    for step in (self._drop(key), self._alter(key)):
                        self._before(self._drop(part.key), step)
        for part in after.of(Partition):
            if part.key in self._changes.creates:
                for key in {*_of_both(before, part), *_of_both(after, part)}:
                    for step in (self._drop(key), self._make(key), self._alter(key)):
                        self._before(step, self._make(part.key))

    def _edges_of_wholes(self) -> None:
        """An index of a partitioned table comes before those of its partitions."""
        after = self._changes.context.after
        for key, fact in after.facts.items():
            if isinstance(fact, Index | Constraint) and fact.whole is not None:
                leader = after.index_keys.get(fact.whole, key)
                for step in (self._make(key), self._alter(key)):
                    if step is not None:
                        self._before(self._make(leader), step)

    def _sort(self) -> list[Step]:
        waiting = {step: set(first) for step, first in self._first.items()}
        unlocks: dict[Step, list[Step]] = {}
        for step, first in waiting.items():
            for other in first:
                unlocks.setdefault(other, []).append(step)
        heap = [(self._rank(step), step) for step, first in waiting.items() if not first]
        heapq.heapify(heap)
        out: list[Step] = []
        while waiting:
            if heap:
                step = heapq.heappop(heap)[1]
            else:
                # A circle that PostgreSQL may still accept; the proof will tell.
                step = min(waiting, key=lambda s: (len(waiting[s]), self._rank(s)))
            if waiting.pop(step, None) is None:
                continue
            out.append(step)
            for other in unlocks.get(step, ()):
                if other in waiting:
                    waiting[other].discard(step)
                    if not waiting[other]:
                        heapq.heappush(heap, (self._rank(other), other))
        return out

    def _rank(self, step: Step) -> tuple[int, int, tuple[str, ...], int]:
        kind, path = step.key
        if step.action is Action.DROP:
            return (step.action, -_RANKS[kind], path, 0)
        if kind is Kind.COLUMN:
            position = _position(self._changes.context.after, step.key)
            return (step.action, _RANKS[kind], path[:2], position)
        return (step.action, _RANKS[kind], path, 0)


def _of_both(catalog: Catalog, part: Partition) -> Iterator[Key]:
    """Give what ATTACH compares: columns, checks, keys and indexes of a partition and its whole."""
    for table in (part.path, part.whole.path):
        for fact in catalog.children(Key(Kind.TABLE, table)):
            if isinstance(fact, Column | Index | Constraint) and not isinstance(fact, ForeignKey):
                yield fact.key


def _position(catalog: Catalog, key: Key) -> int:
    fact = catalog.facts.get(key)
    return fact.position if isinstance(fact, Column) else 0


def _names(fact: Fact) -> list[tuple[str, ...]]:
    kind, path = fact.key
    names: list[tuple[str, ...]] = []
    if kind in _RELATIONS:
        names.append(("relation", *path))
    if kind in _TYPES:
        names.append(("type", *path))
    if kind in _CONSTRAINTS:
        names.append(("constraint", *path))
    if isinstance(fact, PrimaryKey | Unique | Exclude):
        names.append(("relation", fact.schema, fact.name))
    if isinstance(fact, Column) and fact.identity is not None:
        names.append(("relation", fact.schema, fact.identity.sequence))
    if kind is Kind.FUNCTION:
        names.append(("function", *path[:2]))
    return names
