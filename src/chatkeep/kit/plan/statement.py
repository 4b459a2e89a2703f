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
        destructive: It may lose stored rows or values: DROP of a table or column, a narrower type.
    """

    sql: str
    kind: str
    object: str
    action: str = "alter"
    destructive: bool = False
