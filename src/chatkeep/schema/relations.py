"""Relations between the tables of a schema: derived from foreign keys, or declared.

A foreign key gives two relations:

- its own table has *one* row of the other, named after the last column without `_id`: `user_id`
  gives `user`. A column that does not end so gives the other table's name.
- the other table has *many* of its rows, named as the schema names the table: `chats`. Where the
  foreign key is unique it has one at most, under the same name.

Where two foreign keys lead from one table to the same other one, or a table refers to itself, the
second kind has no name that anybody would guess: the schema declares it.

    class AppSchema(deepsearch.Schema):
        reviews = TableDef("review", ReviewColumns, (
            foreign_key("author_id", references="users", on_delete="cascade"),
            foreign_key("reviewer_id", references="users", on_delete="cascade"),
        ))
        declared_relations: ClassVar[Declarations] = {
            "users": {
                "written": many("reviews", foreign_key="author_id"),
                "reviewed": many("reviews", foreign_key="reviewer_id"),
            },
        }

`schema.relations["users"]["written"]` is then a `Relation`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from chatkeep.errors import ConfigError

if TYPE_CHECKING:
    from chatkeep.schema.parts import Tables

Kind: TypeAlias = Literal["one", "many"]


@dataclass(frozen=True)
class Relation:
    """How the rows of one table belong to those of another.

    Attributes:
        name: Of the relation, among those of its source.
        kind: Whether a row of the source has one row of the target, or many.
        source: The table that has the relation, by its attribute of the schema.
        target: The table that it leads to, by its attribute of the schema.
        columns: Pairs of a column of the source and the column of the target that equals it.
        is_nullable: Whether a row of the source may have none; false for many, which may be empty.
    """

    name: str
    kind: Kind
    source: str
    target: str
    columns: tuple[tuple[str, str], ...]
    is_nullable: bool


@dataclass(frozen=True)
class Declared:
    """A relation as a schema declares it; made by `one` and `many`."""

    kind: Kind
    target: str
    foreign_key: tuple[str, ...]


Declarations: TypeAlias = Mapping[str, Mapping[str, Declared]]
"""By table, then by the relation's name."""


def many(target: str, *, foreign_key: str | Sequence[str]) -> Declared:
    """Declare that each row has many rows of another table.

    Args:
        target: The other table, by its attribute of the schema.
        foreign_key: Column or columns of the other table that refer to this one.
    """
    return Declared("many", target, _names(foreign_key))


def one(target: str, *, foreign_key: str | Sequence[str]) -> Declared:
    """Declare that each row has one row of another table.

    Args:
        target: The other table, by its attribute of the schema.
        foreign_key: Column or columns of this table that refer to the other one; or, where they are
            unique there, of the other table that refer to this one.
    """
    return Declared("one", target, _names(foreign_key))


