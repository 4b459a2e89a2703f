"""Inputs of the DeepSearch preset, with the limits of its columns and of the seed's Zod schema."""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from chatkeep.ids import new_chat_id, new_message_id, new_session_token, new_user_id
from chatkeep.inputs.base import Changes, Input
from chatkeep.inputs.fields import (
    SAFE_INTEGER,
    Email,
    Flag,
    Id,
    Int8,
    NotNull,
    Text,
    Text10,
    Text20,
    Text50,
    Text255,
    Time,
    Title,
    check_web_url,
)
from chatkeep.inputs.text import first_non_json
from chatkeep.records.deepsearch import MessageMetadata, Role, Source

MAX_CONTENT = 100_000
MAX_COMMENT = 10_000


def _check_sources(sources: list[Source]) -> list[Source]:
    for number, source in enumerate(sources):
        try:
            check_web_url(source.url)
        except PydanticCustomError as exc:
            raise PydanticCustomError(
                "url",
                "A URL starts with http:// or https:// and has a host",
                {"inner": f".{number}.url"},
            ) from exc
    return sources


def _check_metadata(metadata: MessageMetadata) -> MessageMetadata:
    tokens = metadata.tokens
    counts = {} if tokens is None else {"prompt": tokens.prompt, "completion": tokens.completion}
    if tokens is not None:
        counts["total"] = tokens.total
    for name, count in counts.items():
        if not 0 <= count <= SAFE_INTEGER:
            raise PydanticCustomError(
                "tokens",
                "A token count is 0 or more, and at most 2^53 - 1",
                {"inner": f".tokens.{name}"},
            )
    if metadata.processing_time is not None and metadata.processing_time < 0:
        raise PydanticCustomError(
            "time", "A time in milliseconds is 0 or more", {"inner": ".processing_time"}
        )
    return metadata


def check_json(value: object) -> object:
    """Refuse what JSON cannot hold, or PostgreSQL not store."""
    fault = first_non_json(value)
    if fault is not None:
        raise PydanticCustomError("json", fault.problem, {"inner": fault.path})
    return value


Sources = Annotated[list[Source], AfterValidator(_check_sources)]
Metadata = Annotated[MessageMetadata, AfterValidator(_check_metadata)]
Count = Annotated[int, Field(strict=True, ge=0, le=SAFE_INTEGER)]
Content = Annotated[Text, StringConstraints(max_length=MAX_CONTENT)]


class NewUser(Input):
    """A user to create. Nobody is born verified: `email_verified` stays None unless given."""

    id: Id = Field(default_factory=new_user_id)
    name: Text255 | None = None
    email: Email
    email_verified: Time | None = None
    image: Text | None = None
    is_admin: Flag = False


class UserChanges(Changes):
    """New values for a user."""

    name: Text255 | None = None
    email: Annotated[Email | None, NotNull] = None
    email_verified: Time | None = None
    image: Text | None = None
    is_admin: Annotated[Flag | None, NotNull] = None


_ACCOUNT_KEYS = {"user_id": "userId", "provider_account_id": "providerAccountId"}


def _account_key(name: str) -> str:
    return _ACCOUNT_KEYS.get(name, name)


class NewAccount(Input):
    """An OAuth account to connect with a user. `expires_at` is in seconds since 1970."""

    model_config = ConfigDict(alias_generator=_account_key)

    user_id: Id
    type: Text255
    provider: Id
    provider_account_id: Id
    refresh_token: Text | None = Field(default=None, repr=False)
    access_token: Text | None = Field(default=None, repr=False)
    expires_at: Int8 | None = None
    token_type: Text255 | None = None
    scope: Text | None = None
    id_token: Text | None = Field(default=None, repr=False)
    session_state: Text | None = None


class AccountChanges(Changes):
    """New values for an account, as after a refresh of its tokens."""

    model_config = ConfigDict(alias_generator=_account_key)

    type: Annotated[Text255 | None, NotNull] = None
    refresh_token: Text | None = Field(default=None, repr=False)
    access_token: Text | None = Field(default=None, repr=False)
    expires_at: Int8 | None = None
    token_type: Text255 | None = None
    scope: Text | None = None
    id_token: Text | None = Field(default=None, repr=False)
    session_state: Text | None = None


class NewSession(Input):
    """A sign-in to record. The token is made unless given."""

    session_token: Id = Field(default_factory=new_session_token, repr=False)
    user_id: Id
    expires: Time
    ip_address: Text | None = None
    user_agent: Text | None = None


class SessionChanges(Changes):
    """New values for a session."""

    expires: Annotated[Time | None, NotNull] = None
    ip_address: Text | None = None
    user_agent: Text | None = None


class NewVerificationToken(Input):
    """A token that goes out to an address."""

    identifier: Id
    token: Id = Field(repr=False)
    expires: Time


class VerificationTokenChanges(Changes):
    """New values for a verification token."""

    expires: Annotated[Time | None, NotNull] = None


class NewChat(Input):
    """A chat to create, in the scope of its user."""

    id: Id = Field(default_factory=new_chat_id)
    title: Title
    is_pinned: Flag = False
    is_temporary: Flag = False


class ChatChanges(Changes):
    """New values for a chat."""

    title: Annotated[Title | None, NotNull] = None
    is_pinned: Annotated[Flag | None, NotNull] = None
    is_temporary: Annotated[Flag | None, NotNull] = None


class NewMessage(Input):
    """A message to append to a chat: up to 100,000 characters, sources with web addresses.

    It follows the message before it, or `parent_id` where that is set; None, set, starts a branch
    of its own. `parts` is any JSON. The content may be empty where there are parts.
    """

    id: Id = Field(default_factory=new_message_id)
    role: Role
    content: Content
    sources: Sources | None = None
    metadata: Metadata | None = None
    parent_id: Id | None = None
    parts: Annotated[Any, AfterValidator(check_json)] = None
    status: Literal["complete", "interrupted", "error"] = "complete"

    @model_validator(mode="after")
    def _refuse_nothing(self) -> Self:
        if not self.content and self.parts is None:
            raise PydanticCustomError(
                "content", "A message has a text, or parts", {"inner": "content"}
            )
        return self


class NewUsage(Input):
    """What an answer used: token counts from 0 up, `cost` with up to ten decimals."""

    model: Text255 | None = None
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    total_tokens: Count | None = None
    cost: Annotated[Decimal, Field(ge=0, max_digits=20, decimal_places=10)] | None = None
    latency_ms: Count | None = None


class NewFeedback(Input):
    """What the user thinks of an answer: `vote` is 1 or -1."""

    vote: Literal[1, -1] | None = None
    comment: Annotated[Text, StringConstraints(max_length=MAX_COMMENT)] | None = None


class NewSearchCacheEntry(Input):
    """A search result to keep until `expires_at`. `results` is any JSON value but null."""

    query: Annotated[Text, StringConstraints(min_length=1, max_length=MAX_CONTENT)]
    results: Annotated[Any, NotNull, AfterValidator(check_json)]
    expires_at: Time
    key_hash: Annotated[bytes, Field(max_length=64)] | None = None
    provider: Text255 | None = None
    locale: Text255 | None = None
    stale_until: Time | None = None


class SettingsChanges(Changes):
    """New values for a user's settings. `max_search_results` is 1 to 100, or None for no wish."""

    theme: Text20 | None = None
    language: Text10 | None = None
    default_model: Text50 | None = None
    enable_search_by_default: Annotated[Flag | None, NotNull] = None
    max_search_results: Annotated[int, Strict(), Field(ge=1, le=100)] | None = None
