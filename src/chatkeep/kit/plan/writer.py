"""How a kind of fact is made, changed and removed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Fact

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Context:
    """What writing SQL needs to know beyond the fact.

    Attributes:
        using: USING expressions by (schema, table, column).
    """

    before: Catalog
    after: Catalog
    using: Mapping[tuple[str, str, str], str]


@dataclass(frozen=True)
class Writer(Generic[F]):
    """SQL for one kind of fact.

    Attributes:
        alter: Gives the statements from one to the other, or None when the fact must be dropped
            and made anew.
    """

    create: Callable[[F], list[str]]
    drop: Callable[[F], str | list[str]]
    alter: Callable[[F, F, Context], list[str] | None]


AnyWriter = Writer[Any]


def texts(sql: str | list[str]) -> list[str]:
    """Give what a writer's `drop` gave as a list."""
    return [sql] if isinstance(sql, str) else sql


def replaced(before: Fact, after: Fact, context: Context) -> list[str] | None:
    """Say of a kind without ALTER that it is dropped and made anew."""
    del before, after, context
