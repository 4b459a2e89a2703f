"""Patterns of tables: which of a database are the project's."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase


def claims(patterns: Sequence[str]) -> Callable[[str, str], bool]:
    """Give what says of (schema, name) whether a pattern claims it.

    A pattern is for tables of `public`, or for `schema.table` where it has a dot.
    """

    def claimed(schema: str, name: str) -> bool:
        names = (name, f"public.{name}") if schema == "public" else (f"{schema}.{name}",)
        return any(fnmatchcase(each, pattern) for each in names for pattern in patterns)

    return claimed
