"""What the schema declares and the database lacks."""

# ruff: noqa: S608 - only names go into these statements, quoted by ident

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.schema import Constraint

from chatkeep.doctor.check import Check
from chatkeep.doctor.checks import declared
from chatkeep.doctor.checks.bringing import brings, command
from chatkeep.doctor.checks.upgrade import unfinished
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place
from chatkeep.kit.catalog.catalog import Catalog, TableShape
from chatkeep.kit.catalog.indexes import Index as IndexFact
from chatkeep.kit.catalog.programs import Function, Trigger
from chatkeep.kit.catalog.tables import Table as TableFact
from chatkeep.kit.plan.quoting import ident

F = TypeVar("F", Function, Trigger)

_ABSENT = "The schema has it, the database does not."
_BODY = re.compile(r"\$(\w*)\$(.*)\$\1\$", re.DOTALL)


async def _complete(place: Place) -> list[tuple[Table, TableShape]]:
    """Give the tables that have all their columns; none in the middle of an upgrade.

    What a half-upgraded database lacks comes with the upgrade.
    """
    if await unfinished(place):
        return []
    catalog = await place.catalog()
    found: list[tuple[Table, TableShape]] = []
    for name, table in (await place.declared_there()).items():
        shape = catalog.shape(*name)
        if shape is not None:
            found.append((table, shape))
    return found


async def _tables(place: Place) -> Sequence[Found]:
    lacking = set(place.declared) - set(await place.declared_there())
    if lacking == set(place.declared):
        message, (_, mend) = "It holds none of the schema's tables.", await command(place)
        return [Found(f"database {place.database}", message, mend, "shell")]
    if await unfinished(place):
        return []
    if not lacking:
        return []
    message, mend = await command(place)
    return [Found(f"table {ident(*name)}", message, mend, "shell") for name in sorted(lacking)]


async def _columns(place: Place) -> Sequence[Found]:
    found: list[Found] = []
    for table, shape in await _complete(place):
        there = {column.name for column in shape.columns}
        for column in table.columns:
            if column.name not in there:
                about = f"column {ident(column.name)} of table {declared.quoted(table)}"
                found.append(Found(about, *await command(place), "shell"))
    return found


def _indexes(
    tables: Sequence[tuple[Table, TableShape]], catalog: Catalog, *, unique: bool
) -> Iterator[Index]:
    for table, shape in tables:
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            whole = declared.has_columns(table, catalog, index)
            if bool(index.unique) == unique and whole and not declared.has_index(shape, index):
                yield index


def _missed(index: Index, catalog: Catalog) -> tuple[str, str]:
    """Give what is wrong, and the command."""
    fact = catalog.find(TableFact, *declared.path_of(declared.table_of(index)))
    partitioned = fact is not None and fact.partition_key is not None
    mend = f"{declared.create_index(index, concurrently=not partitioned)};"
    schema, name = declared.table_of(index).schema or "public", declared.cut(str(index.name))
    if catalog.find(IndexFact, schema, name) is None:
        return _ABSENT, mend
    word = "" if partitioned else "CONCURRENTLY "
    said = "The database has another one of this name."
    return said, f"DROP INDEX {word}{ident(schema, name)};\n{mend}"


async def _plain_indexes(place: Place) -> Sequence[Found]:
    catalog = await place.catalog()
    return [
        await _found(
            place,
            declared.cut(str(index.name)),
            f"index {ident(declared.cut(str(index.name)))} of table {_on(index)}",
            *_missed(index, catalog),
        )
        for index in _indexes(await _complete(place), catalog, unique=False)
    ]


async def _found(place: Place, name: str | None, about: str, message: str, mend: str) -> Found:
    """Give a finding with the command that brings it among others, else with its own."""
    bringing = await brings(place, name)
    if bringing is not None:
        return Found(about, message, bringing, "shell")
    return Found(about, message, mend)


def _on(index: Index) -> str:
    return declared.quoted(declared.table_of(index))


async def _unique(place: Place) -> Sequence[Found]:
    catalog, tables = await place.catalog(), await _complete(place)
    found: list[Found] = []
    for index in _indexes(tables, catalog, unique=True):
        keys = [declared.expression(key) for key in index.expressions]
        where = declared.predicate(index)
        name = declared.cut(str(index.name))
        about = f"unique index {ident(name)} of table {_on(index)}"
        missed = await _found(place, name, about, *_missed(index, catalog))
        found.append(await _doubles(place, missed, (_on(index), keys, where)))
    for table, shape in tables:
        for each in declared.constraints_of(table):
            unique = isinstance(each, UniqueConstraint | PrimaryKeyConstraint)
            whole = declared.can_stand(each, catalog)
            if unique and whole and not declared.has_constraint(shape, each):
                keys = [ident(name) for name in declared.names(list(each.columns))]
                name = ident(declared.cut(str(each.name))) if each.name else "primary key"
                about = f"constraint {name} of table {declared.quoted(table)}"
                what = (declared.quoted(table), keys, None)
                partitioned = shape.table.partition_key is not None
                mend = declared.add_key(each, partitioned=partitioned)
                missed = await _found(place, _name(each), about, _ABSENT, mend)
                found.append(await _doubles(place, missed, what))
    return found


