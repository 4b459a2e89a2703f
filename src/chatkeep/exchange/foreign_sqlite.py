"""The database of another product in a SQLite file."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import Select, TableClause, bindparam
from sqlalchemy.dialects import sqlite as dialects
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.elements import ClauseElement

from chatkeep.errors import ConnectionFailedError, ExchangeError, StatementError

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT = dialects.dialect()
_WAIT = 15.0  # seconds for another program's lock on the file
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_RIGHTS = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})
_SHAPE = """
SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c
WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite~_%' ESCAPE '~'
"""

_Result = TypeVar("_Result")


@asynccontextmanager
async def open_sqlite(
    path: str, *, product: str, read_only: bool, wait: float = _WAIT
) -> AsyncGenerator["SqliteDatabase"]:
    """Open a file that is there for the length of the block.

    Reading takes the file's lock for one statement at a time, so that a program which uses the
    file goes on writing. Rows that it adds meanwhile may be seen or not. To write, the block is one
    transaction.

    Args:
        path: Of the file.
        product: Whose database it is, for messages.
        read_only: Whether every attempt to write is refused.
        wait: Seconds for another program's lock on the file.

    Raises:
        ExchangeError: There is no such file.
        ConnectionFailedError: It cannot be opened, or another program holds it.
    """
    _check_there(path, product, read_only=read_only)
    foreign = SqliteDatabase(Path(path).name, wait)
    await foreign.open(Path(path), "ro" if read_only else "rw")
    try:
        if not read_only:
            await foreign.run("BEGIN IMMEDIATE")
        yield foreign
        if not read_only:
            await foreign.run("COMMIT")
    finally:
        await foreign.close()  # which takes back what was not committed


class SqliteDatabase:
    """An open database. See `Foreign`.

    Its work is done in one thread of its own, and no cursor leaves that: SQLite's objects that are
    let go in one thread while another one uses the connection break it.
    """

    _connection: sqlite3.Connection

    def __init__(self, name: str, wait: float) -> None:
        self.where = f"the file {name}"
        self._wait = wait
        self._inserts: dict[tuple[str, tuple[str, ...]], tuple[str, Sequence[str]]] = {}
        self._thread = ThreadPoolExecutor(1, "chatkeep-sqlite")

    async def open(self, path: Path, mode: str) -> None:
        """Open the file, and read its first page: a file of something else is refused."""

        def work() -> sqlite3.Connection:
            uri = f"{path.absolute().as_uri()}?mode={mode}"
            connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, check_same_thread=False, timeout=self._wait
            )
            # What is no UTF-8 is told with its place, by whoever reads the value.
            connection.text_factory = _text
            connection.execute("PRAGMA schema_version")
            return connection

        try:
            self._connection = await self._told(work)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise

    async def close(self) -> None:
        """Let the file go."""
        try:
            await self._told(self._connection.close)
        finally:
            self._thread.shutdown(wait=False)

    async def shape(self) -> dict[str, frozenset[str]]:
        """Give the tables and their columns."""
        found: dict[str, set[str]] = {}
        rows = await self._told(lambda: self._connection.execute(_SHAPE).fetchall())
        for name, column in rows:
            found.setdefault(name, set()).add(column)
        return {name: frozenset(columns) for name, columns in found.items()}

    async def read(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
        """Give all rows of a statement as the driver gives them: JSON is text."""
        text, names, known = _compiled(statement)
        values = [known[name] for name in names]
        return await self._told(lambda: self._connection.execute(text, values).fetchall())

    async def add(self, into: TableClause, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert rows that all have the same columns; one whose key is there already is left.

        Gives how many were inserted.
        """
        if not rows:
            return 0
        text, names = self._insert(into, tuple(rows[0]))
        given = [[row[name] for name in names] for row in rows]

        def work() -> int:
            return self._connection.executemany(text, given).rowcount

        return await self._told(work)

    def _insert(self, into: TableClause, columns: tuple[str, ...]) -> tuple[str, Sequence[str]]:
        """Give the statement; it is the same one for thousands of chats."""
        made = self._inserts.get((into.name, columns))
        if made is None:
            values = {name: bindparam(name) for name in columns}
            text, names, _ = _compiled(insert(into).values(values).on_conflict_do_nothing())
            made = self._inserts[into.name, columns] = (text, names)
        return made

    async def run(self, statement: str) -> None:
        """Run a statement that gives no rows."""

        def work() -> None:
            self._connection.execute(statement)

        await self._told(work)

    async def _told(self, work: Callable[[], _Result]) -> _Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.OperationalError as exc:
            raise ConnectionFailedError(
                f"SQLite cannot use {self.where}: {exc}.",
                hint=_advice(exc),
            ) from exc
        except sqlite3.Error as exc:
            raise StatementError(f"SQLite refused a statement on {self.where}: {exc}.") from exc


def _check_there(path: str, product: str, *, read_only: bool) -> None:
    try:
        is_file, is_there = Path(path).is_file(), Path(path).exists()
    except OSError:
        return  # a folder that may not be read: SQLite tells of it
    if is_file:
        return
    if is_there:
        raise ExchangeError(f"{path} is no file.", hint=f"Name the file of {product}'s database.")
    raise ExchangeError(
        f"There is no file {path}.",
        hint=f"Check the path of {product}'s database."
        if read_only
        else f"Start {product} once, that it makes its tables there; stop it, and export then.",
    )


def _advice(error: sqlite3.OperationalError) -> str | None:
    code = error.sqlite_errorcode & 0xFF  # the rest tells kinds of it apart
    if code in _BUSY:
        return "Another program holds the file: start the same command again when it is done."
    if code in _RIGHTS:
        return "Check that you may read the file, and write to it and its folder for an export."
    return None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _compiled(statement: ClauseElement) -> tuple[str, Sequence[str], Mapping[str, Any]]:
    """Give the SQL, the names of its parameters in their order, and the values known now."""
    compiled = cast("SQLCompiler", statement.compile(dialect=_DIALECT))
    return compiled.string, compiled.positiontup or (), compiled.params
