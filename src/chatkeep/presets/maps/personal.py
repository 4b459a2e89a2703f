"""What is to be known of persons in the maps tables, beside their foreign keys."""

from collections.abc import Mapping
from types import MappingProxyType

from chatkeep.schema.personal import Personal, secret

# Without a column for its token, a session's id is what the cookie carries.
PERSONAL: Mapping[str, tuple[Personal, ...]] = MappingProxyType({"sessions": (secret("id"),)})
