"""What a sweep does with the statistics of searches: events are summed up by day, old days go.

An event's time counts from the end of its day in UTC, so that a day comes into `search_days` whole.
One statement takes events away and adds them to their days: a sweep that is killed between two
batches has counted none of them twice, and lost none.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    ColumnElement,
    Date,
    Table,
    cast,
    delete,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from chatkeep.engine.compile import Statement, compile_statement
from chatkeep.personal import sweep_queries as queries
from chatkeep.personal.retention import What
from chatkeep.personal.sweep_belongings import Belongings
from chatkeep.personal.sweep_queries import Kind, Walk
from chatkeep.personal.sweep_rules import Rules, Where, moment

_UTC = literal_column("'UTC'")
_DAY = literal_column("'day'")
_WHOLE = literal_column("interval '24 hours'")  # a day of the session's zone may be shorter
_SUMS = ("calls", "no_results", "latency_us")


def search_walks(rules: Rules, belongings: Belongings) -> Iterator[Walk]:
    """Give the walks over statistics of searches.

    Days go first: those that come of old events stay until the next sweep, and a report is exact.
    """
    tables = rules.tables
    if ages := rules.ages("search_days"):
        day = tables["search_days"]
        ends = func.timezone(_UTC, cast(day.c["day"] + literal_column("1"), TIMESTAMP()))
        kind = _kind("search_days", day, ends, rules, belongings)
        limit = literal(_midnight(max(ages)).date(), Date())
        yield _walk(kind, kind.key, day.c["day"] < limit, max(ages), rules)
    if ages := rules.ages("search_events"):
        event = tables["search_events"]
        ends = func.date_trunc(_DAY, event.c["created_at"], _UTC) + _WHOLE
        kind = _kind("search_events", event, ends, rules, belongings)
        limit = moment(_midnight(max(ages)))
        order = ("created_at", *kind.key)
        yield _walk(kind, order, event.c["created_at"] < limit, max(ages), rules)


def sum_up(kind: Kind, day: Table) -> Statement:
    """Compile what takes events by key away and adds them to their days; gives how many."""
    event, given = kind.table, queries.given_keys(kind)
    gone = delete(event).where(queries.is_given(kind, given)).returning(*event.c).cte("gone")
    # In one order, so that two sweeps wait for each other and do not block each other.
    named = [column.key for column in day.primary_key]
    its_day = cast(func.timezone(_UTC, gone.c["created_at"]), Date()).label("day")
    groups = [its_day if name == "day" else gone.c[name] for name in named]
    sums = [cast(func.sum(gone.c[name]), BigInteger()).label(name) for name in _SUMS]
    most = func.max(gone.c["latency_max_us"]).label("latency_max_us")
    source = select(*groups, func.min(gone.c["query"]).label("query"), *sums, most)
    source = source.group_by(*groups).order_by(*groups)
    adding = insert(day).from_select([*named, "query", *_SUMS, "latency_max_us"], source)
    new = adding.excluded
    added = adding.on_conflict_do_update(
        index_elements=named,
        set_={
            **{name: day.c[name] + new[name] for name in _SUMS},
            "latency_max_us": func.greatest(day.c["latency_max_us"], new["latency_max_us"]),
            "query": func.coalesce(day.c["query"], new["query"]),
            "updated_at": func.now(),
        },
    ).returning(literal_column("1").label("one"))
    clause = select(func.count()).select_from(gone).add_cte(added.cte("added"))
    return compile_statement("sweep.search_events_sum_up", clause)


def _kind(
    name: What, table: Table, ends: ColumnElement[datetime], rules: Rules, belongings: Belongings
) -> Kind:
    key = tuple(column.key for column in table.primary_key)
    return Kind(name, table, key, table, rules.of_expiring(name, ends), ends, belongings)


def _walk(kind: Kind, order: tuple[str, ...], is_in: Where, oldest: datetime, rules: Rules) -> Walk:
    columns = [kind.table.c[name] for name in order]
    is_due: Where = kind.at < moment(oldest)
    is_event = kind.name == "search_events"
    return Walk(
        name=kind.name,
        key=kind.key,
        order=order,
        takes=frozenset(n for n, policy in enumerate(rules.policies) if policy.what == kind.name),
        children=tuple(child.name for child in kind.children),
        window=queries.window(kind.name, columns, is_in, is_due),
        look=queries.look(kind),
        lock=queries.lock(kind),
        remove=sum_up(kind, rules.tables["search_days"]) if is_event else queries.remove(kind),
        start=queries.start(columns),
    )


def _midnight(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
