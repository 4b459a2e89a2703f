"""The statements on what happened to searches."""

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    ARRAY,
    CTE,
    TIMESTAMP,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Select,
    Table,
    TableValuedAlias,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy import any_ as any_of

from chatkeep.access.catalogue import Catalogue
from chatkeep.access.rows import COUNT_SHAPE
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.errors import ConfigError
from chatkeep.records.search_cache import Outcome, Place

R = TypeVar("R")

COUNTED = (
    "key_hash",
    "query",
    "provider",
    "locale",
    "outcome",
    "tier",
    "calls",
    "no_results",
    "latency_us",
    "latency_max_us",
    "user_group",
    "user_id",
)
"""Columns of an event, beside its id and time."""

OUTCOMES: tuple[Outcome, ...] = ("hit", "stale", "miss", "failed", "known_failure")
_BY_GROUP = 6  # what GROUPING of day, tier and group says of a group's row
OF_ALL = 3
"""What a row of `popular` is about, where it is all searches: GROUPING of day and group."""

_READ = (
    "provider",
    "locale",
    "user_group",
    "key_hash",
    "outcome",
    "tier",
    "query",
    "calls",
    "no_results",
    "latency_us",
    "latency_max_us",
)
_UTC = literal_column("'UTC'")


class Sums(NamedTuple):
    """A row of `EventQueries.sums`."""

    which: int
    day: date | None
    tier: Place | None
    user_group: str | None
    calls: int
    hit: int
    stale: int
    miss: int
    failed: int
    known_failure: int
    no_results: int
    latency_us: int
    latency_max_us: int


class Popular(NamedTuple):
    """A row of `EventQueries.popular`."""

    which: int
    day: date | None
    user_group: str | None
    key_hash: bytes
    query: str | None
    provider: str
    locale: str
    calls: int
    hits: int
    no_results: int
    place: int
    none_place: int


