"""What one statement made of a database's shape."""

from dataclasses import dataclass
from functools import cached_property

from chatkeep.kit.review.shape import TABLES, Column, Constraint, Object, Relation, Shape

_FIRST_OWN = 16384
"""The first number of what users make; types below have one name for ever."""


@dataclass(frozen=True)
class Difference:
    """The shape before and after, and what lies between, each found when it is first asked for."""

    before: Shape
    after: Shape

    @cached_property
    def made(self) -> list[Relation]:
        """Relations that were not there before: tables, views, indexes, sequences."""
        old = self.before.relations
        return [item for oid, item in self.after.relations.items() if oid not in old]

    @cached_property
    def dropped(self) -> list[Relation]:
        """Relations that are gone."""
        new = self.after.relations
        return [item for oid, item in self.before.relations.items() if oid not in new]

    @cached_property
    def kept(self) -> list[tuple[Relation, Relation]]:
        """Relations that differ in something: before, after."""
        new = self.after.relations
        return [
            (item, new[oid])
            for oid, item in self.before.relations.items()
            if oid in new and new[oid] != item
        ]

    @cached_property
    def renamed(self) -> list[tuple[Relation, Relation]]:
        """Tables and views with another name or schema."""
        return [
            (old, new)
            for old, new in self.kept
            if old.kind in TABLES | {"v"} and (old.schema, old.name) != (new.schema, new.name)
        ]

    @cached_property
    def rewritten(self) -> frozenset[int]:
        """Relations whose rows lie in another file now; new ones are none of them."""
        return frozenset(old.oid for old, new in self.kept if old.file and old.file != new.file)

    @cached_property
    def built(self) -> list[Relation]:
        """Indexes that are new and were built; one that took over another's file was not."""
        files = {item.file for item in self.dropped if item.table and item.file}
        return [item for item in self.made if item.table and item.file not in files]

    @cached_property
    def added_columns(self) -> list[Column]:
        """New columns, of new tables and of old ones."""
        old = self.before.columns
        return [item for key, item in self.after.columns.items() if key not in old]

    @cached_property
    def dropped_columns(self) -> list[Column]:
        """Columns that are gone from tables that are still there."""
        return [
            item
            for key, item in self.before.columns.items()
            if key not in self.after.columns and item.table in self.after.relations
        ]

    @cached_property
    def altered_columns(self) -> list[tuple[Column, Column]]:
        """Columns that differ in something: before, after."""
        new = self.after.columns
        return [
            (item, new[key])
            for key, item in self.before.columns.items()
            if key in new and new[key] != item
        ]

    @cached_property
    def retyped(self) -> list[tuple[Column, Column]]:
        """Columns with another type, or another length; a type's new name alone changes none."""
        return [
            (old, new)
            for old, new in self.altered_columns
            if old.type_oid != new.type_oid or (old.type != new.type and old.type_oid < _FIRST_OWN)
        ]

    @cached_property
    def forbids_null(self) -> list[Column]:
        """Columns that may hold no NULL any more, whatever rows there are."""
        return [new for old, new in self.altered_columns if new.not_null and not old.not_null]

    @cached_property
    def remade(self) -> list[Relation]:
        """Indexes that are new and stand in the place of one of their name."""
        gone = {(item.table, item.name) for item in self.dropped if item.table}
        return [item for item in self.made if (item.table, item.name) in gone]

    @cached_property
    def rebuilt(self) -> list[Relation]:
        """Those of them that were built from the rows."""
        return [item for item in self.remade if item in self.built]

    @cached_property
    def added_constraints(self) -> list[Constraint]:
        """New constraints; those that a partition inherits or that were only rebuilt left out."""
        old, new = self.before.constraints, self.after.constraints
        gone = {(item.table, item.name) for oid, item in old.items() if oid not in new}
        return [
            item
            for oid, item in new.items()
            if oid not in old and not item.inherited and (item.table, item.name) not in gone
        ]

    @cached_property
    def validated(self) -> list[Constraint]:
        """Constraints that were NOT VALID and hold for all rows now."""
        old = self.before.constraints
        return [
            item
            for oid, item in self.after.constraints.items()
            if oid in old and item.validated and not old[oid].validated and not item.inherited
        ]

    @cached_property
    def dropped_objects(self) -> list[Object]:
        """Types, functions and schemas that are gone."""
        new = self.after.objects
        return [item for key, item in self.before.objects.items() if key not in new]

    @cached_property
    def renamed_objects(self) -> list[tuple[Object, Object]]:
        """Types, functions and schemas with another name."""
        new = self.after.objects
        return [
            (item, new[key])
            for key, item in self.before.objects.items()
            if key in new and new[key] != item
        ]

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the shape changed."""
        return self.before == self.after
