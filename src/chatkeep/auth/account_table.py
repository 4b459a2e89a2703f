"""The accounts of either preset: what their columns with providers' tokens are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Table

from chatkeep.errors import ConfigError

TOKENS: Final = ("access_token", "refresh_token", "id_token")
"""The columns with tokens, the same in both."""


@dataclass(frozen=True, slots=True)
class AccountTable:
    """A table with accounts of providers.

    Attributes:
        table: With the columns of `TOKENS`, `user_id`, `scope` and `updated_at`.
        provider: Column with the provider's name.
        account: Column with the provider's own id; unique together with the provider.
        expires: Column with the access token's expiry.
        refresh_expires: Column with the refresh token's expiry, where there is one.
        is_better_auth: It has the shape of Better Auth, which may encrypt tokens itself.
    """

    table: Table
    provider: str
    account: str
    expires: str
    refresh_expires: str | None
    is_better_auth: bool


def find_account_table(tables: Mapping[str, Table]) -> AccountTable | None:
    """Give the accounts of a schema's tables, or None where they are of neither shape."""
    table = tables.get("accounts")
    if table is None:
        return None
    found = (
        AccountTable(
            table,
            "provider",
            "provider_account_id",
            "expires_at",
            None,
            is_better_auth=False,
        ),
        AccountTable(
            table,
            "provider_id",
            "account_id",
            "access_token_expires_at",
            "refresh_token_expires_at",
            is_better_auth=True,
        ),
    )
    for each in found:
        names = {*TOKENS, "user_id", "scope", "updated_at", each.provider, each.account}
        names |= {each.expires, each.refresh_expires or each.expires}
        if names <= {column.key for column in table.c}:
            return each
    return None


def account_table(tables: Mapping[str, Table]) -> AccountTable:
    """Give the accounts of a schema's tables.

    Raises:
        ConfigError: The schema has none, or they are in neither preset's shape.
    """
    found = find_account_table(tables)
    if found is None:
        raise ConfigError(
            "This schema has no accounts with providers' tokens.",
            hint="Both presets have them: `accounts` of the hardened edition.",
        )
    return found
