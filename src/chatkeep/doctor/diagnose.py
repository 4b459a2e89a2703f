"""Runs the checks, each in a read-only transaction of its own."""

from collections.abc import Iterable, Sequence

import asyncpg

from chatkeep.doctor.check import Check
from chatkeep.doctor.finding import Finding, Report, Severity, Unseen
from chatkeep.doctor.options import Options
from chatkeep.doctor.place import Place, told
from chatkeep.doctor.registry import CHECKS
from chatkeep.errors import ChatkeepError, ConfigError, ConnectionFailedError
from chatkeep.kit.connection import BROKEN, connect
from chatkeep.kit.refusal import describe
from chatkeep.kit.target import target_of

_ORDER = list(Severity)
_WHO = "select pg_catalog.current_database()::text, current_user::text"


async def diagnose(schema: object, url: str, options: Options | None = None) -> Report:
    """Say what is wrong or missing in a database, each with the command that mends it.

    Nothing is written: every check has a read-only transaction of its own, with a time-out. A check
    that the role may not make, or that takes too long, is reported as not looked at.

    Args:
        schema: What the database should hold: a schema object, or a MetaData.
        url: The database. It may lead through a pooler in transaction mode.
        options: Which checks, the migrations folder, and from where on something counts.

    Raises:
        ConfigError: A check's name is unknown, no check is left, or `schema` is no schema.
        InvalidUrlError: The URL cannot be read.
        ConnectionFailedError: The database cannot be reached, or the connection broke.

    Example:
        >>> report = await diagnose(schema, "postgresql://localhost/app")
        >>> for finding in report.findings:
        ...     print(finding.about, finding.mend)
    """
    options = options or Options()
    chosen = _chosen(options.only, options.skip)
    target = target_of(schema)
    findings: list[Finding] = []
    unseen: list[Unseen] = []
    async with connect(url, name="chatkeep doctor", keeps=False) as connection:
        place = Place(connection, schema, target, options)
        async with connection.transaction(readonly=True):
            place.database, place.role = (await place.fetch(_WHO))[0]
        for check in chosen:
            found, reasons = await _run(check, place)
            findings += found
            unseen += [Unseen(check.name, reason) for reason in reasons]
    findings.sort(key=lambda finding: _ORDER.index(finding.severity))
    return Report(tuple(findings), tuple(unseen), tuple(check.name for check in chosen))


def _chosen(only: Iterable[str], skip: Iterable[str]) -> list[Check]:
    names = {check.name for check in CHECKS}
    wanted, left = set(only), set(skip)
    for name in sorted((wanted | left) - names):
        raise ConfigError(
            f"There is no check `{name}`.", hint=f"The checks are: {', '.join(sorted(names))}."
        )
    chosen = [c for c in CHECKS if (not wanted or c.name in wanted) and c.name not in left]
    if not chosen:
        raise ConfigError("No check is left to make.", hint="Skip fewer, or name others in `only`.")
    return chosen


async def _run(check: Check, place: Place) -> tuple[list[Finding], Sequence[str]]:
    """Let one check look; what stops it stops no other."""
    timeout = place.limits.statement_timeout
    milliseconds = max(1, int(timeout.total_seconds() * 1000))
    try:
        async with place.connection.transaction(readonly=True):
            # A check waits for nobody: what somebody has locked is not looked at.
            await place.connection.execute(
                f"SET LOCAL statement_timeout = {milliseconds}; SET LOCAL lock_timeout = 500"
            )
            found = await check.look(place)
    except asyncpg.QueryCanceledError:
        return [], [*place.take_blind(), f"it took longer than {told(timeout)}"]
    except BROKEN:
        raise
    except asyncpg.PostgresError as exc:
        return [], [*place.take_blind(), describe(exc)]
    except ConnectionFailedError:
        raise
    except ChatkeepError as exc:
        return [], [*place.take_blind(), str(exc)]
    findings = [
        Finding(
            check.name,
            each.severity or check.severity,
            each.about,
            each.message,
            check.why,
            each.mend,
            each.mend_with,
        )
        for each in found
    ]
    return findings, place.take_blind()
