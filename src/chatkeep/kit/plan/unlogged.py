"""Tables that refer to each other cannot become logged or unlogged one after the other."""

from chatkeep.kit.catalog.constraints import ForeignKey
from chatkeep.kit.catalog.tables import Table
from chatkeep.kit.plan.changes import Changes


def free_circles(changes: Changes) -> None:
    """Make the foreign keys anew that form a circle of tables which change their logging."""
    before, after = changes.context.before, changes.context.after
    switched = {
        table.path
        for table in before.of(Table)
        if (other := after.find(Table, *table.path)) is not None
        and other.unlogged != table.unlogged
    }
    keys = [
        key
        for key in before.of(ForeignKey)
        if {key.path[:2], _target(key)} <= switched
        and key.path[:2] != _target(key)
        and key.key in after.facts
    ]
    while True:
        targets, sources = {_target(key) for key in keys}, {key.path[:2] for key in keys}
        left = [key for key in keys if key.path[:2] in targets and _target(key) in sources]
        if len(left) == len(keys):
            break
        keys = left
    for key in keys:
        changes.replace(key.key)


def _target(key: ForeignKey) -> tuple[str, ...]:
    return (key.target_schema, key.target_table)
