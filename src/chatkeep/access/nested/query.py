"""What a caller says of nested rows: `nested(...)`."""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Generic, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.selectable import FromClause

from chatkeep.access.paging import MAX_LIMIT
from chatkeep.errors import ConfigError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Limit: TypeAlias = int | BindParameter[int]


@dataclass(frozen=True)
class Level:
    """Which rows of one table, in which order, at most how many."""

    where: tuple[ColumnElement[bool], ...] = ()
    order_by: tuple[ColumnElement[Any], ...] = ()
    limit: Limit | None = None


@dataclass(frozen=True)
class Nested(Generic[T_co]):
    """Rows of a table as objects of a class, with the rows that belong to them; made by `nested`.

    Every method gives a new object and leaves this one as it is.
    """

    table: FromClause
    into: type[T_co]
    level: Level = field(default_factory=Level)
    levels: Mapping[str, Level] = field(default_factory=lambda: MappingProxyType({}))
    with_deleted: bool = False
    compiled: MutableMapping[object, Any] = field(
        default_factory=WeakKeyDictionary[object, Any], init=False, repr=False, compare=False
    )
    """What was made of it for each schema, so that an object that is kept is compiled once."""

    def where(self, *conditions: ColumnElement[bool]) -> "Nested[T_co]":
        """Keep the rows for which these hold, and what was said before."""
        level = replace(self.level, where=(*self.level.where, *conditions))
        return replace(self, level=level)

    def order_by(self, *columns: ColumnElement[Any]) -> "Nested[T_co]":
        """Order the rows, after what was said before; ties go by the primary key."""
        level = replace(self.level, order_by=(*self.level.order_by, *columns))
        return replace(self, level=level)

    def limit(self, limit: Limit) -> "Nested[T_co]":
        """Give at most so many rows, instead of what was said before.

        Args:
            limit: From 1 to 1000, or a parameter.

        Raises:
            ConfigError: It is out of these bounds.
        """
        return replace(self, level=replace(self.level, limit=_checked(limit)))

    def nest(
        self,
        path: str,
        *,
        where: ColumnElement[bool] | Sequence[ColumnElement[bool]] = (),
        order_by: ColumnElement[Any] | Sequence[ColumnElement[Any]] = (),
        limit: Limit | None = None,
    ) -> "Nested[T_co]":
        """Say which rows of a relation are loaded, instead of what was said of that path before.

        Without it all are, in the order of their primary key.

        Args:
            path: Names of relations from the table down, with dots: `chats.messages`.
            where: Conditions on columns of the relation's table.
            order_by: Columns of the relation's table; ties go by its primary key.
            limit: At most so many for each parent: from 1 to 1000, or a parameter.

        Raises:
            ConfigError: The limit is out of these bounds.
        """
        level = Level(
            where=(where,) if isinstance(where, ColumnElement) else tuple(where),
            order_by=(order_by,) if isinstance(order_by, ColumnElement) else tuple(order_by),
            limit=None if limit is None else _checked(limit),
        )
        return replace(self, levels=MappingProxyType({**self.levels, path: level}))


def nested(table: FromClause, *, into: type[T], with_deleted: bool = False) -> Nested[T]:
    """Ask for rows of a table as objects of a class, with the rows that belong to them.

    The class says what is loaded: a field that has the name of a column is that column; a field
    that has the name of a relation (`schema.relations`) is `list[Child]` where there are many, and
    `Child` or `Child | None` where there is one. `Child` is such a class again, to any depth.

        class Line(msgspec.Struct):
            role: str
            content: str

        class ChatTree(msgspec.Struct):
            title: str
            messages: list[Line]

        by_id = db.prepare(
            nested(schema.chats, into=ChatTree)
            .where(schema.chats.c.id == bindparam("id"))
            .nest("messages", order_by=schema.messages.c.seq, limit=100)
        )
        chat = await by_id.first(id="c1")  # ChatTree | None

    It is one statement, whatever the depth. `db.prepare`, `db.first`, `db.all` and `db.one` take
    it, and compare it with the schema: what does not fit is a ConfigError there.

    What is in the trash is left out, at every level. Where a field holds the one row that a row
    belongs to, and that one is in the trash: the field is None if it may be, else the row is left
    out too.

    Args:
        table: Of the schema: `schema.users`.
        into: A msgspec Struct (a record is one), a dataclass or a Pydantic model.
        with_deleted: Load what is in the trash too; the column `deleted_at` tells it.
    """
    return Nested(table, into, with_deleted=with_deleted)


def _checked(limit: Limit) -> Limit:
    is_number = isinstance(limit, int) and not isinstance(limit, bool) and 1 <= limit <= MAX_LIMIT
    if is_number or isinstance(limit, BindParameter):
        return limit
    raise ConfigError(f"A limit must be a whole number from 1 to {MAX_LIMIT}, or a bindparam.")
