"""Roles that the schema declares: made by the migration that first names them.

A role belongs to the server and not to the database, so no catalog of facts holds one, and nothing
ever drops it: another database may need it.
"""

from collections.abc import Sequence

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.privileges import DefaultPrivileges, Grant, Owner
from chatkeep.kit.catalog.programs import Policy
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.target import ExtraLike

KIND = "role"
"""The `kind` of an extra that makes a role where there is none."""


def missing_roles(extras: Sequence[ExtraLike], before: Catalog, after: Catalog) -> list[Statement]:
    """Give what makes the roles that the second state names and the first does not.

    Args:
        extras: Those of the schema.
        before: Facts of the database to change.
        after: Facts of the database that it shall become.
    """
    roles = {ident(_name(extra)): extra for extra in extras if _kind(extra) == KIND}
    new = _named(after) - _named(before) if roles else set[str]()
    return [
        Statement(extra.create.strip().removesuffix(";"), KIND, _name(extra), "create")
        for role, extra in roles.items()
        if role in new
    ]


def _kind(extra: ExtraLike) -> str:
    return str(getattr(extra, "kind", ""))


def _name(extra: ExtraLike) -> str:
    return str(getattr(extra, "name", ""))


def _named(catalog: Catalog) -> set[str]:
    found: set[str] = set()
    for fact in catalog.facts.values():
        match fact:
            case Policy():
                found.update(fact.roles)
            case Grant() | Owner() | DefaultPrivileges():
                found.add(fact.role)
            case _:
                pass
    return {_plain(role) for role in found}


def _plain(role: str) -> str:
    """Spell a role as `ident` does: the catalog quotes only where it must."""
    return role if role.startswith('"') else ident(role)
