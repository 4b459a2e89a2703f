"""Renames: those that the caller names, those that need no question, and those that do."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from chatkeep.errors import MigrationError, RenameUnclearError
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Constraint
from chatkeep.kit.catalog.fact import Fact, Kind
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.tables import Column, Sequence, SequenceOwner, Table
from chatkeep.kit.catalog.types import Enum
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.plan.rewrite import (
    rename_column,
    rename_fact,
    rename_label,
    rename_table,
    rewritten,
)
from chatkeep.kit.plan.statement import Statement

Renames = Mapping[tuple[str, ...], str | None]
"""(schema, table), (schema, table, column) or (schema, enum, label) to its new name.

None says that it is not a rename: the object goes.
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that went, and what of the same shape came: perhaps a rename.

    Attributes:
        old: (schema, table), (schema, table, column) or (schema, enum, label).
        new: Names that it may have now.
    """

    kind: str
    old: tuple[str, ...]
    new: tuple[str, ...]


def parse_renames(texts: Iterable[str], catalog: Catalog) -> Renames:
    """Read what `--rename` takes: `table:new`, `table.column:new` or `type.label:new`, each with or without a schema.

    Nothing after the colon means that it is no rename: the object goes.

    Raises:
        MigrationError: A text has no colon, or too many dots.
    """
    found: dict[tuple[str, ...], str | None] = {}
    for text in texts:
        old, colon, new = text.rpartition(":")
        parts = tuple(old.split("."))
        if not colon or not all(parts) or len(parts) > 3:
            raise MigrationError(
                f"The rename {text!r} cannot be read.",
                hint="Write table:new, table.column:new or type.label:new.",
            )
        found[_qualified(parts, catalog)] = new.rsplit(".", 1)[-1] or None
    return found


def _qualified(parts: tuple[str, ...], catalog: Catalog) -> tuple[str, ...]:
    if len(parts) == 1:
        return ("public", *parts)
    if len(parts) == 2 and catalog.find(Table, *parts) is None:
        return ("public", *parts)
    return parts


def apply_renames(catalog: Catalog, renames: Renames) -> tuple[Catalog, list[Statement]]:
    """Rename tables first, then columns and labels, which go by their table's old name.

    Raises:
        MigrationError: No such table, column or label.
    """
    statements: list[Statement] = []
    tables = {path: new for path, new in renames.items() if len(path) == 2 and new is not None}
    for path, new in sorted(tables.items()):
        if catalog.find(Table, *path) is None:
            raise _unknown(path)
        catalog = rewritten(catalog, rename_table(path[0], path[1], new))
        sql = f"ALTER TABLE {ident(*path)} RENAME TO {ident(new)}"
        statements.append(Statement(sql, Kind.TABLE, ".".join(path), "rename"))
    for path, new in sorted(renames.items(), key=lambda item: item[0]):
        if len(path) == 3 and new is not None:
            table = (path[0], tables.get(path[:2], path[1]))
            catalog, statement = _part(catalog, (*table, path[2]), new)
            statements.append(statement)
    return catalog, statements


def _part(catalog: Catalog, path: tuple[str, str, str], new: str) -> tuple[Catalog, Statement]:
    schema, holder, old = path
    name = ".".join(path)
    enum = catalog.find(Enum, schema, holder)
    if enum is not None and old in enum.labels:
        sql = f"ALTER TYPE {ident(schema, holder)} RENAME VALUE {literal(old)} TO {literal(new)}"
        change = rename_label(enum, old, new)
        return rewritten(catalog, change), Statement(sql, Kind.ENUM, name, "rename")
    if catalog.find(Column, *path) is None:
        raise _unknown(path)
    sql = f"ALTER TABLE {ident(schema, holder)} RENAME COLUMN {ident(old)} TO {ident(new)}"
    change = rename_column((schema, holder), old, new)
    return rewritten(catalog, change), Statement(sql, Kind.COLUMN, name, "rename")


def _unknown(path: tuple[str, ...]) -> MigrationError:
    name = ".".join(path)
    return MigrationError(
        f"Cannot rename {name}: there is no such table, column or enum label.",
        hint="Name it as it is before the change: schema.table.column.",
    )


def infer_renames(before: Catalog, after: Catalog) -> tuple[Catalog, list[Statement]]:
    """Rename constraints, indexes and sequences that are equal but for their name.

    Nothing is asked: no row can tell the difference, and a sequence keeps where it stands.
    """
    statements: list[Statement] = []
    for old, new in [*_equal_but_name(before, after), *_sequences(before, after)]:
        name = new.path[-1]
        if isinstance(old, Constraint):
            table = ident(*old.path[:2])
            sql = f"ALTER TABLE {table} RENAME CONSTRAINT {ident(old.name)} TO {ident(name)}"
        else:
            noun = "INDEX" if old.kind is Kind.INDEX else "SEQUENCE"
            sql = f"ALTER {noun} {ident(*old.path)} RENAME TO {ident(name)}"
        statements.append(Statement(sql, old.kind, ".".join(old.path), "rename"))
        before = rewritten(before, rename_fact(old.key, name))
    return before, statements


def _equal_but_name(before: Catalog, after: Catalog) -> Iterator[tuple[Fact, Fact]]:
    new: dict[Fact, list[Fact]] = {}
    for key, fact in after.facts.items():
        if isinstance(fact, Constraint | Index) and key not in before.facts:
            new.setdefault(replace(fact, name=""), []).append(fact)
    taken = {_relation_name(fact) for fact in before.facts.values()}
    for key, fact in before.facts.items():
        if not isinstance(fact, Constraint | Index) or key in after.facts:
            continue
        found = new.get(replace(fact, name=""))
        # A name that another object has until it is dropped cannot be given yet.
        if found and _relation_name(found[0]) not in taken:
            yield fact, found.pop()


def _relation_name(fact: Fact) -> tuple[str, str]:
    return (fact.path[0], fact.path[-1])


def _sequences(before: Catalog, after: Catalog) -> Iterator[tuple[Fact, Fact]]:
    new = {owner.owner: owner for owner in after.of(SequenceOwner) if owner.key not in before.facts}
    for owner in before.of(SequenceOwner):
        other = new.get(owner.owner)
        if owner.key in after.facts or other is None:
            continue
        old = before.find(Sequence, *owner.path)
        wanted = after.find(Sequence, *other.path)
        if old is not None and wanted is not None and wanted.schema == old.schema:
            yield old, wanted


def find_unclear(before: Catalog, after: Catalog, renames: Renames) -> list[Candidate]:
    """Find what may have been renamed, leaving out what the caller called gone (None)."""
    found = [*_tables(before, after), *_columns(before, after), *_labels(before, after)]
    return [c for c in found if not (c.old in renames and renames[c.old] is None)]


def _tables(before: Catalog, after: Catalog) -> Iterator[Candidate]:
    new = [table for table in after.of(Table) if table.key not in before.facts]
    for table in before.of(Table):
        if table.key in after.facts:
            continue
        shape = _shape(before, table)
        names = [
            t.name for t in new if t.schema == table.schema and _alike(shape, _shape(after, t))
        ]
        if names:
            yield Candidate("table", table.path, tuple(names))


def _alike(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> bool:
    """Say whether to ask: half of the columns are enough, since a wrong guess costs every row."""
    return 2 * len(one & other) >= min(len(one), len(other))


def _shape(catalog: Catalog, table: Table) -> frozenset[tuple[str, str]]:
    return frozenset((column.name, column.type) for column in catalog.columns(*table.path))


def _columns(before: Catalog, after: Catalog) -> Iterator[Candidate]:
    for table in before.of(Table):
        if table.key not in after.facts:
            continue
        new = [c for c in after.columns(*table.path) if c.key not in before.facts]
        for column in before.columns(*table.path):
            names = [c.name for c in new if c.type == column.type]
            if names and column.key not in after.facts:
                yield Candidate("column", column.path, tuple(names))


def _labels(before: Catalog, after: Catalog) -> Iterator[Candidate]:
    for enum in before.of(Enum):
        other = after.find(Enum, *enum.path)
        if other is None or len(other.labels) != len(enum.labels):
            continue
        pairs = [(a, b) for a, b in zip(enum.labels, other.labels, strict=True) if a != b]
        if all(a not in other.labels and b not in enum.labels for a, b in pairs):
            for old, new in pairs:
                yield Candidate("enum label", (*enum.path, old), (new,))


def refuse_unclear(candidates: list[Candidate]) -> None:
    """Raise when there is something to ask.

    Raises:
        RenameUnclearError: A rename, or a drop and an add? `candidates` holds what was found.
    """
    if not candidates:
        return
    said = "; ".join(f"{c.kind} {'.'.join(c.old)} -> {' or '.join(c.new)}" for c in candidates)
    first = candidates[0]
    raise RenameUnclearError(
        f"This may be a rename, or a drop and an add: {said}.",
        hint=(
            f"Say `--rename {'.'.join(first.old)}:{first.new[0]}` for each rename, "
            "or allow the drops."
        ),
        candidates=tuple((c.kind, c.old, c.new) for c in candidates),
    )
