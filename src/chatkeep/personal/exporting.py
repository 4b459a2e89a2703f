"""Everything about a person in one zip: JSON Lines, one file a table, and a manifest.

    report = await export_person(url, schema, "ada@example.com", Path("ada.zip"))

The signature, which `chatkeep export --user` calls:

    async def export_person(
        url: str,
        schema: Schema,
        who: str,                              # id or e-mail
        out: Path | None = None,               # None: a name of its own in the current folder
        options: ExportOptions = ExportOptions(),   # force, actor
        *,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> ExportReport                          # .path, .rows, .as_json()

All of it is one snapshot of the database, read in parts: memory does not grow with the number of
rows. A row that is the person's stands there whole, but for secrets; of a row of somebody else's
that refers to the person, only its key and the referring columns; a row that only quotes them is
counted, for it may be anybody's words.
"""

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import asyncpg

from chatkeep.errors import PersonalDataError
from chatkeep.kit.connection import connect
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.personal import audit
from chatkeep.personal.archive import Archive, new_archive
from chatkeep.personal.catalog import Table
from chatkeep.personal.person import Person, find_person
from chatkeep.personal.quotes import count_quotes, without_quotes
from chatkeep.personal.reach import Reach
from chatkeep.personal.references import Registry, read_registry
from chatkeep.schema.schema import Schema

FORMAT = "chatkeep-personal-data/1"
MASKED = "(left out)"

_PART_BYTES = 1_000_000  # read at a time, as far as the rows before let one tell
_MOST_ROWS = 2000
_FIRST_ROWS = 20
# How values are spelled must not depend on who asks.
_SESSION = """
set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'iso_8601';
set bytea_output = 'hex'; set extra_float_digits = 1; set statement_timeout = 0;
set idle_in_transaction_session_timeout = 0
"""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How a person is exported.

    Attributes:
        force: Write over a file that is there.
        actor: Who asked for it, for the audit; the user of the operating system unless given.
    """

    force: bool = False
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export came.

    Attributes:
        table: The one that is being read.
        rows: Of it, so far.
        done: Tables before it.
        tables: How many there are in all.
    """

    table: str
    rows: int
    done: int
    tables: int


@dataclass(frozen=True, slots=True)
class Exported:
    """A file of the zip.

    Attributes:
        file: Its name in the zip.
        table: Whose rows it holds.
        rows: How many.
        why: The references that lead to them.
        masked: Columns whose values were left out.
        is_whole: False where only key and reference of somebody else's rows stand there.
    """

    file: str
    table: str
    rows: int
    why: tuple[str, ...]
    masked: tuple[str, ...]
    is_whole: bool

    def as_json(self) -> dict[str, object]:
        """Give it as it stands in the manifest."""
        return {
            "file": self.file,
            "table": self.table,
            "rows": self.rows,
            "why": list(self.why),
            "left_out_columns": list(self.masked),
            "whole_rows": self.is_whole,
        }


