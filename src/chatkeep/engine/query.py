"""A statement and the shape of its rows, ready to run."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from chatkeep.engine.compile import Statement
from chatkeep.engine.decode import JoinedShape, NestedShape, Shape
from chatkeep.engine.run import Runner

R = TypeVar("R")


class Query(Generic[R]):
    """A compiled statement whose rows become `R`.

    Attributes:
        statement: Its SQL, for golden files and reports.
        shape: Builds its rows.
    """

    __slots__ = ("shape", "statement")

    def __init__(self, statement: Statement, shape: Shape[R] | NestedShape[R]) -> None:
        self.statement = statement
        self.shape = shape

    async def first(self, runner: Runner, values: Mapping[str, object]) -> R | None:
        """Run it and give the first row, or None; PostgreSQL stops after that row."""
        statement = self.statement
        rows = await runner.fetch(statement, statement.arguments(values), only_first=True)
        return self.shape.one(rows[0]) if rows else None

    async def all(self, runner: Runner, values: Mapping[str, object]) -> list[R]:
        """Run it and give every row."""
        rows = await runner.fetch(self.statement, self.statement.arguments(values))
        return self.shape.many(rows)


class JoinedQuery(Generic[R]):
    """A compiled outer join whose rows together become one `R`.

    Attributes:
        statement: Its SQL, for golden files and reports.
        shape: Builds the object of all rows.
    """

    __slots__ = ("shape", "statement")

    def __init__(self, statement: Statement, shape: JoinedShape[R]) -> None:
        self.statement = statement
        self.shape = shape

    async def find(self, runner: Runner, values: Mapping[str, object]) -> R | None:
        """Run it and give the one object, or None where there is no row."""
        rows = await runner.fetch(self.statement, self.statement.arguments(values))
        return self.shape.whole(rows) if rows else None
