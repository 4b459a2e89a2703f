"""The statements on `search_cache`: one for each thing that is done with it.

Entries and leases are rows of the same table. Rows without `key_hash` are the seed's code's own:
nothing here reads or changes them, but for the sweep of what has expired.
"""

from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    LargeBinary,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import TypeEngine

from chatkeep.access.catalogue import Catalogue
from chatkeep.cache.documents import Document, read
from chatkeep.cache.entries import Entry
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query

_TYPES: dict[str, TypeEngine[Any]] = {
    "query": Text(),
    "provider": Text(),
    "locale": Text(),
    "key_hash": LargeBinary(),
    "lifetime": Interval(),
    **dict.fromkeys(("created_at", "expires_at", "stale_until"), DateTime(timezone=True)),
}
_ONE: Shape[int] = Shape(int, [Field("", "one")])
_WRITTEN = ("query", "results", "created_at", "expires_at", "provider", "locale", "stale_until")


class Step(NamedTuple):
    """What one statement of a sweep did: how many went, and the last row that it read."""

    gone: int
    expires_at: datetime
    id: int


def gone_at(table: Table) -> ColumnElement[Any]:
    """Give the time from which a row is of no use to anybody: the one rule of every sweep."""
    at: ColumnElement[Any] = func.coalesce(table.c["stale_until"], table.c["expires_at"])
    return at