@dataclass(slots=True)
class ExportReport:
    """What an export wrote.

    Attributes:
        path: The zip.
        subject: SHA-256 of the person's id, as in the audit.
        files: One for each table with rows of theirs, empty ones too.
        quoted: How many rows were left out because they are tied to the person by a text that
            quotes them alone, by table.
        left_out: Tables in which nothing leads to a person, and why, by name.
        unknown: Tables that the schema does not have; those that refer to the person are exported.
        suspects: Columns of unknown tables whose names promise a person, and that nothing links.
    """

    path: Path
    subject: str
    files: list[Exported] = field(default_factory=list[Exported])
    quoted: dict[str, int] = field(default_factory=dict[str, int])
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    unknown: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows there are in all files."""
        return sum(file.rows for file in self.files)

    def as_json(self) -> dict[str, object]:
        """Give it as what JSON can hold."""
        return {
            "path": str(self.path),
            "subject": self.subject,
            "rows": self.rows,
            "files": [file.as_json() for file in self.files],
            "left_out_quotes": self.quoted,
            "left_out_tables": self.left_out,
            "tables_not_in_schema": list(self.unknown),
            "unlinked_columns": list(self.suspects),
        }


@dataclass(frozen=True, slots=True)
class _Read:
    """What is read of a table."""

    table: Table
    file: str
    sql: str
    why: tuple[str, ...]
    masked: tuple[str, ...]
    is_whole: bool

    def exported(self, rows: int) -> Exported:
        """Give what the manifest says of it."""
        return Exported(self.file, self.table.shown, rows, self.why, self.masked, self.is_whole)


async def preview_export(url: str, schema: Schema[Any, Any, Any, Any], who: str) -> ExportReport:
    """Count what `export_person` would write. Nothing is written, nothing noted; it raises the same."""
    async with (
        connect(url, name="chatkeep export") as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        registry = await read_registry(connection, schema)
        person = await find_person(connection, registry.users, who)
        report = _begin(registry, person, None)
        for read in _reads(registry):
            sql, arguments = person.bind(f"select count(*) from ({read.sql}) r")  # noqa: S608 - its own
            report.files.append(read.exported((await connection.fetch(sql, *arguments))[0][0]))
        report.quoted = await count_quotes(connection, registry, person)
    return report


async def export_person(
    url: str,
    schema: Schema[Any, Any, Any, Any],
    who: str,
    out: Path | None = None,
    options: ExportOptions | None = None,
    *,
    on_progress: Callable[[Progress], object] | None = None,
) -> ExportReport:
    """Write all rows about a person into a zip.

    The file appears when it is whole, under its name, readable for its owner alone. That it was
    made is noted in the audit.

    Args:
        url: The database, as a role that sees all rows: the owner of the tables.
        schema: Whose `users` the person is one of.
        who: The person's id or e-mail.
        out: The zip; `personal-data-<start of the hash of the id>.zip` here, unless given.
        options: See `ExportOptions`.
        on_progress: Called with a `Progress` for each table and now and then within.

    Raises:
        UserNotFoundError: No such user.
        RuleMissingError: Nothing says whose the rows of a reference are.
        PersonalDataError: The file is there already or cannot be written, or the role may not see
            all of the rows.
        SchemaMismatchError: The database lacks tables of the schema.
        ConnectionFailedError: The server cannot be reached, or the connection broke.
        StatementError: PostgreSQL refused a statement.
    """
    given = options or ExportOptions()
    async with connect(url, name="chatkeep export") as connection:
        await connection.execute(_SESSION)
        async with AsyncExitStack() as ends:
            snapshot = connection.transaction(isolation="repeatable_read", readonly=True)
            async with snapshot:
                registry = await read_registry(connection, schema)
                person = await find_person(connection, registry.users, who)
                reads = _reads(registry)
                report = _begin(registry, person, out)
                making = new_archive(report.path, force=given.force)
                archive = await ends.enter_async_context(making)
                for at, read in enumerate(reads):
                    lines = _Lines(connection, person, read, on_progress, (at, len(reads)))
                    await archive.add(read.file, lines.pieces())
                    report.files.append(lines.exported())
                report.quoted = await count_quotes(connection, registry, person)
                await _add_manifest(archive, report, person)
            await _note(connection, report, person, given)  # before there is a file
    return report


def _begin(registry: Registry, person: Person, out: Path | None) -> ExportReport:
    subject = audit.subject_hash(person.id)
    report = ExportReport(out or Path(f"personal-data-{subject[:12]}.zip"), subject)
    report.left_out = _left_out(registry)
    report.unknown = registry.unlisted
    report.suspects = tuple(registry.suspects)
    return report


async def _note(
    connection: asyncpg.Connection, report: ExportReport, person: Person, options: ExportOptions
) -> None:
    await audit.record(
        connection,
        actor=person.unnamed(audit.actor_name(options.actor)),
        action="export",
        subject_id=person.id,
        detail={"rows": {file.table: file.rows for file in report.files if file.rows}},
    )


def _reads(registry: Registry) -> list[_Read]:
    registry = without_quotes(registry)
    reach, reads, lacking = Reach(registry), list[_Read](), list[str]()
    concerned = {each.table.oid: each.table for each in registry.references}
    names: set[str] = set()
    for table in concerned.values():
        if table.is_closed:
            lacking.append(table.shown)
        own = [each for each in registry.of(table) if each.deletes]
        others = [each for each in registry.of(table) if not each.deletes]
        if own:
            columns, masked = _columns(table.columns, registry.declared.secrets(table))
            where, why = (
                reach.owned(table, "t"),
                tuple(dict.fromkeys(each.shown_source for each in own)),
            )
            name = _file(table.shown, names)
            reads.append(_Read(table, name, _select(table, columns, where), why, masked, True))
        if others:
            shown = dict.fromkeys([*table.primary, *(n for each in others for n in each.columns)])
            columns, masked = _columns(shown, registry.declared.secrets(table))
            where = " or ".join(f"({reach.others(each, 't')})" for each in others)
            why = tuple(each.shown_source for each in others)
            name = _file(f"{table.shown}.mentions", names)
            reads.append(_Read(table, name, _select(table, columns, where), why, masked, False))
    if lacking:
        raise PersonalDataError(
            f"This role may not read all rows of {', '.join(lacking)}.",
            hint="Connect as the owner of the tables.",
        )
    return reads


def _columns(names: Iterable[str], secrets: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Give what is selected; a secret shows whether it is there, and nothing more."""
    shown = list(names)
    masked = tuple(name for name in shown if name in secrets)
    selected = [
        f"case when t.{ident(name)} is not null then {literal(MASKED)} end as {ident(name)}"
        if name in masked
        else f"t.{ident(name)}"
        for name in shown
    ]
    return ", ".join(selected or ["t.tableoid"]), masked


