"""The DeepSearch preset: an AI chat application in the shape of Auth.js.

schema = deepsearch.schema(prefix="ai-app-template_")
"""

from typing import Literal, overload

from chatkeep.presets.deepsearch.columns import (
    AccountColumns,
    ChatColumns,
    MessageColumns,
    SearchCacheColumns,
    SessionColumns,
    UserColumns,
    UserSettingsColumns,
    VerificationTokenColumns,
)
from chatkeep.presets.deepsearch.embeddings import embeddings
from chatkeep.presets.deepsearch.hardened import PREFIX, Schema
from chatkeep.presets.deepsearch.seed import SeedSchema
from chatkeep.schema.schema import Security


@overload
def schema(
    prefix: str = ...,
    edition: Literal["hardened"] = ...,
    *,
    seed_writers: bool = ...,
    security: Security | None = ...,
    app_role: str | None = ...,
    pg_adapter: str | None = ...,
) -> Schema: ...
@overload
def schema(prefix: str = ..., *, edition: Literal["seed"]) -> SeedSchema: ...
def schema(
    prefix: str = PREFIX,
    edition: Literal["hardened", "seed"] = "hardened",
    *,
    seed_writers: bool = False,
    security: Security | None = None,
    app_role: str | None = None,
    pg_adapter: str | None = None,
) -> Schema | SeedSchema:
    """Give the tables under a prefix.

    Args:
        prefix: Stands before every name.
        edition: `hardened`, or `seed` for a database as Drizzle made it.
        seed_writers: Whether code written for the seed writes to the same database. The seed's own
            edition needs nothing for that.
        security: "rls" for row-level security; None, and in the seed's edition, for none.
        app_role: Name of the role under which a user's scope runs then; `<prefix>app` unless given.
        pg_adapter: Database schema for views by which `@auth/pg-adapter` works on the tables, such
            as "authjs"; none unless given.

    Raises:
        ConfigError: A name is longer than 63 bytes, or the security, role or schema is none.
    """
    if edition == "seed":
        return SeedSchema(prefix)
    return Schema(
        prefix,
        seed_writers=seed_writers,
        security=security,
        app_role=app_role,
        pg_adapter=pg_adapter,
    )


__all__ = [
    "PREFIX",
    "AccountColumns",
    "ChatColumns",
    "MessageColumns",
    "Schema",
    "SearchCacheColumns",
    "SeedSchema",
    "SessionColumns",
    "UserColumns",
    "UserSettingsColumns",
    "VerificationTokenColumns",
    "embeddings",
    "schema",
]
