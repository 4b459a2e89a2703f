"""Rows of the catalog queries to facts, one function for each query."""

from collections.abc import Iterable

import asyncpg

from chatkeep.kit.catalog import addresses as at
from chatkeep.kit.catalog.addresses import Found
from chatkeep.kit.catalog.catalog import default_name
from chatkeep.kit.catalog.constraints import (
    Check,
    Constraint,
    Exclude,
    ForeignKey,
    PrimaryKey,
    Unique,
)
from chatkeep.kit.catalog.expressions import settled, settled_or_none
from chatkeep.kit.catalog.indexes import Index, IndexColumn, Statistics
from chatkeep.kit.catalog.programs import (
    Function,
    MaterializedView,
    Policy,
    Trigger,
    View,
)
from chatkeep.kit.catalog.tables import (
    Cluster,
    Column,
    Default,
    Generated,
    Identity,
    ReplicaIdentity,
    Sequence,
    SequenceOptions,
    SequenceOwner,
    Table,
)
from chatkeep.kit.catalog.types import Composite, Domain, Enum, Extension, Schema

Rows = Iterable[asyncpg.Record]

_ACTIONS = {
    "a": "no action",
    "r": "restrict",
    "c": "cascade",
    "n": "set null",
    "d": "set default",
}
_DESCENDING, _NULLS_FIRST = 1, 2  # bits of pg_index.indoption


def schemas(found: Found, rows: Rows) -> None:
    """Take in schemas."""
    for oid, name in rows:
        found.add(Schema(name), at.NAMESPACE, oid)


def extensions(found: Found, rows: Rows) -> None:
    """Take in extensions."""
    for oid, name, schema, version in rows:
        found.add(Extension(name, schema, version), at.EXTENSION, oid)


def enums(found: Found, rows: Rows) -> None:
    """Take in enum types."""
    for oid, schema, name, labels in rows:
        found.add(Enum(schema, name, tuple(labels)), at.TYPE, oid)


def domains(found: Found, rows: Rows) -> None:
    """Take in domains."""
    for oid, schema, name, base, not_null, default, collation, checks in rows:
        pairs = tuple((str(c), settled(text)) for c, text in checks)
        domain = Domain(schema, name, base, not_null, default, collation, pairs)
        found.add(domain, at.TYPE, oid)


def composites(found: Found, rows: Rows) -> None:
    """Take in composite types."""
    for oid, _, schema, name, attributes in rows:
        pairs = tuple((str(a), str(type_)) for a, type_ in attributes)
        found.add(Composite(schema, name, pairs), at.TYPE, oid)


def _options(row: asyncpg.Record, type_column: str) -> SequenceOptions:
    numbers = [row[f"seq{part}"] for part in ("start", "increment", "min", "max", "cache")]
    start, increment, minimum, maximum, cache = (int(str(number)) for number in numbers)
    return SequenceOptions(
        str(row[type_column]), start, increment, minimum, maximum, cache, bool(row["seqcycle"])
    )


def sequences(found: Found, rows: Rows) -> None:
    """Take in sequences that no identity column owns, and who owns them."""
    for row in rows:
        schema, name = row["nspname"], row["relname"]
        sequence = Sequence(schema, name, _options(row, "type"), row["unlogged"])
        found.add(sequence, at.RELATION, row["oid"])
        if row["table_name"] is not None:
            owner = SequenceOwner(
                schema, name, row["table_schema"], row["table_name"], row["column_name"]
            )
            found.note(owner)


def tables(found: Found, rows: Rows) -> None:
    """Take in tables, and what they do with their indexes."""
    for (
        oid,
        schema,
        name,
        unlogged,
        options,
        secure,
        forced,
        replica,
        key,
        logged,
        sorted_by,
    ) in rows:
        table = Table(schema, name, unlogged, tuple(options), secure, forced, replica, key)
        found.add(table, at.RELATION, oid)
        if replica != "default":
            found.note(ReplicaIdentity(schema, name, "replica identity", replica, logged or ""))
        if sorted_by is not None:
            found.note(Cluster(schema, name, "clustered index", sorted_by))


def columns(found: Found, rows: Rows) -> None:
    """Take in columns and their defaults."""
    for row in rows:
        path = (row["nspname"], row["relname"], row["attname"])
        expression, generated = settled(row["expression"] or ""), row["generated"]
        identity = None
        if row["identity"] and row["sequence"]:  # a partition counts with its parent's sequence
            identity = Identity(
                row["identity"] == "a", row["sequence"], _options(row, "sequence_type")
            )
        column = Column(
            *path,
            type=row["type"],
            not_null=row["attnotnull"],
            identity=identity,
            generated=Generated(expression, generated == "s") if generated else None,
            collation=row["collation"],
            storage=row["storage"],
            compression=row["compression"],
            statistics=row["statistics"],
            options=tuple(sorted(row["options"])),
            not_null_form=row["not_null_form"],
            not_null_name=_own_name(row),
            position=row["attnum"],
            user_type=tuple(row["user_type"]) if row["user_type"] else None,
        )
        found.add(column, at.RELATION, row["oid"], row["attnum"])
        if not expression:
            continue
        if generated:
            found.keys[at.DEFAULT, row["default_oid"], 0] = column.key
        else:
            found.add(Default(*path, expression), at.DEFAULT, row["default_oid"])


