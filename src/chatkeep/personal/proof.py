"""The proof: each text in each table is read, and neither id nor e-mail stands in any.

Every table, partition and materialized view of the database is scanned, those of other programs and
our own bookkeeping too; of each row all columns but numbers, times and the like; and comments. Letter
case does not count, and the escapes of JSON, URLs and HTML hide nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import asyncpg

from chatkeep.errors import PersonalDataError
from chatkeep.kit.connection import BROKEN
from chatkeep.kit.refusal import describe
from chatkeep.personal.catalog import Column, Table
from chatkeep.personal.person import Person, What, certainly_names, names, pieces_of, text_of
from chatkeep.personal.reach import Reach
from chatkeep.personal.references import Registry
from chatkeep.personal.statistics import holding

MOST_KEYS = 10  # of each finding; the number of its rows is told in full

_WORDLESS = set("NBDTGV")  # PostgreSQL's categories: numbers, booleans, times, spans, shapes, bits
# Letters of a large value that are read at a time, and again with the next.
_PIECE, _OVERLAP = 16_000_000, 100_000
_VECTORS = {"vector", "halfvec", "sparsevec"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A column in which id or e-mail still stands.

    Attributes:
        what: `id` or `e-mail`.
        rows: In how many rows.
        keys: Of the first of them: their primary key, or their place where the key itself has it.
        perhaps: In how many of the rows it stands within something longer only, such as another
            address, or is so short an id that it may be anybody's word.
    """

    table: str
    column: str
    what: str
    rows: int
    keys: tuple[str, ...]
    perhaps: int = 0

    def as_json(self) -> dict[str, object]:
        """Give it as what JSON can hold."""
        return {
            "table": self.table,
            "column": self.column,
            "what": self.what,
            "rows": self.rows,
            "keys": list(self.keys),
            "perhaps": self.perhaps,
        }


