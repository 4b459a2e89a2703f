"""What leads to a person in the DeepSearch tables, beside their foreign keys."""

from collections.abc import Mapping
from types import MappingProxyType

from chatkeep.schema.personal import DELETE, Personal, mentions, reference

# A token's identifier is an e-mail, or has one in it; what somebody searched for may name anybody.
_WITHOUT_KEYS = {
    "verification_tokens": (mentions("identifier", rule=DELETE),),
    "search_cache": (mentions("query", "results", rule=DELETE),),
}

PERSONAL: Mapping[str, tuple[Personal, ...]] = MappingProxyType(
    {
        **_WITHOUT_KEYS,
        "search_events": (mentions("query", "user_group", rule=DELETE),),
        "search_days": (mentions("query", "user_group", rule=DELETE),),
    }
)

SEED_PERSONAL: Mapping[str, tuple[Personal, ...]] = MappingProxyType(
    {
        **_WITHOUT_KEYS,
        # The seed's text promises a cascade, its foreign keys have none.
        "accounts": (reference("user_id", rule=DELETE),),
        "sessions": (reference("user_id", rule=DELETE),),
    }
)
