"""What a page shows of migrations, as plain data."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from chatkeep.kit.applying.forms import is_transactional
from chatkeep.kit.effect import Effect
from chatkeep.kit.folder import Folder, Migration
from chatkeep.kit.folder.tokens import tokens
from chatkeep.kit.reverting.reading import Seen
from chatkeep.kit.review import RULES, Finding, Measured, Review
from chatkeep.kit.review.modes import blocks, name
from chatkeep.kit.rollback import Options, Plan
from chatkeep.kit.status import Line, Status

MOST = 1 << 20
"""Characters of a file that a page gets."""
_STRENGTH = {name(lock): lock for lock in range(8)}
_CONCURRENTLY = {
    "index-locks-writes": re.compile(r"^(create\s+(?:unique\s+)?index)\s+", re.IGNORECASE),
    "index-drop-locks": re.compile(
        r"^(drop\s+index)\s+(?!.*\bcascade\b)", re.IGNORECASE | re.DOTALL
    ),
}
_CHECKING = re.compile(
    r"^(alter\s+table\s+(?:only\s+)?\S+)\s+add\s+constraint\s+(\S+)\s+(?:check|foreign\s+key)\b",
    re.IGNORECASE,
)


def listed(folder: Folder, status: Status | None, root: Path) -> dict[str, object]:
    """Give the folder's migrations in their order, with the state that a database has them in."""
    lines = {line.tag: line for line in status.lines} if status else {}
    return {
        "folder": shown(folder.path, root),
        "format": folder.format,
        "migrations": [
            {
                "tag": each.tag,
                "file": each.label,
                "when": each.when,
                "reverse": each.down_path.exists(),
                **state_of(lines.get(each.tag)),
            }
            for each in folder.migrations
        ],
        "notes": status.notes() if status else [],
        "strays": [shown(path, root) for path in folder.strays()],
    }


def shown(path: Path, root: Path) -> str:
    """Give a path as it is seen from the project."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def state_of(line: Line | None) -> dict[str, object]:
    """Give how a migration stands in the database."""
    if line is None:
        return {"state": "unread", "words": "", "advice": "", "applied": None, "seconds": None}
    return {
        "state": line.state,
        "words": line.words,
        "advice": line.advice,
        "applied": line.applied_at,
        "seconds": line.seconds,
    }


def paged(migration: Migration, line: Line | None, seen: Seen) -> dict[str, object]:
    """Give one migration whole."""
    return {
        "tag": migration.tag,
        "file": migration.label,
        "when": migration.when,
        "hash": migration.hash,
        "sql": migration.sql[:MOST],
        "characters": len(migration.sql),
        "statements": sum(bool(text.strip()) for text in migration.statements),
        "transaction": is_transactional(migration),
        "reverse": {
            "file": seen.file,
            "sql": None if seen.sql is None else seen.sql[:MOST],
            "fault": seen.fault,
            "loses": seen.loses,
            "proved": seen.is_proved,
            "generated": seen.is_generated,
        },
        **state_of(line),
    }


def affected(effect: Effect) -> dict[str, object]:
    """Give what a migration changes."""
    return {
        "changes": [
            {
                "kind": change.kind,
                "name": change.name,
                "found": change.found,
                "was": change.was,
                "before": change.before,
                "after": change.after,
                "parts": [
                    {"kind": part.kind, "name": part.name, "found": part.found}
                    for part in change.parts
                ],
            }
            for change in effect.changes
        ],
        "renamed": [
            {"table": table, "was": was, "name": now} for table, was, now in effect.renamed
        ],
        "others": effect.others,
    }


def reviewed(review: Review) -> dict[str, object]:
    """Give a review, its locks with what waits for them, its rules with their text."""
    return {
        "fails": review.fails,
        "migrations": [
            {
                "tag": each.tag,
                "file": each.file,
                "transaction": each.is_transactional,
                "statements": [_measured(statement) for statement in each.statements],
                "findings": [_finding(found, each.statements) for found in each.findings],
            }
            for each in review.migrations
        ],
        "tables": {table: size.as_json() for table, size in review.sizes.items()},
        "notes": review.notes,
    }


def _finding(found: Finding, statements: Iterable[Measured]) -> dict[str, object]:
    rule = RULES.get(found.rule)
    statement = next((each for each in statements if each.number == found.statement), None)
    return {
        **found.as_json(),
        "title": rule.title if rule else "",
        "rule_safe": rule.safe if rule else "",
        "sql": statement.sql if statement else "",
        "safe_sql": safe_form(found.rule, statement.sql) if statement else "",
    }


def safe_form(rule: str, sql: str) -> str:
    """Give the safe form of a statement where it follows from its words alone, else ""."""
    if not _is_single(sql):
        return ""
    pattern = _CONCURRENTLY.get(rule)
    if pattern is not None and "concurrently" not in sql.lower():
        changed, count = pattern.subn(r"\1 CONCURRENTLY ", sql, count=1)
        return f"{changed};\n" if count else ""
    match = _CHECKING.match(sql)
    is_valid = "not valid" not in sql.lower()
    if rule in {"check-scans", "foreign-key-scans"} and match is not None and is_valid:
        validate = f"{match[1]} VALIDATE CONSTRAINT {match[2]}"
        return f"{sql} NOT VALID;\n\n-- in the next migration:\n{validate};\n"
    return ""


def _is_single(sql: str) -> bool:
    """Whether a statement does one thing to one object, and words may follow its last one."""
    depth, is_open = 0, False
    for token in tokens(sql):
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            return False
        is_open = token.kind == "note"
    return not is_open


def _measured(statement: Measured) -> dict[str, object]:
    return {
        **statement.as_json(),
        "locks": _locks(statement.locks),
        "held": _locks(statement.held),
    }


def _locks(locks: Mapping[str, str]) -> list[dict[str, object]]:
    found = [(_STRENGTH.get(lock, -1), table, lock) for table, lock in locks.items()]
    return [
        {"table": table, "lock": lock, "strength": strength, "blocks": blocks(strength)}
        for strength, table, lock in sorted(found, key=lambda each: (-each[0], each[1]))
    ]


def planned(plan: Plan, options: Options) -> dict[str, object]:
    """Give what taking back would send, and what would go."""
    return {
        "steps": [
            {
                "tag": up.tag,
                "sql": sql[:MOST],
                "loses": [{"what": loss.words, "rows": loss.rows} for loss in plan.losses[up.tag]],
            }
            for up, sql in plan.sql(options)
        ],
        "note": plan.note,
    }