def _own_name(row: asyncpg.Record) -> str | None:
    """Give the name of a NOT NULL unless PostgreSQL made it up, also before a rename."""
    name = row["not_null_name"]
    usual = default_name(row["relname"], row["attname"], "not_null")
    return None if name is None or name.startswith(usual) or name.endswith("_not_null") else name


def constraints(found: Found, rows: Rows) -> None:
    """Take in constraints of tables."""
    for row in rows:
        found.add(_constraint(row), at.CONSTRAINT, row["oid"])


def _constraint(row: asyncpg.Record) -> Constraint:
    path = (row["nspname"], row["relname"], row["conname"])
    text = settled(row["definition"])
    if row["type"] == "c":
        extras = [word for word in (" NO INHERIT", " NOT VALID", " NOT ENFORCED") if word in text]
        return Check(*path, text, "".join(extras), settled(row["expression"]))
    whole = tuple(row["whole"]) if row["whole"] else None
    if row["type"] == "x":
        return Exclude(
            *path,
            text,
            text,
            options=tuple(row["options"]),
            whole=whole,
            partitioned=row["partitioned"],
        )
    if row["type"] == "f":
        odd = ("DEFERRABLE", "NOT VALID", "NOT ENFORCED", "PERIOD ")
        plain = row["match"] == "s" and not row["some_columns"]
        plain = plain and not any(word in _unquoted(text) for word in odd)
        return ForeignKey(
            *path,
            text,
            "" if plain else text,
            tuple(row["columns"]),
            row["target_schema"],
            row["target_table"],
            tuple(row["target_columns"]),
            _ACTIONS[row["on_delete"]],
            _ACTIONS[row["on_update"]],
        )
    kind = PrimaryKey if row["type"] == "p" else Unique
    plain = not row["condeferrable"]
    plain = plain and "WITHOUT OVERLAPS" not in _unquoted(text)
    return kind(
        *path,
        text,
        "" if plain else text,
        tuple(row["columns"]),
        tuple(row["include"]),
        row["nulls_not_distinct"],
        options=tuple(row["options"]),
        whole=whole,
        partitioned=row["partitioned"],
    )


def _unquoted(text: str) -> str:
    """Blank out quoted names, so that a column called "NOT VALID" means nothing."""
    return "".join(text.split('"')[::2])


def indexes(found: Found, rows: Rows) -> None:
    """Take in indexes that no constraint owns."""
    for row in rows:
        keys = zip(
            row["columns"],
            row["expressions"],
            row["classes"],
            row["collations"],
            row["flags"],
            strict=False,  # columns go on with those of INCLUDE
        )
        index = Index(
            row["nspname"],
            row["relname"],
            row["relation"],
            row["on_view"],
            row["definition"],
            row["amname"],
            row["indisunique"],
            row["indnullsnotdistinct"],
            tuple(
                IndexColumn(
                    column or None,
                    settled(expression),
                    class_ or None,
                    collation or None,
                    bool(flags & _DESCENDING),
                    bool(flags & _NULLS_FIRST),
                )
                for column, expression, class_, collation, flags in keys
            ),
            tuple(row["columns"][len(row["expressions"]) :]),
            tuple(row["options"]),
            settled_or_none(row["predicate"]),
            tuple((int(number), int(target)) for number, target in row["statistics"]),
            tuple(row["whole"]) if row["whole"] else None,
            row["partitioned"],
        )
        found.add(index, at.RELATION, row["oid"])


def statistics(found: Found, rows: Rows) -> None:
    """Take in extended statistics."""
    for oid, schema, name, table_schema, table, definition, target, kinds, items in rows:
        what = (tuple(kinds), tuple(items))
        made = Statistics(schema, name, table_schema, table, definition, target, *what)
        found.add(made, at.STATISTICS, oid)


def functions(found: Found, rows: Rows) -> None:
    """Take in functions and procedures."""
    for oid, *fields in rows:
        found.add(Function(*fields), at.FUNCTION, oid)


def views(found: Found, rows: Rows) -> None:
    """Take in views, materialized or not."""
    for oid, schema, name, materialized, definition, options, columns_ in rows:
        kind = MaterializedView if materialized else View
        pairs = tuple((str(column), str(type_)) for column, type_ in columns_)
        view = kind(schema, name, settled(definition), pairs, tuple(options))
        found.add(view, at.RELATION, oid)


def triggers(found: Found, rows: Rows) -> None:
    """Take in triggers that somebody wrote."""
    for oid, schema, table, name, definition, on_view, enabled in rows:
        trigger = Trigger(schema, table, name, settled(definition), enabled, on_view)
        found.add(trigger, at.TRIGGER, oid)


def policies(found: Found, rows: Rows) -> None:
    """Take in policies of row-level security."""
    for oid, schema, table, name, permissive, command, roles, using, check in rows:
        texts = (settled_or_none(using), settled_or_none(check))
        policy = Policy(schema, table, name, command, permissive, tuple(roles), *texts)
        found.add(policy, at.POLICY, oid)
