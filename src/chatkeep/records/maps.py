"""Records of the maps preset. Field order is the column order of the hardened tables."""

from datetime import datetime

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
    """A sign-in that lasts until `expires_at`."""

    id: str
    user_id: str
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
