"""Every reference to a person, and the rule of each: from foreign keys, and from what is declared.

A row that a reference with the rule `delete` leads to is the person's: what refers to such a row is
followed in turn. A row that is only anonymised or kept is somebody else's and leads nowhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import asyncpg

from chatkeep.errors import PersonalDataError, RuleMissingError, SchemaMismatchError
from chatkeep.personal import registry
from chatkeep.personal.catalog import Key, Table, read_tables, resolve
from chatkeep.schema.personal import DELETE, Does, Personal, Rule, anonymise
from chatkeep.schema.schema import Schema

Holds: TypeAlias = Literal["id", "email", "text", "row"]

_BOOKKEEPING = frozenset(
    {("drizzle", "__drizzle_migrations"), ("chatkeep", "migrations"), ("chatkeep", "audit")}
)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Columns of a table that lead to a person.

    Attributes:
        holds: id: the person's id; email; text: one of them somewhere in it; row: the key of a
            row that is theirs, in `parent`.
        rule: None where nothing says it.
        source: Where rule or reference come from, in words.
        key: The foreign key, where there is one.
    """

    table: Table
    columns: tuple[str, ...]
    holds: Holds
    rule: Rule | None
    source: str
    parent: Table | None = None
    key: Key | None = None

    @property
    def shown(self) -> str:
        """`table.column`."""
        return f"{self.table.shown}.{', '.join(self.columns)}"

    @property
    def shown_source(self) -> str:
        """Reference and source, as in `chat.user_id: foreign key … on delete cascade`."""
        return f"{self.shown}: {self.source}"

    @property
    def does(self) -> Does | None:
        """What erasing does to the row."""
        return None if self.rule is None else self.rule.does

    @property
    def deletes(self) -> bool:
        """Whether the row is the person's."""
        return self.does == "delete"


@dataclass(slots=True)
class Registry:
    """All that leads to a person in one database.

    Attributes:
        tables: Every table of the database, by oid.
        users: The table of persons.
        references: Each reference; the first is the person's own row.
        unknown: Tables of the database that the schema does not have.
        absent: Foreign keys of the schema that the database does not have, in words.
        suspects: Columns of unknown tables whose names promise a person, and that nothing links.
    """

    tables: dict[int, Table]
    users: Table
    declared: registry.Declared
    references: list[Reference] = field(default_factory=list[Reference])
    unknown: list[Table] = field(default_factory=list[Table])
    absent: list[str] = field(default_factory=list[str])
    suspects: list[str] = field(default_factory=list[str])

    @property
    def owned(self) -> list[Table]:
        """Tables with rows that are a person's own, the users first."""
        found = {each.table.oid: each.table for each in self.references if each.deletes}
        return list(found.values())

    @property
    def unlisted(self) -> tuple[str, ...]:
        """Names of the unknown tables, without chatkeep's own bookkeeping."""
        return tuple(each.shown for each in self.unknown if not _is_own(each))

    def of(self, table: Table) -> Iterator[Reference]:
        """Give the references of a table."""
        return (each for each in self.references if each.table is table)


def _is_own(table: Table) -> bool:
    return (table.schema, table.name) in _BOOKKEEPING


async def read_registry(
    connection: asyncpg.Connection, schema: Schema[Any, Any, Any, Any]
) -> Registry:
    """Read the database's tables, and find each reference to a person with its rule.

    Raises:
        SchemaMismatchError: The database lacks a table of the schema.
        RuleMissingError: Nothing says what becomes of a reference.
        PersonalDataError: A rule cannot be followed, or the schema has no users.
        ConfigError: The schema declares something about a column that there is not.
    """
    found = await _begin(connection, schema)
    _add_declared(found)
    _add_keys(found)
    _add_suspects(found)
    missing = [each for each in found.references if each.rule is None]
    if missing:
        raise RuleMissingError(
            "Nothing says what is to become of "
            + "; ".join(f"{each.shown} ({each.source})" for each in missing)
            + " when a person is erased.",
            hint="Say it in `personal` of the schema's class: reference(…, rule=…) with DELETE, "
            "anonymise() or keep(reason); docs/reference/erase-rules.md.",
            columns=tuple(each.shown for each in missing),
        )
    for each in found.references:
        _check(each)
    return found


async def _begin(connection: asyncpg.Connection, schema: Schema[Any, Any, Any, Any]) -> Registry:
    ours = dict(schema.tables)
    if "users" not in ours:
        raise PersonalDataError("The schema has no table `users`, so nobody can be looked for.")
    tables = await read_tables(connection)
    oids = await resolve(connection, [(each.schema, each.name) for each in ours.values()])
    absent = [table.name for table, oid in zip(ours.values(), oids, strict=True) if oid is None]
    if absent:
        raise SchemaMismatchError(
            f"The database has no table {', '.join(absent)}.",
            hint="Migrate first: `chatkeep status` shows what is pending.",
        )
    known = {name: tables[oid] for name, oid in zip(ours, oids, strict=True) if oid is not None}
    by_name = {f"{each.schema}.{each.name}": each for each in tables.values()}
    declared = registry.Declared(registry.declared_of(schema), {**by_name, **known})
    users = known["users"]
    if len(users.primary) != 1:
        raise PersonalDataError(f"{users.shown} has no primary key of one column.")
    found = Registry(tables, users, declared)
    own = {table.oid for table in known.values()}
    found.unknown = [each for each in tables.values() if each.oid not in own]
    for name, table in known.items():
        _add_absent_keys(found, table, schema, name, known)
    found.references.append(Reference(users, users.primary, "id", DELETE, "the person"))
    return found


