"""The text of a migration file."""

import textwrap
from collections.abc import Sequence
from itertools import takewhile

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder.reading import MARKER, join_statements
from chatkeep.kit.plan.statement import Statement

WIDTH = 96  # of a comment at the head of a file


def statements_sql(statements: Sequence[Statement]) -> str:
    """Give the file of a plan, with drizzle's marker and its line ends.

    Raises:
        MigrationsFolderError: A statement holds the marker, in a text or a name.
    """
    for statement in statements:
        if MARKER in statement.sql:
            raise MigrationsFolderError(
                f"The {statement.kind} {statement.object} holds `{MARKER}`, at which the file of a "
                "migration is split.",
                hint="Write it in another way.",
            )
    return join_statements([_with_end(statement) for statement in statements])


def stage_sql(sql: Sequence[str]) -> str:
    """Give the file of a stage's own statements."""
    return join_statements([f"{text.strip().rstrip(';')};\n" for text in sql])


def steps_sql(head: str, sql: Sequence[str]) -> str:
    """Give the file of a step of a safe series."""
    return with_comment(stage_sql(sql), head) if head else stage_sql(sql)


def before(sql: str, first: str) -> str:
    """Put the statements of one file before those of another, below what stands at its head."""
    lines = sql.splitlines(keepends=True)
    head = list(takewhile(lambda line: line.startswith("-- "), lines))
    return f"{''.join(head)}{first}{MARKER}\n{''.join(lines[len(head) :])}"


def with_losses(sql: str, losses: Sequence[str]) -> str:
    """Put before the first statement what is lost when the file is applied."""
    return "".join(f"-- Loses data: {one_line(loss)}.\n" for loss in losses) + sql


def one_line(text: str) -> str:
    """Keep a name with a line break from ending the comment."""
    return " ".join(text.split())


def with_head(sql: str, name: str, summary: str) -> str:
    """Put a comment before the first statement: what the step does, and why."""
    return with_comment(sql, f"{name.capitalize()}: {summary}")


def with_comment(sql: str, words: str) -> str:
    """Put a comment before the first statement."""
    lines = textwrap.wrap(words, WIDTH - 3)
    return "".join(f"-- {line}\n" for line in lines) + sql


def _with_end(statement: Statement) -> str:
    """End a statement as drizzle-kit does: some kinds carry a line break, most do not."""
    table = statement.kind == "table" and statement.action == "create"
    schema = statement.kind == "schema"
    reference = statement.kind == "foreign key" and statement.action == "drop"
    return f"{statement.sql};\n" if table or schema or reference else f"{statement.sql};"