class Relations(Mapping[str, Mapping[str, Relation]]):
    """The relations of a schema, by table and name; a table without any has an empty mapping."""

    def __init__(
        self,
        found: Mapping[str, Mapping[str, Relation]],
        unclear: Mapping[tuple[str, str], Sequence[str]],
    ) -> None:
        self._found = found
        self._unclear = unclear

    def __getitem__(self, table: str) -> Mapping[str, Relation]:
        return self._found[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def find(self, table: str, name: str) -> Relation | None:
        """Give a relation, or None where the table has none of that name.

        Args:
            table: By its attribute of the schema.
            name: Of the relation.

        Raises:
            ConfigError: Foreign keys give several relations of that name; says what to declare.
        """
        relation = self._found.get(table, {}).get(name)
        if relation is None and (table, name) in self._unclear:
            ways = self._unclear[table, name]
            raise ConfigError(
                f"{table} has no relation `{name}`: it is not clear which is meant.",
                hint=f"Declare it in the schema's declared_relations: {' or '.join(ways)}.",
            )
        return relation


def relations_of(
    tables: "Tables", names: Mapping[str, str], declarations: Declarations
) -> Relations:
    """Derive the relations of tables and add the declared ones.

    Args:
        tables: By their attributes of the schema.
        names: Their names in PostgreSQL without the prefix, by the same.
        declarations: By table and name. One of a derived relation's name takes its place.

    Raises:
        ConfigError: A declaration names a table or a foreign key that is not there, takes the name
            of a column, or says one where there can be many.
    """
    keys = _Keys(tables)
    found: dict[str, dict[str, Relation]] = {table: {} for table in tables}
    unclear: dict[tuple[str, str], list[str]] = {}
    for (table, name), candidates in _derived(keys, names).items():
        if name in tables[table].c:
            continue
        if len(candidates) == 1 and not candidates[0].needs_name:
            found[table][name] = candidates[0].relation
        else:
            unclear[table, name] = [candidate.declaration for candidate in candidates]
    for table, declared in declarations.items():
        for name, declaration in declared.items():
            found.setdefault(table, {})[name] = keys.declared(table, name, declaration)
    return Relations(found, unclear)


class _Keys:
    """The foreign keys between the tables of a schema."""

    def __init__(self, tables: "Tables") -> None:
        self.tables = tables
        self._logical = {id(table): name for name, table in tables.items()}

    def of(self, table: str) -> list[tuple[ForeignKeyConstraint, str]]:
        """Give a table's foreign keys and where they lead, those that leave the schema aside."""
        return [
            (key, self._logical[id(key.referred_table)])
            for key in sorted(
                self.tables[table].foreign_key_constraints, key=lambda key: tuple(key.column_keys)
            )
            if id(key.referred_table) in self._logical
        ]

    def away(self, name: str, source: str, key: ForeignKeyConstraint, target: str) -> Relation:
        """Give the relation of the table that has the key."""
        is_nullable = any(column.nullable for column in key.columns)
        return Relation(name, "one", source, target, _pairs(key), is_nullable)

    def back(self, name: str, source: str, key: ForeignKeyConstraint, target: str) -> Relation:
        """Give the relation of the table that the key refers to."""
        is_one = is_unique_among(self.tables[target], key.column_keys)
        pairs = tuple((there, here) for here, there in _pairs(key))
        return Relation(name, "one" if is_one else "many", source, target, pairs, is_one)

    def declared(self, table: str, name: str, declared: Declared) -> Relation:
        """Find the foreign key that a declaration means."""
        place = f"The relation `{name}` of {table}"
        for wanted in (table, declared.target):
            if wanted not in self.tables:
                raise ConfigError(
                    f"{place}: the schema has no table `{wanted}`.",
                    hint=f"It has: {', '.join(self.tables)}.",
                )
        if name in self.tables[table].c:
            raise ConfigError(f"{place}: a column has that name.", hint="Choose another name.")
        relations = self._meant(table, name, declared)
        if not relations:
            raise ConfigError(
                f"{place}: no foreign key ({', '.join(declared.foreign_key)}) stands between"
                f" {table} and {declared.target}.",
                hint="many() takes the columns of the other table; one() those of this one.",
            )
        if declared.kind == "many" and relations[0].kind == "one":
            raise ConfigError(f"{place}: there can be one at most.", hint="Declare it with one().")
        if declared.kind == "one" and relations[0].kind == "many":
            raise ConfigError(f"{place}: there can be many.", hint="Declare it with many().")
        return relations[0]

    def _meant(self, table: str, name: str, declared: Declared) -> list[Relation]:
        away = [
            self.away(name, table, key, target)
            for key, target in self.of(table)
            if target == declared.target and set(key.column_keys) == set(declared.foreign_key)
        ]
        back = [
            self.back(name, table, key, declared.target)
            for key, target in self.of(declared.target)
            if target == table and set(key.column_keys) == set(declared.foreign_key)
        ]
        return [*away, *back] if declared.kind == "one" else [*back, *away]


@dataclass(frozen=True)
class _Candidate:
    """A relation that a foreign key suggests, and how a schema would declare it."""

    relation: Relation
    columns: tuple[str, ...]
    needs_name: bool = False

    @property
    def declaration(self) -> str:
        columns = repr(self.columns[0]) if len(self.columns) == 1 else repr(self.columns)
        return f"{self.relation.kind}({self.relation.target!r}, foreign_key={columns})"


def _derived(keys: _Keys, names: Mapping[str, str]) -> dict[tuple[str, str], list[_Candidate]]:
    """List what foreign keys suggest, by table and name."""
    found: dict[tuple[str, str], list[_Candidate]] = {}
    for table in keys.tables:
        for key, target in keys.of(table):
            columns = tuple(key.column_keys)
            name = _one_name(key, names[target])
            away = _Candidate(keys.away(name, table, key, target), columns)
            found.setdefault((table, name), []).append(away)
            # A table that refers to itself would have its own name twice over: parents, children?
            back = _Candidate(keys.back(table, target, key, table), columns, table == target)
            found.setdefault((target, table), []).append(back)
    return found


def _one_name(key: ForeignKeyConstraint, other: str) -> str:
    last = key.column_keys[-1]
    name = last.removesuffix("_id")
    return name if name and name != last else other


def _pairs(key: ForeignKeyConstraint) -> tuple[tuple[str, str], ...]:
    return tuple((str(element.parent.key), str(element.column.key)) for element in key.elements)


def is_unique_among(table: Table, columns: Iterable[str], where: str = "") -> bool:
    """Say whether no two rows can have the same values in these columns, none of them NULL.

    Args:
        table: Whose rows.
        columns: By their names.
        where: No two of the rows for which this holds: an index over these alone counts too.
    """
    given = set(columns)
    return any(unique and unique <= given for unique in _uniques(table, where))


def _uniques(table: Table, where: str) -> Iterator[set[str]]:
    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
            yield {str(column.key) for column in constraint.columns}
    for index in table.indexes:
        if index.unique and _is_plain(index, where):
            yield {str(column.key) for column in index.columns}


def _is_plain(index: Index, where: str) -> bool:
    """Say whether it is an index of columns, none of them an expression, over all these rows."""
    which = index.dialect_options["postgresql"].get("where")
    is_whole = which is None or str(which) == where
    return is_whole and all(isinstance(part, Column) for part in index.expressions)


def _names(columns: str | Sequence[str]) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else tuple(columns)
