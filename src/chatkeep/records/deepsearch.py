"""Records of the DeepSearch preset. Field order is the column order of the hardened tables."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal

from chatkeep.records.base import Record

Role = Literal["user", "assistant", "system", "tool"]
Status = Literal["complete", "streaming", "interrupted", "error"]
ShareKind = Literal["snapshot", "live"]


class User(Record, rename="camel"):
    """Somebody who can sign in. `email_verified` is the time of the verification, or None."""

    id: str
    name: str | None
    email: str
    email_verified: datetime | None
    image: str | None
    is_admin: bool
    created_at: datetime
    updated_at: datetime


class Account(
    Record,
    rename={
        "user_id": "userId",
        "provider_account_id": "providerAccountId",
        "created_at": "createdAt",
        "updated_at": "updatedAt",
    },
):
    """A user's account with an OAuth provider.

    The OAuth fields keep their snake_case in JSON, as Auth.js names them. `expires_at` is in
    seconds since 1970. The tokens are secrets: do not send this record to a browser.
    """

    _secrets: ClassVar[frozenset[str]] = frozenset({"refresh_token", "access_token", "id_token"})

    user_id: str
    type: str
    provider: str
    provider_account_id: str
    refresh_token: str | None
    access_token: str | None
    expires_at: int | None
    token_type: str | None
    scope: str | None
    id_token: str | None
    session_state: str | None
    created_at: datetime
    updated_at: datetime


class UserWithAccounts(User):
    """A user and the accounts they sign in with."""

    accounts: list[Account]


class Session(Record, rename="camel"):
    """A sign-in that lasts until `expires`. The token is a secret."""

    _secrets: ClassVar[frozenset[str]] = frozenset({"session_token"})

    session_token: str
    user_id: str
    expires: datetime
    created_at: datetime
    updated_at: datetime
    ip_address: str | None
    user_agent: str | None


class VerificationToken(Record, rename="camel"):
    """A token sent to an e-mail address, good for one use until `expires`."""

    _secrets: ClassVar[frozenset[str]] = frozenset({"token"})

    identifier: str
    token: str
    expires: datetime
    created_at: datetime
    updated_at: datetime


class Source(Record, rename="camel", omit_defaults=True):
    """A page that an answer cites. `favicon` is left out of JSON when there is none."""

    title: str
    url: str
    snippet: str
    favicon: str | None = None


class TokenUsage(Record, rename="camel"):
    """Tokens that a model used for one message."""

    prompt: int
    completion: int
    total: int


class MessageMetadata(Record, rename="camel", omit_defaults=True):
    """How an answer came about. Absent facts are left out of JSON.

    `processing_time` is in milliseconds.
    """

    search_query: str | None = None
    crawled_urls: list[str] | None = None
    model: str | None = None
    tokens: TokenUsage | None = None
    processing_time: float | None = None


class Chat(Record, rename="camel"):
    """A conversation of one user. `updated_at` is the time of its last activity.

    `head` is the last message of the branch that is shown; `revision` grows with each change.
    Retention keeps a pinned chat, and takes a temporary one early.
    """

    id: str
    user_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    head: str | None
    revision: int
    is_pinned: bool
    is_temporary: bool


class TrashedChat(Chat):
    """A chat in the trash, and since when."""

    deleted_at: datetime


class Message(Record, rename="camel"):
    """One message of a chat. `seq` orders the messages of a chat; numbers may be left out.

    `parent_id` is the message that it follows. `content` is the text to show and to search;
    `parts` is the application's or framework's own message, any JSON. `status` is `streaming`
    while it is being written, and `interrupted` when its writer died.
    """

    id: str
    chat_id: str
    role: Role
    content: str
    sources: list[Source] | None
    metadata: MessageMetadata | None
    created_at: datetime
    user_id: str
    seq: int
    parent_id: str | None
    parts: Any
    status: Status
    updated_at: datetime


class TrashedMessage(Message):
    """A message in the trash, and since when."""

    deleted_at: datetime


class MessageUsage(Record, rename="camel"):
    """What one answer used. `cost` is in the currency that the application counts in."""

    user_id: str
    message_id: str
    chat_id: str
    model: str | None
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: Decimal | None
    latency_ms: int | None
    created_at: datetime


class UsageTotals(Record, rename="camel"):
    """What several answers used. `cost` is None where none of them has one."""

    answers: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: Decimal | None


class ModelUsage(UsageTotals):
    """What the answers of one model used; `model` is None for those that were recorded without."""

    model: str | None


class DailyUsage(UsageTotals):
    """What the answers of one day used. The day is one in UTC."""

    day: date


class MessageFeedback(Record, rename="camel"):
    """What the user thought of an answer: `vote` is 1, -1 or None."""

    user_id: str
    message_id: str
    vote: int | None
    comment: str | None
    created_at: datetime
    updated_at: datetime


class ChatShare(Record, rename="camel"):
    """A link by which others read a chat. The link's secret is given once and not stored."""

    id: str
    user_id: str
    chat_id: str
    kind: ShareKind
    head: str | None
    title: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ChatShareWithToken(ChatShare):
    """A share that was made just now. Whoever has the token reads the chat: it is a secret.

    A log that shows the object does not show the token.
    """

    _secrets: ClassVar[frozenset[str]] = frozenset({"token"})

    token: str


class SharedChat(Record, rename="camel"):
    """What a stranger with the link sees of a chat. `shared_at` is the time of the share."""

    title: str
    kind: ShareKind
    shared_at: datetime


class SharedMessage(Record, rename="camel"):
    """What a stranger with the link sees of a message: nothing about its owner, no metadata."""

    id: str
    role: Role
    content: str
    sources: list[Source] | None
    parts: Any
    status: Status
    created_at: datetime


class ChatWithMessages(Chat):
    """A chat and its first messages, oldest first."""

    messages: list[Message]


class SearchCacheEntry(Record, rename="camel"):
    """A stored search result. `results` is whatever JSON the search gave.

    `key_hash` is None for a row that a writer of the seed's code stored.
    """

    id: int
    query: str
    results: Any
    created_at: datetime
    expires_at: datetime
    updated_at: datetime
    key_hash: bytes | None
    provider: str | None
    locale: str | None
    stale_until: datetime | None


class UserSettings(Record, rename="camel"):
    """A user's preferences."""

    user_id: str
    theme: str | None
    language: str | None
    default_model: str | None
    enable_search_by_default: bool
    max_search_results: int | None
    updated_at: datetime
    created_at: datetime
