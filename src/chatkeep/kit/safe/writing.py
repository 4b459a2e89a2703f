"""The safe series of a change, written and tried on a scratch database."""

from collections.abc import Mapping, Sequence

import asyncpg

from chatkeep.errors import ProofFailedError
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.refusal import describe
from chatkeep.kit.safe import measuring
from chatkeep.kit.safe.retyping import Path
from chatkeep.kit.safe.series import Series
from chatkeep.kit.safe.step import SafeStep

_HINT = "This is a fault of the safe form: leave `--safe` away, and report it with both schemas."


async def safe_steps(
    connection: asyncpg.Connection,
    statements: Sequence[Statement],
    before: Catalog,
    after: Catalog,
    *,
    using: Mapping[Path, str] | None = None,
) -> list[SafeStep]:
    """Give the series that leads where the plain statements lead, safe on big tables.

    Each step is run as it is written, and the next one planned from what it left; at the end the
    database holds exactly the wanted facts. A change that needs no care comes out as one step.

    Args:
        connection: To a scratch database in the state before, whose rows may go; it ends in the
            state after.
        statements: The plain plan.
        before: Its facts.
        after: What it must lead to.
        using: USING expressions by (schema, table, column); for a new column, its value from the
            row.

    Raises:
        ProofFailedError: A step does not run, or the series leads elsewhere.
    """
    here = _Here(connection)
    series = Series(after, using or {}, (here.measure, here.look, here.take))
    try:
        heavy = await here.measure([statement.sql for statement in statements])
        await series.write(before, statements, heavy)
    except asyncpg.PostgresError as exc:
        raise ProofFailedError(
            f"A step of the safe form does not run on a copy of the database: {describe(exc)}",
            hint=_HINT,
        ) from exc
    left = sorted(
        str(key)
        for key in series.now.facts.keys() | after.facts.keys()
        if series.now.facts.get(key) != after.facts.get(key)
    )
    if left:
        raise ProofFailedError(
            f"The safe form does not lead to the wanted state: {', '.join(left[:20])} differ.",
            hint=_HINT,
        )
    return series.steps


class _Here:
    """The scratch database."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def measure(self, statements: Sequence[str]) -> list[bool]:
        return await measuring.measure(self._connection, statements)

    async def look(self, statements: Sequence[str]) -> Catalog:
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            for sql in statements:
                await self._connection.execute(sql)
            return await read_catalog(self._connection)
        finally:
            await transaction.rollback()

    async def take(self, step: SafeStep) -> Catalog:
        if step.in_transaction:
            async with self._connection.transaction():
                for sql in step.statements:
                    await self._connection.execute(sql)
        else:
            for sql in step.statements:
                await self._connection.execute(sql)
        return await read_catalog(self._connection)
