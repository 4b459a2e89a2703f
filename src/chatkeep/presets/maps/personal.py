"""What leads to a person in the maps tables, beside their foreign keys, and what is secret."""

from collections.abc import Mapping
from types import MappingProxyType

from chatkeep.schema.personal import DELETE, Personal, mentions, secret

# In the seed, without a column for its token, a session's id is what the cookie carries; the token
# of such a session is its id.
SEED_PERSONAL: Mapping[str, tuple[Personal, ...]] = MappingProxyType({"sessions": (secret("id"),)})

PERSONAL: Mapping[str, tuple[Personal, ...]] = MappingProxyType(
    {
        "sessions": (secret("id", "token"),),
        "accounts": (secret("access_token", "refresh_token", "id_token", "password"),),
        # An identifier is an e-mail, or has one in it; the value may be a secret or name anybody.
        "verifications": (secret("value"), mentions("identifier", "value", rule=DELETE)),
    }
)