class EventQueries:
    """The statements of one schema on `search_events` and `search_days`."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        """Find the tables.

        Raises:
            ConfigError: The schema has no such tables.
        """
        if "search_events" not in tables:
            raise ConfigError(
                "The schema has no table `search_events`.",
                hint="`chatkeep.presets.deepsearch` has it, in the hardened edition.",
            )
        self._event = tables["search_events"]
        self._day = tables["search_days"]
        self._user = tables["users"]
        self._reads: dict[tuple[str, bool, bool], Query[Any]] = {}

    @cached_property
    def store(self) -> Query[int]:
        """Store counts, as arrays. A user who is gone, or about to go, is left out of theirs.

        The users are locked against being deleted before the foreign key asks for them: no such
        row can refuse all others. Who holds one is not waited for.
        """
        given, user = self._given(), self._user
        ids = bindparam("user_id", type_=ARRAY(Text()))
        known = (
            select(user.c["id"])
            .where(user.c["id"] == any_of(ids))
            .with_for_update(read=True, key_share=True, skip_locked=True)
            .cte("known")
        )
        values = [given.c[name] for name in COUNTED[:-1]]
        source = select(*values, known.c["id"]).select_from(
            given.outerjoin(known, known.c["id"] == given.c["user_id"])
        )
        stored = (
            insert(self._event)
            .from_select(COUNTED, source)
            .returning(self._event.c["id"])
            .cte("stored")
        )
        clause = select(func.count()).select_from(stored)
        return Query(compile_statement("search_events.store", clause), COUNT_SHAPE)

    def sums(self, *, by_provider: bool, by_group: bool) -> Query[Sums]:
        """Sum a time up: all of it, then by day, by tier, and by group for the largest groups."""
        return self._read("sums", by_provider, by_group)

    def popular(self, *, by_provider: bool, by_group: bool) -> Query[Popular]:
        """Rank the searches of a time: all of them, by day, and by group."""
        return self._read("popular", by_provider, by_group)

    def _read(self, name: str, by_provider: bool, by_group: bool) -> Query[Any]:
        key = (name, by_provider, by_group)
        query = self._reads.get(key)
        if query is None:
            make = {"sums": self._sums, "popular": self._popular}[name]
            query = self._reads[key] = make(self._seen(by_provider, by_group))
        return query

    def _seen(self, by_provider: bool, by_group: bool) -> CTE:
        """Give events and days as one; a sweep moves rows between them in one statement."""
        event, day = self._event, self._day
        since = bindparam("since", type_=TIMESTAMP(timezone=True))
        since_day = bindparam("since_day", type_=Date())
        its_day = cast(func.timezone(_UTC, event.c["created_at"]), Date()).label("day")
        parts = [
            select(its_day, *(event.c[name] for name in _READ)).where(
                event.c["created_at"] >= since, *_only(event, by_provider, by_group)
            ),
            select(day.c["day"], *(day.c[name] for name in _READ)).where(
                day.c["day"] >= since_day, *_only(day, by_provider, by_group)
            ),
        ]
        return union_all(*parts).cte("seen")

    def _sums(self, seen: CTE) -> Query[Sums]:
        day, tier, group = (seen.c[name] for name in ("day", "tier", "user_group"))
        which = func.grouping(day, tier, group).label("which")
        sets = func.grouping_sets(tuple_(), tuple_(day), tuple_(tier), tuple_(group))
        counts = [_sum(seen.c["calls"], seen.c["outcome"] == one).label(one) for one in OUTCOMES]
        each = (
            select(
                which, day, tier, group, *counts,
                _sum(seen.c["calls"]).label("calls"),
                _sum(seen.c["no_results"]).label("no_results"),
                _sum(seen.c["latency_us"]).label("latency_us"),
                func.coalesce(func.max(seen.c["latency_max_us"]), 0).label("latency_max_us"),
            ).group_by(sets)
        ).subquery("each")  # fmt: skip
        rank = func.row_number().over(
            partition_by=each.c["which"], order_by=[each.c["calls"].desc(), each.c["user_group"]]
        )
        ranked = select(*each.c, rank.label("place")).subquery("ranked")
        top = bindparam("top", type_=Integer())
        clause = (
            select(*(ranked.c[name] for name in Sums._fields))
            .where(or_(ranked.c["which"] != _BY_GROUP, ranked.c["place"] <= top))
            .order_by(ranked.c["which"].desc(), ranked.c["day"], ranked.c["place"])
        )
        return _query("sums", clause, Sums)

    def _popular(self, seen: CTE) -> Query[Popular]:
        day, group, key = (seen.c[name] for name in ("day", "user_group", "key_hash"))
        which = func.grouping(day, group).label("which")
        texts = [func.min(seen.c[name]).label(name) for name in ("query", "provider", "locale")]
        hits = _sum(seen.c["calls"], seen.c["outcome"].in_(("hit", "stale")))
        each = (
            select(
                which, day, group, key, *texts,
                _sum(seen.c["calls"]).label("calls"),
                hits.label("hits"),
                _sum(seen.c["no_results"]).label("no_results"),
            )
            .where(key != literal_column("''::bytea"))  # those beyond the bound of a process
            .group_by(func.grouping_sets(tuple_(key), tuple_(day, key), tuple_(group, key)))
        ).subquery("each")  # fmt: skip
        places = [
            func.row_number()
            .over(
                partition_by=[each.c["which"], each.c["day"], each.c["user_group"]],
                order_by=[each.c[by].desc(), each.c["key_hash"]],
            )
            .label(name)
            for by, name in (("calls", "place"), ("no_results", "none_place"))
        ]
        ranked = select(*each.c, *places).subquery("ranked")
        top = bindparam("top", type_=Integer())
        is_of_all, finds_none = ranked.c["which"] == OF_ALL, ranked.c["no_results"] > 0
        clause = (
            select(*(ranked.c[name] for name in Popular._fields))
            .where(
                or_(
                    ranked.c["place"] <= top,
                    and_(is_of_all, finds_none, ranked.c["none_place"] <= top),
                )
            )
            .order_by(ranked.c["which"], ranked.c["day"], ranked.c["user_group"], ranked.c["place"])
        )
        return _query("popular", clause, Popular)

    def _given(self) -> TableValuedAlias:
        types = {name: self._event.c[name].type for name in COUNTED}
        types["user_id"] = Text()
        arrays = [bindparam(name, type_=ARRAY(types[name])) for name in COUNTED]
        columns = [column(name, types[name]) for name in COUNTED]
        return func.unnest(*arrays).table_valued(*columns).render_derived(name="given")


def _sum(column: ColumnElement[Any], condition: ColumnElement[bool] | None = None) -> Any:  # noqa: ANN401 - a sum
    total = func.sum(column)
    part = total if condition is None else total.filter(condition)
    return cast(func.coalesce(part, literal_column("0")), BigInteger())


def _only(table: Table, by_provider: bool, by_group: bool) -> list[ColumnElement[bool]]:
    names = [("provider", by_provider), ("user_group", by_group)]
    return [table.c[name] == bindparam(name, type_=Text()) for name, is_asked in names if is_asked]


def _query(name: str, clause: Select[*tuple[Any, ...]], row: type[R]) -> Query[R]:
    statement = compile_statement(f"search_events.{name}", clause, is_kept=False, has_keys=True)
    return Query(
        statement, Shape(row, [Field("", column.name) for column in clause.selected_columns])
    )


def event_queries(catalogue: Catalogue[Any, Any, Any, Any]) -> EventQueries:
    """Give the statements of a schema: they are compiled once, for all databases."""
    return catalogue.kept(_made_of)


def _made_of(catalogue: Catalogue[Any, Any, Any, Any]) -> EventQueries:
    return EventQueries(catalogue.schema.tables)
