"""Whether a big table would be gone through, found out from PostgreSQL's plan before it runs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg

from chatkeep.studio.refusing import StudioError
from chatkeep.studio.rows.catalog import BIG_ROWS, Relation

COST = 10_000
"""In PostgreSQL's units: about what reading 80 MB of a table costs, or sorting 50,000 rows."""
_VIEW_COST = 100_000  # views have no size; what aggregates a small table may be costly as well


class WouldScanError(StudioError):
    """A big table would be gone through, and nobody has asked for that."""

    code = "would_scan"
    status = 409


async def plan_of(
    connection: asyncpg.Connection, statement: str, values: Sequence[object]
) -> Mapping[str, Any]:
    """Give the root of PostgreSQL's plan; the statement does not run."""
    text = await connection.fetchval("explain (format json) " + statement, *values)
    return json.loads(str(text))[0]["Plan"]


async def insist_on_page(
    connection: asyncpg.Connection, relation: Relation, page: str, values: Sequence[object]
) -> None:
    """Refuse a page whose order no index gives.

    Raises:
        WouldScanError: Rows beyond the page would be read and sorted.
    """
    plan = await plan_of(connection, page, values)
    bound = COST if relation.line.kind in "rpm" else _VIEW_COST
    sorts = any(
        node["Node Type"] == "Sort" and node["Plans"][0]["Plan Rows"] > BIG_ROWS
        for node in _nodes(plan)
    )
    if sorts or plan["Total Cost"] > bound:
        raise WouldScanError(
            f"{relation.shown} has {_size(relation)}, and no index gives them in this order.",
            hint="Sort by a column with an index, narrow with a filter, or go through all rows "
            "(scan=1), which may take long.",
        )


async def insist_on_filter(
    connection: asyncpg.Connection,
    relation: Relation,
    unordered: str,
    values: Sequence[object],
    limit: int | None,
) -> None:
    """Refuse a filter that no index serves.

    Args:
        connection: A connection.
        relation: The table.
        unordered: The filter alone, as a statement without order and limit.
        values: Its values.
        limit: Rows that are wanted, where statistics tell how soon they are found; else None.

    Raises:
        WouldScanError: Far more rows would be looked at than are shown.
    """
    plan = await plan_of(connection, unordered, values)
    whole = any("Seq Scan" in n["Node Type"] for n in _nodes(plan))
    if plan["Total Cost"] <= COST and not (whole and relation.line.kind in "rm"):
        return
    rows = relation.line.estimate
    if limit is not None and rows is not None:
        looked_at = limit * rows / max(1, plan["Plan Rows"])
        if looked_at <= BIG_ROWS:
            return
    raise WouldScanError(
        f"{relation.shown} has {_size(relation)}, and no index serves this filter.",
        hint=_instead(relation),
    )


def _instead(relation: Relation) -> str:
    screen = "The screen Search finds words in messages at once. " if relation.searchable else ""
    return (
        screen
        + "Narrow it with a column that has an index, such as a user's id, or go through all "
        "rows (scan=1), which ends when the time is up."
    )


def _size(relation: Relation) -> str:
    rows = relation.line.estimate
    return "an unknown number of rows" if rows is None else f"about {rows:,} rows"


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from _nodes(each)
