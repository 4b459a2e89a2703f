"""REVOKE on a table takes the grants on its columns along: those that stay are given again."""

from chatkeep.kit.catalog.fact import Key, Kind
from chatkeep.kit.catalog.privileges import Grant
from chatkeep.kit.plan.changes import Changes
from chatkeep.kit.plan.kinds.privileges import GRANT


def regrant_columns(changes: Changes) -> None:
    """Give the grants on columns again where the table's own grant to the role shrinks."""
    before, after = changes.context.before, changes.context.after
    shrunk: dict[tuple[tuple[str, ...], str], Key] = {}
    for grant in before.of(Grant):
        if grant.target.kind is not Kind.COLUMN and len(grant.target.path) == 2:
            touched = grant.key in changes.drops or grant.key in changes.alters
            if touched:
                shrunk[grant.target.path, grant.role] = grant.key
    for grant in after.of(Grant):
        leader = shrunk.get((grant.target.path[:2], grant.role))
        if grant.target.kind is not Kind.COLUMN or leader is None:
            continue
        if grant.key in before.facts and grant.key not in changes.drops:
            changes.alters[grant.key] = [*changes.alters.get(grant.key, ()), *GRANT.create(grant)]
            changes.follows[grant.key] = leader
