"""What goes with the tables of a schema and is no table."""

from dataclasses import dataclass
from typing import Literal

from chatkeep.schema.naming import quote_name


@dataclass(frozen=True)
class Extra:
    """What goes with the tables, such as a function, a trigger or a policy.

    Attributes:
        kind: What it is. A `role` belongs to the server: the migration that first names it makes it.
        name: Its name in PostgreSQL.
        create: A statement that makes it, or replaces it.
        drop: A statement that takes it away, if it is there.
        before_tables: It comes before the tables, which need it; all others come after them.
    """

    kind: Literal[
        "extension",
        "schema",
        "function",
        "view",
        "trigger",
        "role",
        "row security",
        "policy",
        "grant",
    ]
    name: str
    create: str
    drop: str
    before_tables: bool = False


def extension(name: str) -> Extra:
    """Give an extension of PostgreSQL that tables need."""
    quoted = quote_name(name)
    return Extra(
        "extension",
        name,
        f"CREATE EXTENSION IF NOT EXISTS {quoted}",
        f"DROP EXTENSION IF EXISTS {quoted}",
        before_tables=True,
    )
