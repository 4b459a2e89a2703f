"""What of a shared database belongs to a project: what its migrations make, and what sits on it."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Kind
from chatkeep.kit.catalog.ownership import owned

_RELATIONS = (Kind.TABLE, Kind.VIEW, Kind.MATERIALIZED_VIEW)


def belongings(live: Catalog, known: Sequence[Catalog], patterns: Sequence[str] = ()) -> Catalog:
    """Give the part of a database that is the project's; other projects' parts are left out.

    Args:
        live: What the database holds.
        known: What the project makes; whatever has the name of something in it is the project's.
        patterns: Tables of the schema public that are the project's beside, such as `app_*`.
    """
    ours = {key for catalog in known for key in catalog.facts}
    names = {key.path[:2] for key in ours if key.kind in _RELATIONS}

    def owns(schema: str, name: str) -> bool:
        claimed = schema == "public" and any(fnmatchcase(name, pattern) for pattern in patterns)
        return claimed or (schema, name) in names

    part = owned(live, owns)
    facts = {key: fact for key, fact in live.facts.items() if key in part.facts or key in ours}
    told = {thing for catalog in known for thing in catalog.unmodelled}
    unmodelled = [one for one in part.unmodelled if one.table is not None or one in told]
    return replace(live, facts=facts, unmodelled=tuple(unmodelled))
