"""Rows with the rows that belong to them, to any depth, in one statement.

`query` holds what a caller writes, `tree` compares it with the schema and the classes, `sql` makes
the statement, `shape` builds the objects, `wire` knows how a column travels as JSON.
"""

from chatkeep.access.nested.query import Nested, nested

__all__ = ["Nested", "nested"]
