"""One statement of a plan."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL that takes the database one step further.

    Attributes:
        sql: One statement without a semicolon at its end.
        kind: The kind of object it is about, such as `table` or `foreign key`.
        object: Its qualified name, dots between the parts, for reports.
        action: `create`, `alter`, `drop` or `rename`.
        loses: Which stored rows or values go or change when it runs, in words; else empty.
        fills: Whose empty values an UPDATE gives the new default, in words; else empty.
    """

    sql: str
    kind: str
    object: str
    action: str = "alter"
    loses: str = ""
    fills: str = ""

    @property
    def destructive(self) -> bool:
        """Whether stored rows or values go or change: DROP of a table or column, a coarser type."""
        return bool(self.loses)