@dataclass(slots=True)
class Proof:
    """What a scan read and found.

    Attributes:
        tables: How many tables were read.
        rows: How many rows they have.
        columns: How many columns were looked into.
        findings: Nothing, where nothing is left.
        exempt: Columns that were left out because a rule keeps them.
        unread: Foreign tables, whose rows are in another database, and tables of extensions that
            this role may not read.
        failed: Tables and columns that could not be read to the end, and why: what stands there is
            not known.
        statistics: Columns of which the planner's statistics still hold id or e-mail. Nobody selects
            them by chance, so they are told and do not count as found.
    """

    tables: int = 0
    rows: int = 0
    columns: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    exempt: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict[str, str])
    statistics: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether all was read and nothing found."""
        return not self.findings and not self.failed

    def as_json(self) -> dict[str, object]:
        """Give it as what JSON can hold."""
        return {
            "tables": self.tables,
            "rows": self.rows,
            "columns": self.columns,
            "found": [finding.as_json() for finding in self.findings],
            "exempt": list(self.exempt),
            "unread": list(self.unread),
            "failed": self.failed,
            "statistics": list(self.statistics),
        }


@dataclass(frozen=True, slots=True)
class Scanned:
    """A table and what is read of it."""

    table: Table
    primary: tuple[str, ...]
    columns: tuple[Column, ...]
    where: str


async def scan(
    connection: asyncpg.Connection,
    registry: Registry,
    person: Person,
    *,
    before: Reach | None = None,
    on_table: Callable[[str], object] | None = None,
) -> Proof:
    """Read every table.

    What PostgreSQL refuses to read, or another transaction keeps locked for longer than the
    connection's `lock_timeout`, is passed over and told.

    Args:
        connection: In a transaction, so that all is of one moment.
        registry: Of the same database.
        person: Whom to look for.
        before: Given where the person is not erased yet: what erasing takes away is passed over.
        on_table: Called with the name of each table before it is read.
    """
    proof = Proof(
        exempt=tuple(each.shown for each in registry.references if each.does == "keep"),
        unread=tuple(each.shown for each in registry.tables.values() if _is_unread(each)),
    )
    for scanned in readable(registry, before):
        if on_table is not None:
            on_table(scanned.table.shown)
        await _scan_table(connection, person, scanned, proof)
    await _scan_comments(connection, person, proof)
    if before is None:
        proof.statistics = await holding(connection, registry, person)
    return proof


def readable(registry: Registry, before: Reach | None = None) -> list[Scanned]:
    """Give the tables to read, each with the columns in which words can stand."""
    found: list[Scanned] = []
    for table in registry.tables.values():
        if table.kind not in "rm" or _is_unread(table):
            continue
        root = registry.tables[table.root]  # references and keys are the whole table's
        passed: set[str] = set()
        for each in registry.of(root):
            if each.does == "keep" or (before is not None and each.does == "anonymise"):
                passed.update(each.columns)
        columns = tuple(
            column
            for name, column in table.columns.items()
            if name not in passed and _has_words(column)
        )
        own = "false" if before is None else before.owned(root, "t")
        where = "" if own == "false" else f" where ({own}) is not true"
        found.append(Scanned(table, root.primary, columns, where))
    return found


def check_readable(registry: Registry) -> None:
    """Refuse to go on where a row could hide from this role.

    Raises:
        PersonalDataError: The role may not read a table, or not all of its rows.
    """
    tables = [each for each in registry.tables.values() if not _is_unread(each)]
    closed = [each.shown for each in tables if each.is_closed]
    if closed:
        raise PersonalDataError(
            f"This role may not read all rows of {_list(closed)}, so nobody can tell what is left.",
            hint="Connect as the owner of the tables, or as a role with BYPASSRLS that may read "
            "all of them.",
        )


def _is_unread(table: Table) -> bool:
    return table.kind == "f" or (table.is_of_extension and table.is_closed)


def _list(names: list[str]) -> str:
    more = len(names) - 8
    return ", ".join(names[:8]) + (f" and {more} more" if more > 0 else "")


def _has_words(column: Column) -> bool:
    return column.category not in _WORDLESS and column.base not in _VECTORS


async def _scan_table(
    connection: asyncpg.Connection, person: Person, scanned: Scanned, proof: Proof
) -> None:
    table = scanned.table
    try:
        (row,) = await _tried(connection, person, _count(scanned))
    except _LockedError as exc:
        proof.failed[table.shown] = str(exc)
        return
    except _PassedError:
        try:  # without the texts, which may be too large together
            (row,) = await _tried(connection, person, _count(replace(scanned, columns=())))
        except _PassedError as exc:
            proof.failed[table.shown] = str(exc)
            return
        row = (row[0], 1)
    proof.tables += 1
    proof.rows += row[0]
    proof.columns += len(scanned.columns)
    if row[1]:
        for column in scanned.columns:
            try:
                proof.findings += await _findings(connection, person, scanned, column)
            except _PassedError as exc:
                proof.failed[f"{table.shown}.{column.name}"] = str(exc)


_WHAT: tuple[What, ...] = ("id", "e-mail")


class _PassedError(Exception):
    """Why PostgreSQL refused a statement of the scan; it goes on with the next one."""


class _LockedError(_PassedError):
    """The table is locked: to ask again would be to wait again."""


async def _tried(connection: asyncpg.Connection, person: Person, sql: str) -> list[asyncpg.Record]:
    """Run a statement in a savepoint, so that the snapshot outlives it."""
    bound, arguments = person.bind(sql)
    try:
        async with connection.transaction():
            return await connection.fetch(bound, *arguments)
    except (*BROKEN, asyncpg.OperatorInterventionError):
        raise
    except asyncpg.LockNotAvailableError as exc:
        raise _LockedError("Another transaction keeps it locked.") from exc
    except asyncpg.PostgresError as exc:
        raise _PassedError(describe(exc)) from exc


async def _findings(
    connection: asyncpg.Connection, person: Person, scanned: Scanned, column: Column
) -> list[Finding]:
    found: list[Finding] = []
    for what in _WHAT:
        try:
            rows = await _tried(connection, person, _find(scanned, column, what))
        except _LockedError:
            raise
        except _PassedError:
            rows = await _tried(connection, person, _find(scanned, column, what, is_large=True))
        if rows:
            keys = tuple(str(row[2]) for row in rows)
            shown = scanned.table.shown
            found.append(Finding(shown, column.name, what, rows[0][0], keys, rows[0][1]))
    return found


def _find(scanned: Scanned, column: Column, what: What, *, is_large: bool = False) -> str:
    table = scanned.table
    where = _in_pieces(column, what) if is_large else names(hit(column), what)
    perhaps = "false" if is_large else f"not {certainly_names(hit(column), what)}"
    rest = f"{scanned.where} and {where}" if scanned.where else f" where {where}"
    primary = [text_of(table.columns[name], "t") for name in scanned.primary]
    key = f"concat_ws(', ', {', '.join(primary)})" if primary else "null"
    place = "'row at ' || t.ctid::text"
    shown = f"case when {key} is null or {names(key)} then {place} else {key} end"
    return (
        f"select count(*) over (), count(*) filter (where {perhaps}) over (), {shown}"  # noqa: S608 - names of the catalog
        f" from only {table.sql} t{rest} limit {MOST_KEYS}"
    )


def hit(column: Column) -> str:
    """Give what a pattern is tried on, for a column of `t`."""
    return f"lower({text_of(column, 't')})"


def _in_pieces(column: Column, what: What) -> str:
    """Give the condition for values too large for one regular expression.

    One takes at most a quarter of a gigabyte of letters. The pieces overlap by more than any
    spelling of a needle is long.
    """
    value, piece = pieces_of(column, "t", f"s.n, {_PIECE + _OVERLAP}")
    return (
        f"exists (select from (select {value} v offset 0) w,"
        f" generate_series(1, length(w.v), {_PIECE}) s(n) where {names(f'lower({piece})', what)})"
    )


# A comment is in every dump of the database.
_COMMENTS = """
select count(*) over (), count(*) filter (where not {certain}) over (),
    case when {named} then 'object ' || objoid else 'comment on ' || o end
