"""squawk as an outside judge: what it says of the same files, laid beside what was measured."""

import asyncio
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from chatkeep.kit.review.finding import Finding, Severity
from chatkeep.kit.review.rules import RULES
from chatkeep.kit.review.steps import Statement, statements_of
from chatkeep.kit.review.trace import Trace

ABSENT = "squawk is not installed (`pip install chatkeep[review]`): its opinion is missing."

_SECONDS = 60
_LEFT_OUT = "prefer-robust-stmts,require-lock-timeout,require-statement-timeout"
"""What `chatkeep migrate` sees to: each file runs once, whole or not at all, with time limits."""

_OURS: dict[str, frozenset[str]] = {
    "require-concurrent-index-creation": frozenset({"index-locks-writes"}),
    "require-concurrent-index-deletion": frozenset({"index-drop-locks"}),
    "require-concurrent-reindex": frozenset({"index-rebuild-locks"}),
    "require-concurrent-partition-detach": frozenset({"partition-detach-locks"}),
    "constraint-missing-not-valid": frozenset(
        {"check-scans", "foreign-key-scans", "not-null-scans", "work-under-lock"}
    ),
    "adding-foreign-key-constraint": frozenset({"foreign-key-scans"}),
    "adding-field-with-default": frozenset({"added-column-rewrites"}),
    "adding-serial-primary-key-field": frozenset({"unique-locks-table", "added-column-rewrites"}),
    "adding-not-nullable-field": frozenset({"not-null-scans", "work-under-lock"}),
    "changing-column-type": frozenset({"column-type-rewrites", "index-rebuild-locks"}),
    "disallowed-unique-constraint": frozenset({"unique-locks-table"}),
    "ban-create-domain-with-constraint": frozenset({"check-scans"}),
    "ban-alter-domain-with-add-constraint": frozenset({"check-scans"}),
}
"""Rules of squawk about locks, and ours that measure the same."""

_SAME: dict[str, frozenset[str]] = {
    "adding-required-field": frozenset({"required-column"}),
    "ban-char-field": frozenset({"char-type"}),
    "ban-drop-column": frozenset({"column-dropped"}),
    "ban-drop-table": frozenset({"table-dropped"}),
    "ban-truncate-cascade": frozenset({"truncates"}),
    "ban-drop-default": frozenset({"default-dropped"}),
    "ban-drop-sequence": frozenset({"object-dropped"}),
    "identifier-too-long": frozenset({"name-too-long"}),
    "prefer-bigint-over-int": frozenset({"small-key"}),
    "prefer-bigint-over-smallint": frozenset({"small-key"}),
    "prefer-identity": frozenset({"serial-type"}),
    "prefer-timestamp-tz": frozenset({"timestamp-without-zone"}),
    "renaming-column": frozenset({"column-renamed"}),
    "renaming-table": frozenset({"table-renamed"}),
    "renaming-object": frozenset({"object-renamed", "table-renamed", "column-renamed"}),
    "changing-column-type": frozenset({"column-type-changed", "values-cut"}),
}
"""Rules of squawk about other things, and ours that say the same."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What squawk says about a place.

    Attributes:
        line: From 1.
    """

    file: str
    line: int
    rule: str
    message: str
    help: str


def find_squawk() -> str | None:
    """Give the path of squawk's binary, beside this Python or on the PATH; None without one."""
    beside = shutil.which("squawk", path=str(Path(sys.executable).parent))
    return beside or shutil.which("squawk")


async def remarks(
    binary: str, files: Sequence[Path], *, version: int, in_transaction: bool
) -> list[Remark] | None:
    """Ask squawk about files; None where it cannot be run, or answers something else.

    Args:
        binary: Its path.
        files: The migrations.
        version: Major version of PostgreSQL.
        in_transaction: Whether each file runs in a transaction.
    """
    if not files:
        return []
    words = ["--reporter", "json", "--pg-version", f"{version}.0", "--exclude", _LEFT_OUT]
    words += ["--assume-in-transaction"] if in_transaction else ["--no-assume-in-transaction"]
    try:
        process = await asyncio.create_subprocess_exec(
            binary,
            *words,
            *(str(path) for path in files),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        out, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return _read(out.decode("utf-8", "replace"))


def _read(text: str) -> list[Remark] | None:
    try:
        items: object = json.loads(text)
    except json.JSONDecodeError:
        return None
    if not isinstance(items, list):
        return None
    return [_remark(cast("dict[str, object]", item)) for item in cast("list[object]", items)]


def _remark(item: dict[str, object]) -> Remark:
    line = item.get("line")
    return Remark(
        str(Path(str(item.get("file")))),
        (line if isinstance(line, int) else 0) + 1,
        str(item.get("rule_name")),
        str(item.get("message")),
        str(item.get("help") or ""),
    )


def merged(trace: Trace, findings: Sequence[Finding], heard: Sequence[Remark]) -> list[Finding]:
    """Lay squawk's remarks about a file beside our findings.

    Where ours say the same of the same statement, they name squawk's rule. Where squawk fears a
    lock and the measurement finds none, the measurement wins, and a note says so. The rest become
    warnings of squawk's own.
    """
    found = list(findings)
    statements = statements_of(trace.migration)
    for remark in heard:
        number = _statement(statements, remark.line)
        wanted = _OURS.get(remark.rule, frozenset()) | _SAME.get(remark.rule, frozenset())
        here = [at for at, each in enumerate(found) if each.statement == number]
        places = [at for at in here if found[at].rule in wanted]
        if not places and remark.rule in _OURS:  # about waiting, as what was measured here
            places = [at for at in here if _is_about_waiting(found[at])]
        for at in places:
            found[at] = replace(found[at], also=tuple(sorted({*found[at].also, remark.rule})))
        if not places:
            found.append(_own(trace, remark, number))
    return found


def _is_about_waiting(finding: Finding) -> bool:
    known = RULES.get(finding.rule)
    grave = known is not None and known.severity is Severity.DANGER
    return known is not None and known.area == "locks" and grave


def _statement(statements: Sequence[Statement], line: int) -> int | None:
    numbers = [statement.number for statement in statements if statement.line <= line]
    return numbers[-1] if numbers else None


def _own(trace: Trace, remark: Remark, number: int | None) -> Finding:
    measured = any(step.statement.number == number for step in trace.steps)
    message, severity = remark.message, Severity.WARNING
    if measured and remark.rule in _OURS:
        severity = Severity.NOTE
        message = (
            f"squawk fears a lock: {message} Measured: no rewrite and no scan under a lock that "
            "keeps others waiting, so this is no danger here."
        )
    return Finding(
        rule=f"squawk:{remark.rule}",
        severity=severity,
        file=trace.migration.label,
        line=remark.line,
        subject=remark.rule,
        message=message,
        safe=remark.help,
        statement=number,
    )
