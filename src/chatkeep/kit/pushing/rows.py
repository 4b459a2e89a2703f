"""Counts of the rows that a statement would lose, or that would refuse it.

Each is a query on the database as it is just before the statement, in the same transaction.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Check, ForeignKey, Keyed, PrimaryKey
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.tables import Column, Default, Table
from chatkeep.kit.catalog.types import Composite
from chatkeep.kit.plan.losing import columns_of
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.plan.statement import Statement


@dataclass(frozen=True, slots=True)
class Question:
    """What to count.

    Attributes:
        table: (schema, table) to look into.
        where: The rows that are meant, as SQL; the table is `t`.
        says: What they are, after their number: `rows of table public.user`.
        loses: They would go or change; else they refuse the statement.
        object: (schema, table) or (schema, table, column) that the caller may name to accept it.
    """

    table: tuple[str, ...]
    where: str
    says: str
    loses: bool
    object: tuple[str, ...]


def questions(before: Catalog, after: Catalog, statement: Statement) -> list[Question]:
    """Give what has to be counted before a statement of the plan runs.

    Args:
        before: The database, its renamed tables and columns under their new names.
        after: The schema.
        statement: Of the plan between the two.
    """
    old = _fact(before, statement)
    new = _fact(after, statement)
    if statement.action == "drop":
        return list(_dropped(old)) if old is not None else []
    if new is None:
        return []
    asked = [*_altered(old, new, statement), *_without_attribute(before, after, statement)]
    existing = Key(Kind.TABLE, _table_of(new)) in before.facts
    if existing and statement.action == "create":
        asked += _created(after, new)
    if statement.action == "alter" and " VALIDATE CONSTRAINT " in statement.sql:
        asked += _created(after, new)
    return asked


def _fact(catalog: Catalog, statement: Statement) -> Fact | None:
    named = [
        fact
        for key, fact in catalog.facts.items()
        if key.kind.value == statement.kind and _dotted(key.path) == statement.object
    ]
    # Names may hold dots: `a.b` of schema `s`, and `b` of schema `s.a`.
    meant = [fact for fact in named if ident(*_table_of(fact)) in statement.sql]
    return next(iter(meant or named), None)


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(part for part in path if part)


def _table_of(fact: Fact) -> tuple[str, ...]:
    return (fact.schema, fact.relation) if isinstance(fact, Index) else fact.path[:2]


def _dropped(fact: Fact) -> Iterator[Question]:
    if isinstance(fact, Table):
        says = f"rows of the table {_dotted(fact.path)}"
        yield Question(fact.path, "true", says, loses=True, object=fact.path)
    if isinstance(fact, Column) and fact.generated is None:
        says = f"values of the column {_dotted(fact.path)}"
        where = f"t.{ident(fact.name)} IS NOT NULL"
        yield Question(fact.path[:2], where, says, loses=True, object=fact.path)


def _altered(old: Fact | None, new: Fact, statement: Statement) -> Iterator[Question]:
    if not isinstance(old, Column) or not isinstance(new, Column) or statement.action != "alter":
        return
    name = f"t.{ident(new.name)}"
    place = _dotted(new.path)
    if statement.sql.endswith(" SET NOT NULL"):
        says = f"rows have no value in {place}, which becomes NOT NULL"
        yield Question(new.path[:2], f"{name} IS NULL", says, loses=False, object=new.path)
    elif statement.loses and " SET DATA TYPE " in statement.sql:
        where = f"{name} IS NOT NULL AND {_changes(name, old.type, new.type)}"
        says = f"values of the column {place} that {new.type} cannot hold"
        yield Question(new.path[:2], where, says, loses=True, object=new.path)


def _changes(name: str, old: str, new: str) -> str:
    """Give the condition on a value that another type holds as another value."""
    # By way of text: not every cast has one that leads back.
    return f"({name}::{new})::text::{old} IS DISTINCT FROM {name}"


def _without_attribute(before: Catalog, after: Catalog, statement: Statement) -> Iterator[Question]:
    """Ask for the values of a composite type that lose a part, whether or not it holds something."""
    type_ = _fact(before, statement)
    if not isinstance(type_, Composite) or not statement.loses:
        return
    lost = statement.loses.removesuffix(" with its values")
    for column in columns_of(before, type_.key):
        if after.find(Column, *column.path) is None:
            continue  # it was asked for when it went
        says = f"values of the column {_dotted(column.path)} with {lost}"
        where = f"t.{ident(column.name)}::text IS NOT NULL"  # a row of nulls alone IS NULL too
        yield Question(column.path[:2], where, says, loses=True, object=column.path)


def misfits(statement: Statement, before: Catalog, after: Catalog) -> Question | None:
    """Give the values that a change of type refuses; PostgreSQL 16 and later can tell them."""
    old, new = _fact(before, statement), _fact(after, statement)
    if not isinstance(old, Column) or not isinstance(new, Column):
        return None
    name = f"t.{ident(new.name)}"
    where = f"NOT pg_input_is_valid({name}::text, {literal(new.type)})"
    says = f"values of the column {_dotted(new.path)} are no {new.type}"
    return Question(new.path[:2], where, says, loses=False, object=new.path)


def _created(after: Catalog, fact: Fact) -> Iterator[Question]:
    place = _dotted(fact.path)
    if isinstance(fact, Column) and _must_be_given(after, fact):
        says = f"rows would have no value in the new column {place}"
        yield Question(fact.path[:2], "true", says, loses=False, object=fact.path)
    elif isinstance(fact, Keyed):
        yield from _keyed(fact, place)
    elif isinstance(fact, Index) and fact.unique:
        names = [f"({column.expression})" for column in fact.columns]
        told = (names, fact.where or "true", fact.nulls_not_distinct)
        yield _repeated(_table_of(fact), told, f"the unique index {place}", fact.path)
    elif isinstance(fact, Check) and not _unproved(fact.extra):
        says = f"rows break the check {place}"
        where = f"({fact.expression}) IS FALSE"
        yield Question(fact.path[:2], where, says, loses=False, object=fact.path)
    elif isinstance(fact, ForeignKey) and not _unproved(fact.extra):
        yield _orphans(fact, place)


def _unproved(words: str) -> bool:
    """Say whether a constraint lets the rows be that are there, or asks more than is counted."""
    return any(word in words for word in ("NOT VALID", "NOT ENFORCED", "PERIOD "))


def _keyed(fact: Keyed, place: str) -> Iterator[Question]:
    names = [f"t.{ident(name)}" for name in fact.columns]
    if isinstance(fact, PrimaryKey):
        empty = " OR ".join(f"{name} IS NULL" for name in names)
        says = f"rows have no value in the primary key {place}"
        yield Question(fact.path[:2], empty, says, loses=False, object=fact.path)
    if "WITHOUT OVERLAPS" not in fact.definition:
        told = (names, "true", fact.nulls_not_distinct)
        yield _repeated(fact.path[:2], told, f"the {fact.kind} {place}", fact.path)


def _must_be_given(after: Catalog, column: Column) -> bool:
    by_itself = column.identity or column.generated or after.find(Default, *column.path)
    return column.not_null and not by_itself


def _repeated(
    table: tuple[str, ...], told: tuple[list[str], str, bool], what: str, path: tuple[str, ...]
) -> Question:
    """Ask for the rows whose key another row has as well."""
    names, where, nulls_too = told
    filled = "true" if nulls_too else " AND ".join(f"{name} IS NOT NULL" for name in names)
    keys = ", ".join(names)
    inside = (
        f"SELECT t.tableoid AS part, t.ctid AS place, count(*) OVER (PARTITION BY {keys}) AS found"  # noqa: S608 - all parts are quoted, or PostgreSQL's own
        f" FROM {ident(*table)} AS t WHERE ({where}) AND {filled}"
    )
    pairs = f"SELECT part, place FROM ({inside}) AS r WHERE found > 1"  # noqa: S608 - the same
    condition = f"(t.tableoid, t.ctid) IN ({pairs})"
    says = f"rows share their values with another row in {what}"
    return Question(table, condition, says, loses=False, object=path)


def _orphans(fact: ForeignKey, place: str) -> Question:
    pairs = zip(fact.columns, fact.target_columns, strict=True)
    same = " AND ".join(f"o.{ident(theirs)} = t.{ident(mine)}" for mine, theirs in pairs)
    target = ident(fact.target_schema, fact.target_table)
    filled = " AND ".join(f"t.{ident(name)} IS NOT NULL" for name in fact.columns)
    where = f"{filled} AND NOT EXISTS (SELECT 1 FROM {target} AS o WHERE {same})"  # noqa: S608 - all parts are quoted
    says = f"rows refer to nothing by the foreign key {place}"
    return Question(fact.path[:2], where, says, loses=False, object=fact.path)


def count_sql(question: Question) -> str:
    """Give the query for the number of rows."""
    return f"SELECT count(*) FROM {ident(*question.table)} AS t WHERE {question.where}"  # noqa: S608 - built from quoted parts


def sample_sql(question: Question, key: tuple[str, ...]) -> str:
    """Give the query for the keys of some of the rows."""
    names = ", ".join(f"t.{ident(name)}::text" for name in key)
    return (
        f"SELECT concat_ws(', ', {names}) FROM {ident(*question.table)} AS t"  # noqa: S608 - built from quoted parts
        f" WHERE {question.where} ORDER BY {names} LIMIT 3"
    )
