"""How many rows a statement changes, as PostgreSQL's planner expects of a table that it never counted.

An index that serves a WHERE hides from the counters of scans how much is changed: the planner takes
`at < now()` for a third of the rows, and `id = 3` for one.
"""

import json
from collections.abc import Iterator, Mapping
from typing import cast

import asyncpg

from chatkeep.kit.connection import BROKEN

_MANY = 100  # rows expected; of an empty table the planner expects some hundreds in all
_CHANGING = {"Update", "Delete", "Merge"}
_Node = Mapping[str, object]


async def much_changed(connection: asyncpg.Connection, sql: str) -> set[tuple[str, str]]:
    """Give schema and name of the tables of which a statement may change many rows.

    It is planned and not run.

    Args:
        connection: In a transaction.
        sql: An UPDATE, DELETE or MERGE, or a WITH that may hold one.
    """
    try:
        async with connection.transaction():
            told = str(await connection.fetchval(f"EXPLAIN (VERBOSE, FORMAT JSON) {sql}"))
    except BROKEN:
        raise
    except asyncpg.PostgresError:
        return set()  # the statement itself fails as well, and that is told
    [found] = cast("list[_Node]", json.loads(told))
    changed = _changed(cast("_Node", found["Plan"]))
    return {
        (str(node["Schema"]), str(node["Relation Name"])) for rows, node in changed if rows > _MANY
    }


def _changed(node: _Node) -> Iterator[tuple[float, _Node]]:
    below = cast("list[_Node]", node.get("Plans", []))
    if node.get("Operation") in _CHANGING:
        yield sum(cast("float", each["Plan Rows"]) for each in below), node
    for each in below:
        yield from _changed(each)
