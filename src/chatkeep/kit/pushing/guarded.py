"""Running a plan in one transaction, with an eye on the rows."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import asyncpg

from chatkeep.errors import StatementError
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.connection import BROKEN
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.pushing.rows import Question, count_sql, misfits, questions, sample_sql
from chatkeep.kit.refusal import describe, sqlstate

_OF_ROWS = ("22", "23")  # classes of SQLSTATE: data exception, integrity constraint violation
_TELLS_MISFITS = 16  # the first version with pg_input_is_valid
_SETVAL = re.compile(r'SELECT setval\(.* FROM (?P<name>"[^;]+") WHERE last_value <')
_INCREMENT = "SELECT seqincrement FROM pg_catalog.pg_sequence WHERE seqrelid = $1::text::regclass"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rows that are in the way.

    Attributes:
        object: What the caller may name in `--drop` to accept a loss; empty where none is.
        says: How many of what; never what is in them.
        rows: How many; 0 where PostgreSQL alone said no.
        keys: Primary keys of some of them.
        loses: They would go or change, which may be accepted; else they have to be mended.
    """

    object: str
    says: str
    rows: int = 0
    keys: tuple[str, ...] = ()
    loses: bool = False


@dataclass(slots=True)
class Guard:
    """Runs statements one after the other and looks at the rows before each.

    Attributes:
        before: The database, its renamed tables and columns under their new names.
        after: The schema.
        accepted: Says whether the loss of (schema, table) or (schema, table, column) was accepted.
        refusals: What is in the way so far. With any, the transaction has to be rolled back.
    """

    connection: asyncpg.Connection
    before: Catalog
    after: Catalog
    accepted: Callable[[tuple[str, ...]], bool]
    refusals: list[Refusal] = field(default_factory=list[Refusal])

    async def run(self, statements: Sequence[Statement]) -> None:
        """Run all of them, or as many as can be tried once rows are in the way of one.

        Raises:
            StatementError: PostgreSQL refuses a statement for another reason than rows.
        """
        for statement in statements:
            known = len(self.refusals)
            for question in questions(self.before, self.after, statement):
                await self._ask(question)
            if len(self.refusals) > known:
                continue
            try:
                async with self.connection.transaction():
                    await self._let_go_back(statement)
                    await self.connection.execute(statement.sql)
            except BROKEN:
                raise
            except asyncpg.PostgresError as exc:
                if self.refusals and not sqlstate(exc).startswith(_OF_ROWS):
                    continue  # most likely for want of what was left out before
                await self._explain(statement, exc)

    async def _ask(self, question: Question) -> None:
        if question.loses:
            if self.accepted(question.object):
                return
            # A row that somebody writes between the count and the loss would be lost unseen.
            await self._lock(question.table)
        count = await self._count(question)
        if count is None and question.loses:  # not even the cast runs: every row may lose
            count = await self._count(replace(question, where="true"))
        if count:
            await self._refuse(question, count)
        elif count is None and question.loses and not self.refusals:
            says = f"{question.says}, which this role may not count,"
            self.refusals.append(Refusal(".".join(question.object), says, loses=True))

    async def _lock(self, table: tuple[str, ...]) -> None:
        sql = f"LOCK TABLE {ident(*table)} IN ACCESS EXCLUSIVE MODE"
        try:
            await self.connection.execute(sql)
        except BROKEN:
            raise
        except asyncpg.PostgresError as exc:
            raise _refused(sql, exc) from exc

    async def _count(self, question: Question) -> int | None:
        """Count; None where a row makes the query itself fail."""
        try:
            async with self.connection.transaction():
                # A policy that hides rows from this role would hide them from the count as well.
                await self.connection.execute("SET LOCAL row_security = off")
                count = await self.connection.fetchval(count_sql(question))
                # Not for the statements: PostgreSQL checks foreign keys as the tables' owner.
                await self.connection.execute("SET LOCAL row_security = DEFAULT")
                return int(str(count))
        except BROKEN:
            raise
        except asyncpg.PostgresError as exc:
            # Or what was left out before is missing now, or there is no such cast.
            if self.refusals or sqlstate(exc).startswith(_OF_ROWS) or question.loses:
                return None
            raise

    async def _refuse(self, question: Question, count: int) -> None:
        keys: tuple[str, ...] = ()
        key = self._key(question.table)
        if key and not question.loses:
            keys = tuple(
                str(row[0]) for row in await self.connection.fetch(sample_sql(question, key))
            )
        name = ".".join(question.object) if question.loses else ""
        self.refusals.append(Refusal(name, question.says, count, keys, loses=question.loses))

    def _key(self, table: tuple[str, ...]) -> tuple[str, ...]:
        shape = self.before.shape(table[0], table[1])
        key = shape.primary_key if shape is not None else None
        return key.columns if key is not None else ()

    async def _explain(self, statement: Statement, exc: asyncpg.PostgresError) -> None:
        """Tell an error that rows make from any other.

        Raises:
            StatementError: It is another.
        """
        if not sqlstate(exc).startswith(_OF_ROWS):
            raise _refused(statement.sql, exc) from exc
        question = misfits(statement, self.before, self.after)
        if question is not None and self.connection.get_server_version().major >= _TELLS_MISFITS:
            count = await self._count(question)
            if count:
                await self._refuse(question, count)
                return
        self.refusals.append(Refusal("", f"{statement.kind} {statement.object}: {describe(exc)}"))

    async def _let_go_back(self, statement: Statement) -> None:
        """Make setval of a plan part of the transaction: a changed sequence has a new file."""
        found = _SETVAL.match(statement.sql)
        if found is not None:
            by = await self.connection.fetchval(_INCREMENT, found["name"])
            await self.connection.execute(f"ALTER SEQUENCE {found['name']} INCREMENT BY {by}")


def _refused(sql: str, exc: asyncpg.PostgresError) -> StatementError:
    first = " ".join(sql.split())[:120]
    return StatementError(
        f"PostgreSQL refuses `{first}`: {describe(exc)}",
        hint="Nothing was changed.",
        sqlstate=sqlstate(exc),
    )
