"""Times that get a zone, or lose it: read as UTC, whatever zone the migrating session is in."""

import re

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.tables import Column
from chatkeep.kit.plan.quoting import ident

_TIMESTAMP = re.compile(r"timestamp(\(\d\))? (with|without) time zone")


def utc_casts(before: Catalog, after: Catalog) -> dict[tuple[str, str, str], str]:
    """Give the USING expression of each column that goes from `timestamp` to `timestamptz` or back.

    PostgreSQL's own cast would read the values in the session's zone, and two databases migrated
    from two places would differ.
    """
    found: dict[tuple[str, str, str], str] = {}
    for column in after.of(Column):
        old = before.facts.get(column.key)
        zones = (_zone(old.type) if isinstance(old, Column) else None, _zone(column.type))
        if None not in zones and zones[0] != zones[1]:
            place = (column.schema, column.table, column.name)
            found[place] = f"{ident(column.name)} AT TIME ZONE 'UTC'"
    return found


def _zone(type_: str) -> str | None:
    match = _TIMESTAMP.fullmatch(type_)
    return match.group(2) if match else None