def _add_absent_keys(
    found: Registry,
    table: Table,
    schema: Schema[Any, Any, Any, Any],
    name: str,
    known: dict[str, Table],
) -> None:
    """Follow keys that the schema says and the database lacks, as if they were there."""
    by_table = {id(each): known[attribute] for attribute, each in schema.tables.items()}
    for key in schema.tables[name].foreign_key_constraints:
        parent = by_table.get(id(key.referred_table))
        columns = tuple(column.name for column in key.columns)
        others = tuple(element.column.name for element in key.elements)
        there = {(each.columns, each.parent) for each in table.keys}
        if parent is None or (columns, parent.oid) in there:
            continue
        action = (key.ondelete or "no action").lower()
        table.keys.append(Key(None, columns, parent.oid, others, action))
        found.absent.append(f"{table.shown}.{', '.join(columns)} to {parent.shown}")


def _add_declared(found: Registry) -> None:
    """Add declared references that no foreign key stands for."""
    for table in found.tables.values():
        for said in found.declared.rules(table):
            if said.holds == "id" and _key_of(table, said) is not None:
                continue
            source = "declared"
            found.references.append(Reference(table, said.columns, said.holds, said.rule, source))


def _add_keys(found: Registry) -> None:
    """Follow foreign keys from the person's rows, until nothing new is found."""
    seen: set[tuple[int, int]] = set()
    at = 0
    while at < len(found.owned):
        parent = found.owned[at]
        at += 1
        for table in found.tables.values():
            for number, key in enumerate(table.keys):
                if key.parent == parent.oid and not table.is_partition:
                    if (table.oid, number) not in seen:
                        found.references.append(_of_key(found, table, key, parent))
                    seen.add((table.oid, number))


def _of_key(found: Registry, table: Table, key: Key, parent: Table) -> Reference:
    name = f"foreign key {key.name}" if key.name else "foreign key of the schema"
    source = f"{name} on delete {key.on_delete}"
    said = next((each for each in found.declared.rules(table) if _key_of(table, each) is key), None)
    if said is not None:
        return Reference(table, key.columns, "row", said.rule, f"declared; {source}", parent, key)
    rule = _derived(table, key)
    if table is parent is found.users and rule == DELETE:
        rule = None  # other persons would go with this one
    return Reference(table, key.columns, "row", rule, source, parent, key)


def _key_of(table: Table, said: Personal) -> Key | None:
    """Give the foreign key that a declaration is about."""
    same = [key for key in table.keys if set(said.columns) == set(key.columns)]
    within = [key for key in table.keys if set(said.columns) <= set(key.columns)]
    return next(iter([*same, *within]), None)


def _derived(table: Table, key: Key) -> Rule | None:
    """Take a foreign key at its word; one without word may be emptied, where it can be."""
    if key.on_delete == "cascade":
        return DELETE
    if key.on_delete in ("set null", "set default") or emptied(table, key.columns):
        return anonymise()
    return None


def emptied(table: Table, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Give the columns of a reference that can become NULL."""
    return tuple(
        name
        for name in columns
        if not table.columns[name].is_required and name not in table.primary
    )


def _check(reference: Reference) -> None:
    rule, key = reference.rule, reference.key
    if rule is None or rule.does == "delete":
        return
    if rule.does == "keep":
        if key is not None and key.name is not None:
            raise PersonalDataError(
                f"{reference.shown} cannot be kept: {key.name} refers to a row that goes.",
                hint="Anonymise it, with anonymise(to=…) where it may not be empty, or drop the "
                "foreign key.",
            )
        return
    if rule.to is not None:
        if len(reference.columns) > 1:
            raise PersonalDataError(
                f"anonymise(to=…) is for one column, and {reference.shown} are several."
            )
        return
    if key is not None and key.on_delete == "set default":
        return
    free = emptied(reference.table, reference.columns)
    enough = bool(free) if reference.holds == "row" else len(free) == len(reference.columns)
    if not enough:
        raise PersonalDataError(
            f"{reference.shown} cannot be anonymised: it may not be empty.",
            hint="Give anonymise(to=…) a value that stands for everybody who left.",
        )


def _add_suspects(found: Registry) -> None:
    """Look for columns whose names promise a person and that nothing links to one.

    In a table of the schema they need a word; of a table that only the database knows they are told.
    """
    unknown = {table.oid for table in found.unknown}
    for table in found.tables.values():
        linked = {name for key in table.keys for name in key.columns}
        linked |= {name for each in found.declared.rules(table) for name in each.columns}
        if table is found.users or table.is_partition or table.kind not in "rp":
            continue
        for name, column in table.columns.items():
            is_email = registry.is_like_email(name) and column.category == "S"
            if name in linked or not (is_email or _is_owner(found, table, name)):
                continue
            if table.oid in unknown:
                found.suspects.append(f"{table.shown}.{name}")
            else:
                source = "no foreign key, and nothing declared"
                holds: Holds = "email" if is_email else "id"
                found.references.append(Reference(table, (name,), holds, None, source))


def _is_owner(found: Registry, table: Table, name: str) -> bool:
    (id_,) = found.users.primary
    kinds = (found.users.columns[id_].category, table.columns[name].category)
    return registry.is_like_owner(name) and kinds[0] == kinds[1]
