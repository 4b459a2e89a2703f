"""What goes with the tables of a schema and is no table."""

from dataclasses import dataclass
from typing import Literal


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

    kind: Literal["function", "trigger", "role", "row security", "policy", "grant"]
    name: str
    create: str
    drop: str
    before_tables: bool = False
