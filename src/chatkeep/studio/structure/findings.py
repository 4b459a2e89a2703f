"""What the conventions and the doctor say, and the doctor's last visit."""

import asyncio
import datetime as dt
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from sqlalchemy import MetaData

from chatkeep.doctor import Finding, Options, Report, diagnose
from chatkeep.kit.plan.quoting import ident
from chatkeep.schema.conventions import RULES, check_conventions
from chatkeep.schema.schema import Schema
from chatkeep.studio.ground import Ground
from chatkeep.studio.structure.reading import Name

_TABLE = re.compile(r'table ("(?:[^"]|"")*"\."(?:[^"]|"")*")(?= |$)')


def conventions(schema: object) -> list[dict[str, object]] | None:
    """Give the breaches of the conventions by the tables that are declared; None without any.

    The seed's edition is as the seed wrote it: it is held to none, as by `chatkeep check`.
    """
    if isinstance(schema, Schema) and schema.edition == "seed":
        return []
    metadata = schema if isinstance(schema, MetaData) else getattr(schema, "metadata", None)
    if not isinstance(metadata, MetaData):
        return None
    prefix = schema.prefix if isinstance(schema, Schema) else ""
    schemas = {table.name: table.schema or "public" for table in metadata.tables.values()}
    return [
        {
            "schema": schemas[breach.table],
            "table": breach.table,
            "column": breach.column,
            "rule": breach.rule,
            "asks": RULES[breach.rule],
            "message": breach.message,
        }
        for breach in check_conventions(metadata, prefix=prefix)
    ]


@dataclass(slots=True)
class _Visit:
    """The doctor's last visit; one at a time."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    report: Report | None = None
    at: dt.datetime | None = None
    seconds: float = 0.0


_VISITS: WeakKeyDictionary[Ground, _Visit] = WeakKeyDictionary()


async def visit(ground: Ground) -> None:
    """Let the doctor look. Who comes while somebody else's visit lasts takes its outcome.

    Raises:
        ConnectionFailedError: The database cannot be reached, or the connection broke.
    """
    held = _VISITS.setdefault(ground, _Visit())
    before = held.at
    async with held.lock:
        if held.at != before:
            return
        settings = ground.settings
        options = Options(
            folder=settings.migrations,
            tables_filter=settings.tables_filter,
            embedded=None if settings.url else settings.embedded_root,
        )
        started = time.monotonic()
        schema = MetaData() if ground.schema is None else ground.schema
        held.report = await diagnose(schema, ground.url, options)
        held.seconds = time.monotonic() - started
        held.at = dt.datetime.now(dt.UTC)


def last_visit(ground: Ground, names: Collection[Name]) -> dict[str, object] | None:
    """Give the doctor's last report; None before the first visit.

    Args:
        ground: Whose.
        names: The tables there are: each finding says which of them it is about.
    """
    held = _VISITS.get(ground)
    if held is None or held.report is None:
        return None
    by_ident = {ident(*name): name for name in names}
    return {
        "at": held.at,
        "seconds": held.seconds,
        "checked": list(held.report.checked),
        "findings": [_finding(each, by_ident) for each in held.report.findings],
        "unseen": [{"check": each.check, "reason": each.reason} for each in held.report.unseen],
    }


def _finding(finding: Finding, names: Mapping[str, Name]) -> dict[str, object]:
    told = (names.get(found[1]) for found in _TABLE.finditer(finding.about))
    return {**finding.as_json(), "table": next((name for name in told if name), None)}