from (select objoid, description, pg_catalog.pg_describe_object(classoid, objoid, objsubid) o
      from pg_catalog.pg_description
      union all
      select objoid, description, pg_catalog.pg_describe_object(classoid, objoid, 0)
      from pg_catalog.pg_shdescription
      where classoid = 'pg_catalog.pg_database'::regclass
        and objoid = (select oid from pg_catalog.pg_database where datname = current_database())
) d where {found} limit {most}
"""


async def _scan_comments(connection: asyncpg.Connection, person: Person, proof: Proof) -> None:
    text = 'lower(description collate "default")'
    for what in _WHAT:
        sql = _COMMENTS.format(
            certain=certainly_names(text, what),
            named=f"coalesce({names('o')}, true)",
            found=names(text, what),
            most=MOST_KEYS,
        )
        rows = await _tried(connection, person, sql)
        if rows:
            keys = tuple(str(row[2]) for row in rows)
            where = ("pg_description", "description")
            proof.findings.append(Finding(*where, what, rows[0][0], keys, rows[0][1]))


def _count(scanned: Scanned) -> str:
    only = f"from only {scanned.table.sql} t{scanned.where}"
    if not scanned.columns:
        return f"select count(*), 0::bigint {only}"
    texts = ", ".join(_texts(scanned.columns))
    return (
        f"select count(*), count(*) filter (where {names('x')}) from"  # noqa: S608 - names of the catalog
        f" (select lower(concat_ws(E'\\n', {texts})) x {only} offset 0) s"
    )


def _texts(columns: Iterable[Column]) -> Iterable[str]:
    return (text_of(column, "t") for column in columns)
