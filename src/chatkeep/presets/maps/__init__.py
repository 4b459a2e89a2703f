"""The maps preset: users and sessions in the shape of Better Auth.

schema = maps.schema()
"""

from typing import Literal, overload

from chatkeep.presets.maps.columns import SessionColumns, UserColumns
from chatkeep.presets.maps.hardened import Schema
from chatkeep.presets.maps.seed import SeedSchema


@overload
def schema(
    prefix: str = ..., edition: Literal["hardened"] = ..., *, seed_writers: bool = ...
) -> Schema: ...
@overload
def schema(prefix: str = ..., *, edition: Literal["seed"]) -> SeedSchema: ...
def schema(
    prefix: str = "",
    edition: Literal["hardened", "seed"] = "hardened",
    *,
    seed_writers: bool = False,
) -> Schema | SeedSchema:
    """Give the tables under a prefix.

    Args:
        prefix: Stands before every name.
        edition: `hardened`, or `seed` for a database as Drizzle made it.
        seed_writers: Whether code written for the seed writes to the same database. The seed's own
            edition needs nothing for that.
    """
    if edition == "seed":
        return SeedSchema(prefix)
    return Schema(prefix, seed_writers=seed_writers)


__all__ = ["Schema", "SeedSchema", "SessionColumns", "UserColumns", "schema"]
