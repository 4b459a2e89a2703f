"""The maps preset: users, sessions, accounts and verifications in the shape of Better Auth.

schema = maps.schema()
"""

from typing import Literal, overload

from chatkeep.presets.maps.columns import (
    AccountColumns,
    SessionColumns,
    UserColumns,
    VerificationColumns,
)
from chatkeep.presets.maps.hardened import Schema
from chatkeep.presets.maps.seed import SeedSchema
from chatkeep.schema.schema import Security


@overload
def schema(
    prefix: str = ...,
    edition: Literal["hardened"] = ...,
    *,
    seed_writers: bool = ...,
    security: Security | None = ...,
    app_role: str | None = ...,
) -> Schema: ...
@overload
def schema(prefix: str = ..., *, edition: Literal["seed"]) -> SeedSchema: ...
def schema(
    prefix: str = "",
    edition: Literal["hardened", "seed"] = "hardened",
    *,
    seed_writers: bool = False,
    security: Security | None = None,
    app_role: str | None = None,
) -> Schema | SeedSchema:
    """Give the tables under a prefix.

    Args:
        prefix: Stands before every name.
        edition: `hardened`, or `seed` for a database as Drizzle made it.
        seed_writers: Whether code written for the seed writes to the same database. The seed's own
            edition needs nothing for that.
        security: "rls" for row-level security; None, and in the seed's edition, for none.
        app_role: Name of the role under which a user's scope runs then; `<prefix>app` unless given.

    Raises:
        ConfigError: A name is longer than 63 bytes, or the security or role is none.
    """
    if edition == "seed":
        return SeedSchema(prefix)
    return Schema(prefix, seed_writers=seed_writers, security=security, app_role=app_role)


__all__ = [
    "AccountColumns",
    "Schema",
    "SeedSchema",
    "SessionColumns",
    "UserColumns",
    "VerificationColumns",
    "schema",
]
