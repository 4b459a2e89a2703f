"""Findings about the files: the way back, and what a file acknowledges."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from chatkeep.kit.folder import Migration
from chatkeep.kit.folder.directives import directives
from chatkeep.kit.folder.reading import read_text
from chatkeep.kit.review.finding import Finding, Severity
from chatkeep.kit.review.rules import RULES

ALLOW = "allow"
"""The directive `-- chatkeep:allow <rule> <reason>`."""

_LOSES = "-- Loses data: "


def down_findings(migration: Migration) -> Iterator[Finding]:
    """Tell whether there is a way back, and what it loses.

    Raises:
        MigrationsFolderError: The file beside cannot be read.
    """
    path = migration.down_path
    if not path.exists():
        message = f"There is no {path.name}: `chatkeep rollback` refuses this migration."
        yield _about(migration, "no-down-file", 1, migration.tag, message)
        return
    for line in read_text(path).splitlines():
        if line.startswith(_LOSES):
            message = f"`chatkeep rollback` loses {line.removeprefix(_LOSES)}"
            yield _about(migration, "down-loses-data", 1, path.name, message)


def acknowledged(migration: Migration, findings: Sequence[Finding]) -> list[Finding]:
    """Give the findings with what the file says about them, and what is wrong with what it says.

    One line acknowledges every finding of its rule in the file. Without a reason it does nothing.
    """
    allows = [each for each in directives(migration.sql) if each.word == ALLOW]
    reasons: dict[str, str] = {}
    wrong: list[Finding] = []
    there = Counter(found.rule for found in findings)
    there.update(f"squawk:{name}" for found in findings for name in found.also)
    for allow in allows:
        rule, _, reason = allow.arguments.partition(" ")
        if not reason.strip():
            message = f"The line allows {rule or 'nothing'} and does not say why, so it counts for nothing."
            wrong.append(_about(migration, "allow-without-reason", allow.line, rule, message))
        elif not there[rule]:
            known = rule in RULES or rule.startswith("squawk:")
            message = (
                f"The review finds no {rule} in this file."
                if known
                else f"There is no rule {rule}."
            )
            wrong.append(_about(migration, "allow-matches-nothing", allow.line, rule, message))
        else:
            reasons.setdefault(rule, reason.strip())
    return [*(replace(each, acknowledged=reasons.get(each.rule)) for each in findings), *wrong]


def _about(migration: Migration, rule: str, line: int, subject: str, message: str) -> Finding:
    known = RULES[rule]
    severity: Severity = known.severity
    return Finding(rule, severity, migration.label, line, subject, message, known.safe)
