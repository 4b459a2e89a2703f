"""What goes with a row that a sweep removes: whatever the database's own foreign keys cascade to.

The schema's class does not know an application's tables, and a deletion takes their rows all the
same. So a sweep asks the database which keys it has, and a report names every table.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import Select, Table, TableClause, column, func, select, union
from sqlalchemy import table as table_clause

from chatkeep.errors import PersonalDataError
from chatkeep.kit.plan.quoting import ident
from chatkeep.personal.catalog import Table as Found
from chatkeep.personal.catalog import read_tables, resolve
from chatkeep.schema.parts import Tables

_CASCADE = "cascade"


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key that cascades.

    Attributes:
        child: The table whose rows go, by the name that reports use.
        columns: Of the child.
        parent: The table with which they go.
        parent_columns: Of the parent.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


Path = tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Belonging:
    """A table whose rows go with those of another.

    Attributes:
        name: In reports.
        paths: By which keys they are reached; a row may be by several of them.
    """

    name: str
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Belongings:
    """The tables of a database and the keys among them that cascade.

    Attributes:
        relations: Schema and name of each table, by its name in reports: the attribute of the
            schema's class, or for an application's table what PostgreSQL calls it.
        links: In the order of reports.
        closed: Tables whose rows this role cannot all see.
    """

    relations: Mapping[str, tuple[str | None, str]]
    links: Sequence[Link]
    closed: frozenset[str] = frozenset()

    def of(self, root: str) -> list[Belonging]:
        """Give the tables whose rows go with a row of this one, nearest first.

        Raises:
            PersonalDataError: The role cannot see the rows of one of them.
        """
        found: dict[str, list[Path]] = {}
        for path in self._paths(root):
            found.setdefault(path[-1].child, []).append(path)
        for name in found:
            if name in self.closed:
                raise PersonalDataError(
                    f"Rows of {name} go with those of {self._shown(root)}, and this role may not "
                    "see all of them.",
                    hint="Connect as the owner of the tables, or let it read that one.",
                )
        return [Belonging(name, tuple(paths)) for name, paths in found.items()]

    def count(self, belonging: Belonging, root: Table) -> Any:  # noqa: ANN401 - a scalar subquery
        """Count the rows that go with the outer row, each once."""
        first, *others = [self._reached(path, root) for path in belonging.paths]
        if not others:
            counted = first.with_only_columns(func.count(), maintain_column_froms=True)
            return counted.correlate(root).scalar_subquery()
        each = union(*(clause.correlate(root) for clause in (first, *others))).subquery("each")
        return select(func.count()).select_from(each).scalar_subquery()

    def sizes_of(self) -> tuple[list[str], list[str]]:
        """Give the names in reports, and what each table is called in statements."""
        quoted = [
            ident(schema, name) if schema else ident(name)
            for schema, name in self.relations.values()
        ]
        return list(self.relations), quoted

    def _paths(self, root: str) -> Iterator[Path]:
        """Give the ways that lead away from a table and come to none twice, short ones first."""
        growing: list[Path] = [()]
        for path in growing:
            at = path[-1].child if path else root
            seen = {root, *(link.child for link in path)}
            for link in self.links:
                if link.parent == at and link.child not in seen:
                    growing.append((*path, link))
                    yield growing[-1]

    def _reached(self, path: Path, root: Table) -> Select[Any]:
        """Select the places of the rows at the end of a path that begins with the outer row."""
        parent: Table | TableClause = root
        clause: Select[Any] = select()
        for link in path:
            schema, name = self.relations[link.child]
            used = {"tableoid", "ctid", *link.columns}
            used.update(*(later.parent_columns for later in path if later.parent == link.child))
            child = table_clause(name, *map(column, sorted(used)), schema=schema)
            clause = clause.select_from(child).where(
                *(
                    child.c[own] == parent.c[other]
                    for own, other in zip(link.columns, link.parent_columns, strict=True)
                )
            )
            parent = child
        return clause.add_columns(parent.c["tableoid"], parent.c["ctid"])

    def _shown(self, name: str) -> str:
        return self.relations[name][1]


def declared(tables: Tables) -> Belongings:
    """Take the keys that a schema declares."""
    names = {table.name: attribute for attribute, table in tables.items()}
    links = [
        Link(
            attribute,
            tuple(element.parent.name for element in key.elements),
            names[key.referred_table.name],
            tuple(element.column.name for element in key.elements),
        )
        for attribute, table in tables.items()
        for key in sorted(table.foreign_key_constraints, key=lambda key: tuple(key.column_keys))
        if (key.ondelete or "").lower() == _CASCADE
    ]
    return Belongings({name: (t.schema, t.name) for name, t in tables.items()}, links)


async def read_belongings(connection: asyncpg.Connection, tables: Tables) -> Belongings:
    """Take the keys that the database has, those of tables that the schema does not know too."""
    found = await read_tables(connection)
    own = [(table.schema, table.name) for table in tables.values()]
    oids = dict(zip(await resolve(connection, own), tables, strict=True))
    ours = {oid: name for oid, name in oids.items() if oid is not None and oid in found}
    names = dict(ours)  # the schema's own tables come first, in its order
    for oid, table in found.items():
        if oid not in names:
            names[oid] = _name(table, tables)
    links = [
        Link(name, key.columns, names[key.parent], key.parent_columns)
        for oid, name in names.items()
        for key in found[oid].keys
        if key.on_delete == _CASCADE and key.parent in names
    ]
    relations: dict[str, tuple[str | None, str]] = {
        name: (t.schema, t.name) for name, t in tables.items()
    }
    others = {oid: name for oid, name in names.items() if oid not in ours}
    relations |= {name: (found[oid].schema, found[oid].name) for oid, name in others.items()}
    closed = frozenset(name for oid, name in others.items() if found[oid].is_closed)
    return Belongings(relations, links, closed)


def _name(table: Found, tables: Tables) -> str:
    return f"{table.schema}.{table.name}" if table.shown in tables else table.shown