def _select(table: Table, columns: str, where: str) -> str:
    # json, not jsonb: it takes a text with an escaped NUL as it is.
    return f"select row_to_json(r)::text from (select {columns} from {table.sql} t where {where}) r"  # noqa: S608 - names of the catalog


def _file(name: str, names: set[str]) -> str:
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    file, number = f"{safe}.jsonl", 2
    while file.lower() in names:
        file, number = f"{safe}-{number}.jsonl", number + 1
    names.add(file.lower())
    return file


def _left_out(registry: Registry) -> dict[str, str]:
    concerned = {each.table.oid for each in registry.references}
    found: dict[str, str] = {}
    for table in registry.tables.values():
        if table.oid in concerned or table.is_partition:
            continue
        if table.kind in "mf":
            kind = "materialized view" if table.kind == "m" else "foreign table"
            found[table.shown] = f"a {kind}: its rows are kept elsewhere"
        else:
            found[table.shown] = "no foreign key and no declaration leads from it to a person"
    return found


class _Lines:
    """The rows of one table as JSON Lines."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        person: Person,
        read: _Read,
        on_progress: Callable[[Progress], object] | None,
        place: tuple[int, int],
    ) -> None:
        self._connection = connection
        self._person = person
        self._read = read
        self._on_progress = on_progress
        self._place = place
        self._rows = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the lines, about a megabyte at a time."""
        sql, arguments = self._person.bind(self._read.sql)
        cursor = await self._connection.cursor(sql, *arguments)
        size = _FIRST_ROWS
        self._tell()
        while rows := await cursor.fetch(size):
            self._rows += len(rows)
            # Between its tokens the text of a `json` may hold line breaks; in its strings never.
            lines = [str(row[0]).replace("\n", " ").replace("\r", " ") for row in rows]
            piece = "\n".join([*lines, ""]).encode()
            yield piece
            size = max(1, min(_MOST_ROWS, _PART_BYTES * len(rows) // len(piece), size * 4))
            self._tell()

    def exported(self) -> Exported:
        """Give what the manifest says of it."""
        return self._read.exported(self._rows)

    def _tell(self) -> None:
        if self._on_progress is not None:
            done, tables = self._place
            self._on_progress(Progress(self._read.table.shown, self._rows, done, tables))


async def _add_manifest(archive: Archive, report: ExportReport, person: Person) -> None:
    document = {
        "format": FORMAT,
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "made_by": f"chatkeep {metadata.version('chatkeep')}",
        "person": {"id": person.id, "emails": list(person.emails)},
        **{key: value for key, value in report.as_json().items() if key != "path"},
    }
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    async def whole() -> AsyncIterator[bytes]:
        yield text.encode()

    await archive.add("manifest.json", whole())