def _name(constraint: Constraint) -> str | None:
    return declared.cut(str(constraint.name)) if constraint.name else None


async def _doubles(place: Place, missed: Found, what: tuple[str, list[str], str | None]) -> Found:
    """Count what is there more than once: it has to go before the rule can come."""
    table, keys, where = what
    columns = ", ".join(keys)
    # NULLs are never equal to one another for a unique index.
    conditions = [f"{key} IS NOT NULL" for key in keys] + ([f"({where})"] if where else [])
    listed = (
        f"SELECT {columns}, count(*) FROM {table} WHERE {' AND '.join(conditions)} "
        f"GROUP BY {columns} HAVING count(*) > 1"
    )
    count = (await place.fetch(f"SELECT count(*) FROM ({listed}) AS doubled"))[0][0]
    if not count:
        return missed
    times = f"{count} values are" if count > 1 else "one value is"
    return Found(
        missed.about,
        f"The schema has it, the database does not, and {times} there more than once; "
        "this lists them, and once they are merged the next run gives the command.",
        f"{listed};",
    )


async def _constraints(place: Place) -> Sequence[Found]:
    catalog, found = await place.catalog(), list[Found]()
    for table, shape in await _complete(place):
        for each in declared.constraints_of(table):
            if isinstance(each, UniqueConstraint | PrimaryKeyConstraint):
                continue
            if declared.has_constraint(shape, each) or not declared.can_stand(each, catalog):
                continue
            what = "foreign key" if isinstance(each, ForeignKeyConstraint) else "constraint"
            found.append(
                await _found(
                    place,
                    declared.cut(str(each.name)),
                    f"{what} {ident(declared.cut(str(each.name)))} of table {declared.quoted(table)}",
                    _ABSENT,
                    declared.add_constraint(each, unproved=shape.table.partition_key is None),
                )
            )
    return found


async def _programs(place: Place) -> Sequence[Found]:
    if await unfinished(place) or not await place.declared_there():
        return []
    catalog = await place.catalog()
    functions = _by_names(catalog.of(Function))
    triggers = _by_names(catalog.of(Trigger))
    found: list[Found] = []
    for extra in place.target.state.extras:
        kind: object = getattr(extra, "kind", None)
        name = str(getattr(extra, "name", ""))
        mend = f"{extra.create.strip().rstrip(';')};"
        if kind == "function":
            there = functions.get(name)
            about = f"function {name.removeprefix('public.')}"
            if there is None:
                found.append(
                    await _found(place, name.removeprefix("public."), about, _ABSENT, mend)
                )
            elif not any(_same_body(fact.definition, extra.create) for fact in there):
                mend = "\n".join((mend, *_indexes_by(place, there[0].name)))
                found.append(Found(about, "It is of another version.", mend))
        elif kind == "trigger" and name not in triggers:
            about = f"trigger {name.removeprefix('public.')}"
            found.append(await _found(place, name.rpartition(".")[2], about, _ABSENT, mend))
    return found


def _by_names(facts: Sequence[F]) -> dict[str, list[F]]:
    """Give facts by each name that a schema may call them: with schema, table, arguments, without."""
    found: dict[str, list[F]] = {}
    for fact in facts:
        whole = ".".join(part for part in fact.path if part)
        for name in {fact.name, whole, whole.removeprefix("public.")}:
            found.setdefault(name, []).append(fact)
    return found


def _indexes_by(place: Place, function: str) -> list[str]:
    """Give what builds the indexes again that hold what a function gave."""
    called = (f"{ident(function)}(", f"{function}(")
    return [
        f"REINDEX INDEX CONCURRENTLY {ident(schema, declared.cut(str(index.name)))};"
        for (schema, _), table in place.declared.items()
        for index in sorted(table.indexes, key=lambda each: str(each.name))
        if any(call in declared.expression(k) for k in index.expressions for call in called)
    ]


def _same_body(one: str, other: str) -> bool:
    first, second = _BODY.search(one), _BODY.search(other)
    if first is None or second is None:
        return True  # nothing to compare: `chatkeep check` does it by running both
    return first.group(2).split() == second.group(2).split()


CHECKS = (
    Check(
        "missing-table",
        Severity.ERROR,
        "`Database` does not open without it.",
        _tables,
    ),
    Check(
        "missing-column",
        Severity.ERROR,
        "`Database` does not open without it.",
        _columns,
    ),
    Check(
        "missing-index",
        Severity.WARNING,
        "A query that it serves reads the whole table, more with every row.",
        _plain_indexes,
    ),
    Check(
        "missing-unique",
        Severity.ERROR,
        "Nothing keeps two rows from being the same where code counts on one.",
        _unique,
    ),
    Check(
        "missing-constraint",
        Severity.ERROR,
        "Rows that break the rule are let in, and a reader meets them.",
        _constraints,
    ),
    Check(
        "missing-function",
        Severity.ERROR,
        "What it fills or indexes is wrong or empty for every row that is written meanwhile.",
        _programs,
    ),
)
