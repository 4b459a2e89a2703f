"""NOT NULL that comes together with a default: the empty values take the default first."""

from chatkeep.kit.catalog.fact import Kind
from chatkeep.kit.catalog.tables import Column, Default
from chatkeep.kit.plan.changes import Changes
from chatkeep.kit.plan.kinds.columns import DEFAULT
from chatkeep.kit.plan.quoting import ident


def fill_empty(changes: Changes) -> None:
    """Write the default, an UPDATE of the NULLs, and only then SET NOT NULL.

    Without a new default the NULLs are left alone: what they should be is not ours to guess.
    """
    before, after = changes.context.before, changes.context.after
    for key in [key for key in changes.alters if key.kind is Kind.COLUMN]:
        column, wanted = before.facts.get(key), after.facts.get(key)
        default = after.find(Default, *key.path)
        if not isinstance(column, Column) or not isinstance(wanted, Column) or default is None:
            continue
        new = default.key in changes.creates or default.key in changes.alters
        if not new or column.not_null or not wanted.not_null:
            continue
        at = next((n for n, sql in enumerate(changes.alters[key]) if "NOT NULL" in sql), None)
        if at is None:
            continue
        setting = [changes.alone(default.key, sql) for sql in DEFAULT.create(default)]
        changes.alters[key][at:at] = [*setting, filling(wanted)]
        changes.creates.discard(default.key)
        changes.alters.pop(default.key, None)
        if default.key not in changes.drops:
            changes.carried[default.key] = key


FILLS = "-- Fills the empty values of column "
"""How the UPDATE begins, by which a plan tells it from other statements."""


def filling(column: Column) -> str:
    """Give the UPDATE, with a comment that says what it does."""
    name = ident(column.name)
    said = " ".join(".".join(column.path).split())
    update = f"UPDATE {ident(*column.path[:2])} SET {name} = DEFAULT WHERE {name} IS NULL"  # noqa: S608 - names are quoted
    return f"{FILLS}{said} with its new default.\n{update}"
