"""The statements on what happened to searches."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ARRAY, Table, TableValuedAlias, Text, bindparam, column, func, insert, select
from sqlalchemy import any_ as any_of

from chatkeep.access.catalogue import Catalogue
from chatkeep.access.rows import COUNT_SHAPE
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.query import Query
from chatkeep.errors import ConfigError

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
                hint="`search_cache=SearchCacheOptions(record=False)` does without.",
            )
        self._event = tables["search_events"]
        self._user = tables["users"]

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

    def _given(self) -> TableValuedAlias:
        types = {name: self._event.c[name].type for name in COUNTED}
        types["user_id"] = Text()
        arrays = [bindparam(name, type_=ARRAY(types[name])) for name in COUNTED]
        columns = [column(name, types[name]) for name in COUNTED]
        return func.unnest(*arrays).table_valued(*columns).render_derived(name="given")


_made: WeakKeyDictionary[Catalogue[Any, Any, Any, Any], EventQueries] = WeakKeyDictionary()


def event_queries(catalogue: Catalogue[Any, Any, Any, Any]) -> EventQueries:
    """Give the statements of a schema: they are compiled once, for all databases."""
    found = _made.get(catalogue)
    if found is None:
        found = _made[catalogue] = EventQueries(catalogue.schema.tables)
    return found
