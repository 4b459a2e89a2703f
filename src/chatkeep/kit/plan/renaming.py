"""`--rename OLD:NEW` as people write it, for the planner."""

from collections.abc import Sequence

from chatkeep.errors import MigrationError
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.tables import Table
from chatkeep.kit.plan.renames import Renames


def parse_renames(texts: Sequence[str], catalog: Catalog) -> Renames:
    """Read `table:new`, `table.column:new` or `type.label:new`, each with or without a schema.

    Nothing after the colon means that it is no rename: the object goes.

    Raises:
        MigrationError: A text has no colon, or too many dots.
    """
    found: dict[tuple[str, ...], str | None] = {}
    for text in texts:
        old, colon, new = text.rpartition(":")
        parts = tuple(old.split("."))
        if not colon or not all(parts) or len(parts) > 3:
            raise MigrationError(
                f"The rename {text!r} cannot be read.",
                hint="Write table:new, table.column:new or type.label:new.",
            )
        found[_qualified(parts, catalog)] = new.rsplit(".", 1)[-1] or None
    return found


def _qualified(parts: tuple[str, ...], catalog: Catalog) -> tuple[str, ...]:
    if len(parts) == 1:
        return ("public", *parts)
    if len(parts) == 2 and catalog.find(Table, *parts) is None:
        return ("public", *parts)
    return parts