class CacheQueries:
    """The statements of one schema.

    Raises:
        ConfigError: The schema has no `search_cache`.
    """

    def __init__(self, catalogue: Catalogue[Any, Any, Any, Any]) -> None:
        self.table = catalogue.rows("search_cache").table
        self._is_it = self.table.c["key_hash"] == self._given("key_hash")

    @cached_property
    def get(self) -> Query[Entry]:
        """By key. One parameter: which times have passed is said by the clock that set them."""
        names = ("results", "created_at", "expires_at", "stale_until")
        columns = [self.table.c[name] for name in names]
        fields = [
            Field(self.table.name, name, read if name == "results" else None) for name in names
        ]
        clause = select(*columns).where(self._is_it)
        statement = compile_statement("search_cache.get", clause, has_keys=True)
        return Query(statement, Shape(_entry, fields))

    @cached_property
    def put(self) -> Query[int]:
        """Keep an entry, unless a newer one is there; a failure never takes the place of results.

        The update stands before the insert: an insert that meets the row takes a number of `id`
        away each time, and these are 32 bits.
        """
        table = self.table
        values = {table.c[name]: self._given(name) for name in _WRITTEN}
        moved = {
            **values,
            table.c["updated_at"]: func.greatest(table.c["updated_at"], func.current_timestamp()),
        }
        changed = (
            update(table)
            .where(self._is_it, self._gives_way())
            .values(moved)
            .returning(literal_column("1").label("one"))
            .cte("changed")
        )
        new = insert(table).from_select(
            [*values, table.c["key_hash"]],
            select(*values.values(), self._given("key_hash")).where(
                not_(exists(select(literal_column("1")).where(self._is_it)))
            ),
        )
        met = new.on_conflict_do_update(
            index_elements=[table.c["key_hash"]], set_=moved, where=self._gives_way()
        )
        added = met.returning(literal_column("1").label("one")).cte("added")
        clause = select(changed.c["one"]).union_all(select(added.c["one"]))
        return self._query("put", clause)

    @cached_property
    def forget(self) -> Query[int]:
        """Remove an entry."""
        clause = delete(self.table).where(self._is_it).returning(literal_column("1"))
        return self._query("forget", clause)

    @cached_property
    def lease(self) -> Query[int]:
        """Take a lease that nobody has, or whose time is over by the clock of the database.

        Who finds it taken writes nothing, so that many may ask again and again.
        """
        table = self.table
        ends = func.now() + self._given("lifetime")
        values = {
            table.c["query"]: self._given("query"),
            table.c["results"]: self._given("results"),
            table.c["expires_at"]: ends,
            table.c["key_hash"]: self._given("key_hash"),
        }
        is_taken = exists(
            select(literal_column("1")).where(self._is_it, table.c["expires_at"] > func.now())
        )
        new = insert(table).from_select(
            list(values), select(*values.values()).where(not_(is_taken))
        )
        clause = new.on_conflict_do_update(
            index_elements=[table.c["key_hash"]],
            set_={
                table.c["results"]: new.excluded["results"],
                table.c["expires_at"]: new.excluded["expires_at"],
            },
            where=table.c["expires_at"] <= func.now(),
        )
        return self._query("lease", clause.returning(literal_column("1")))

    @cached_property
    def release(self) -> Query[int]:
        """Give a lease back, if it is still the caller's."""
        is_mine = self.table.c["results"] == self._given("results")
        clause = delete(self.table).where(self._is_it, is_mine).returning(literal_column("1"))
        return self._query("release", clause)

    @cached_property
    def sweep(self) -> Query[Step]:
        """Read a window of what has expired, along its index, and remove what is of no use of it.

        Rows that somebody holds are passed over; one that was fetched anew meanwhile stays.
        """
        table, before = self.table, bindparam("before", type_=DateTime(timezone=True))
        order = (table.c["expires_at"], table.c["id"])
        after = (
            bindparam("after_expires_at", type_=DateTime(timezone=True)),
            bindparam("after_id", type_=Integer()),
        )
        window = (
            select(*order, (gone_at(table) < before).label("is_gone"))
            .where(table.c["expires_at"] < before, tuple_(*order) > tuple_(*after))
            .order_by(*order)
            .limit(bindparam("limit", type_=Integer()))
            .cte("read")
        )
        held = (
            select(table.c["id"])
            .where(
                table.c["id"].in_(select(window.c["id"]).where(window.c["is_gone"])),
                gone_at(table) < before,
            )
            .with_for_update(skip_locked=True)
            .cte("held")
        )
        gone = (
            delete(table)
            .where(table.c["id"] == held.c["id"])
            .returning(literal_column("1").label("one"))
            .cte("gone")
        )
        count = select(func.count()).select_from(gone).scalar_subquery()
        clause = (
            select(count.label("gone"), window.c["expires_at"], window.c["id"])
            .order_by(window.c["expires_at"].desc(), window.c["id"].desc())
            .limit(literal_column("1"))
        )
        fields = [Field("", "gone"), Field("", "expires_at"), Field("", "id")]
        statement = compile_statement("search_cache.sweep", clause, has_keys=True)
        return Query(statement, Shape(Step, fields))

    def _gives_way(self) -> ColumnElement[bool]:
        """Say that the row in place is not newer, and that no failure would hide its results."""
        table, made = self.table, self._given("created_at")
        # A failure has expired from its beginning: the seed's code must not take it for results.
        is_failure = table.c["expires_at"] <= table.c["created_at"]
        may_hide = or_(
            not_(bindparam("is_failure", type_=Boolean())), is_failure, gone_at(table) <= made
        )
        return and_(table.c["created_at"] <= made, may_hide)

    def _given(self, name: str) -> ColumnElement[Any]:
        if name == "results":  # a document, as `documents` wrote it
            return cast(bindparam(name, type_=Text()), JSONB())
        return bindparam(name, type_=_TYPES[name])

    def _query(self, name: str, clause: ClauseElement) -> Query[int]:
        return Query(compile_statement(f"search_cache.{name}", clause, has_keys=True), _ONE)


def _entry(
    document: Document, made: datetime, expires_at: datetime, stale_until: datetime | None
) -> Entry:
    results, extra, failure, took, failed_until, size = document
    if made.tzinfo is None or expires_at.tzinfo is None:  # infinity, as the driver reads it
        raise ValueError("a time that never comes")
    ends = expires_at.timestamp() if failed_until is None else failed_until
    gone = ends if stale_until is None or stale_until.tzinfo is None else stale_until.timestamp()
    return Entry(results, extra, made.timestamp(), ends, gone, failure, size, took)


def cache_queries(catalogue: Catalogue[Any, Any, Any, Any]) -> CacheQueries:
    """Give the statements of a schema: they are compiled once, for all databases.

    Raises:
        ConfigError: The schema has no `search_cache`.
    """
    return catalogue.kept(CacheQueries)


LONG_AGO = datetime.min.replace(tzinfo=UTC)
