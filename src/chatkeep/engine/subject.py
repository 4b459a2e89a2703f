"""What a Core statement does, and to which tables: read from its parts, for reports."""

import re
from dataclasses import dataclass

from sqlalchemy import CompoundSelect, Delete, Insert, Select, Table, Update
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.visitors import iterate

_WRITES: tuple[tuple[type[ClauseElement], str], ...] = (
    (Insert, "INSERT"),
    (Update, "UPDATE"),
    (Delete, "DELETE"),
)

_MAX_TITLE = 255  # as OpenTelemetry's conventions have it for `db.query.summary`


@dataclass(frozen=True, slots=True)
class Subject:
    """What a statement is about.

    Attributes:
        operation: `SELECT`, or what the statement writes with: `INSERT`, `UPDATE` or `DELETE`.
            Empty where it writes with several of them, or is text.
        tables: Names of its tables as the schema writes them, each once, in the order of its SQL.
    """

    operation: str = ""
    tables: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Both in one line of at most 255 characters; tables that do not fit are left out."""
        title = self.operation
        for table in self.tables:
            if len(title) + 1 + len(table) > _MAX_TITLE:
                break
            title = f"{title} {table}"
        return title


NO_SUBJECT = Subject()
"""Of what is no statement of Core."""


def subject_of(clause: ClauseElement, sql: str) -> Subject:
    """Find the operation and the tables of a statement, those of its subqueries included.

    Args:
        clause: The statement.
        sql: What it was compiled to, for the order.
    """
    writes: set[str] = set()
    reads = False
    tables: set[str] = set()
    for element in iterate(clause):
        if isinstance(element, Table):
            tables.add(element.name)
        elif isinstance(element, Select | CompoundSelect):
            reads = True
        writes.update(word for kind, word in _WRITES if isinstance(element, kind))
    found = writes or ({"SELECT"} if reads else set())
    return Subject(found.pop() if len(found) == 1 else "", tuple(_in_order(tables, sql)))


def _in_order(tables: set[str], sql: str) -> list[str]:
    """Order names by their first place in the SQL, where no other name goes on with them."""
    found = {name: re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", sql) for name in tables}
    places = {name: match.start() if match else len(sql) for name, match in found.items()}
    return sorted(tables, key=lambda name: (places[name], name))
