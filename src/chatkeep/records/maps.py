"""Records of the maps preset. Field order is the column order of the hardened tables."""

from datetime import datetime
from typing import ClassVar

from chatkeep.records.base import Record


class User(Record, rename="camel"):
    """Somebody who can sign in. Here `email_verified` says whether, not when."""

    id: str
    email: str
    email_verified: bool
    name: str | None
    image: str | None
    created_at: datetime
    updated_at: datetime


class Session(Record, rename="camel"):
    """A sign-in that lasts until `expires_at`. The token is a secret: a cookie carries it."""

    _secrets: ClassVar[frozenset[str]] = frozenset({"token"})

    id: str
    user_id: str
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    token: str
    ip_address: str | None
    user_agent: str | None


class Account(Record, rename="camel"):
    """A user's account with a provider, or their password. The tokens in it are secrets."""

    _secrets: ClassVar[frozenset[str]] = frozenset(
        {"access_token", "refresh_token", "id_token", "password"}
    )

    id: str
    account_id: str
    provider_id: str
    user_id: str
    access_token: str | None
    refresh_token: str | None
    id_token: str | None
    access_token_expires_at: datetime | None
    refresh_token_expires_at: datetime | None
    scope: str | None
    password: str | None
    created_at: datetime
    updated_at: datetime


class Verification(Record, rename="camel"):
    """A value that went out to somebody, good until `expires_at`."""

    _secrets: ClassVar[frozenset[str]] = frozenset({"value"})

    id: str
    identifier: str
    value: str
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
