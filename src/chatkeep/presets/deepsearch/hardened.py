"""The hardened DeepSearch tables: the seed's, repaired."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Generic

from sqlalchemy import TIMESTAMP, Column, Integer, String, func
from typing_extensions import TypeVar

from chatkeep.inputs import deepsearch as inputs
from chatkeep.presets.deepsearch import columns
from chatkeep.presets.deepsearch.auth_js import adapter_extras, check_place
from chatkeep.presets.deepsearch.personal import PERSONAL
from chatkeep.presets.deepsearch.searching import lexemes, search_extras, search_grants
from chatkeep.presets.deepsearch.seed_writers import seed_writer_extras
from chatkeep.presets.deepsearch.sql import (
    COUNTS_HOLD,
    DELETED,
    KINDS,
    LIVE,
    OUTCOMES,
    ROLES,
    STATUSES,
    TIERS,
    USED,
    VOTES,
)
from chatkeep.presets.deepsearch.stages import stages
from chatkeep.records import deepsearch as records
from chatkeep.schema import schema as base
from chatkeep.schema.parts import (
    check,
    expression_index,
    foreign_key,
    index,
    primary_key,
    unique,
)
from chatkeep.schema.tables import TableDef, Transition

UserT = TypeVar("UserT", bound=records.User, default=records.User)
NewUserT = TypeVar("NewUserT", bound=inputs.NewUser, default=inputs.NewUser)
SessionT = TypeVar("SessionT", bound=records.Session, default=records.Session)
NewSessionT = TypeVar("NewSessionT", bound=inputs.NewSession, default=inputs.NewSession)

PREFIX = "ai-app-template_"


class Schema(
    base.Schema[UserT, NewUserT, SessionT, NewSessionT],
    Generic[UserT, NewUserT, SessionT, NewSessionT],
):
    """Tables of an AI chat application in the shape of Auth.js, repaired.

    Extend it as `chatkeep.schema.schema` shows.
    """

    users = TableDef(
        "user",
        columns.UserColumns,
        (
            expression_index(
                "email_lower", lambda table: func.lower(table.c.email), is_unique=True
            ),
            index("email"),
        ),
        record=records.User,
        new=inputs.NewUser,
        changes=inputs.UserChanges,
        transition=Transition(
            columns={
                "email_verified": Column(TIMESTAMP(timezone=True), server_default=columns.NOW)
            },
            waits=frozenset({"index email_lower"}),
        ),
        summary="Somebody who can sign in.",
    )
    accounts = TableDef(
        "account",
        columns.AccountColumns,
        (
            primary_key("provider", "provider_account_id"),
            foreign_key("user_id", references="users", on_delete="cascade"),
            index("user_id"),
        ),
        record=records.Account,
        new=inputs.NewAccount,
        changes=inputs.AccountChanges,
        transition=Transition(keeps=(index("user_id", name="account_user_id_idx"),)),
        summary="A user's account with an OAuth provider.",
    )
    sessions = TableDef(
        "session",
        columns.SessionColumns,
        (
            foreign_key("user_id", references="users", on_delete="cascade"),
            index("user_id"),
        ),
        record=records.Session,
        new=inputs.NewSession,
        changes=inputs.SessionChanges,
        transition=Transition(keeps=(index("user_id", name="session_user_id_idx"),)),
        summary="A sign-in that lasts until it expires.",
    )
    verification_tokens = TableDef(
        "verification_token",
        columns.VerificationTokenColumns,
        (primary_key("identifier", "token"),),
        record=records.VerificationToken,
        new=inputs.NewVerificationToken,
        changes=inputs.VerificationTokenChanges,
        summary="A token sent to an e-mail address, good for one use.",
    )
    chats = TableDef(
        "chat",
        columns.ChatColumns,
        (
            foreign_key("user_id", references="users", on_delete="cascade"),
            unique("user_id", "id"),
            index("user_id", "updated_at", "id", where=LIVE),
            index("user_id", "deleted_at", "id", where=DELETED),
        ),
        record=records.Chat,
        new=inputs.NewChat,
        changes=inputs.ChatChanges,
        transition=Transition(
            keeps=(
                index("user_id", name="chat_user_id_idx"),
                index("created_at", name="chat_created_at_idx"),
                index("updated_at", name="chat_updated_at_idx"),
            )
        ),
        summary="A conversation of one user.",
    )
    messages = TableDef(
        "message",
        columns.MessageColumns,
        (
            foreign_key(
                "user_id",
                "chat_id",
                references="chats",
                to=("user_id", "id"),
                on_delete="cascade",
            ),
            index("user_id", "chat_id", "seq", where=LIVE, is_unique=True),
            index("user_id", "deleted_at", "id", where=DELETED),
            index("user_id", "chat_id", "parent_id"),
            expression_index(
                "search", lexemes, using="gin", where=LIVE, options={"fastupdate": "off"}
            ),
            unique("user_id", "id"),
            check("role", ROLES),
            check("status", STATUSES),
            check("tokens", COUNTS_HOLD),
        ),
        record=records.Message,
        new=inputs.NewMessage,
        transition=Transition(
            columns={"user_id": Column(String(255))},
            waits=frozenset(
                {
                    "user_id chat_id -> chats",
                    "index user_id chat_id seq",
                    "index user_id chat_id parent_id",
                    "index search",
                    "unique user_id id",
                    "check role",
                    "check tokens",
                }
            ),
            keeps=(
                foreign_key("chat_id", references="chats", on_delete="cascade"),
                index("chat_id", name="message_chat_id_idx"),
                index("created_at", name="message_created_at_idx"),
                index("chat_id", "created_at", name="message_chat_id_created_at_idx"),
            ),
        ),
        summary="One message of a chat; `seq` gives the order, `parent_id` what it follows.",
    )
    message_usage = TableDef(
        "message_usage",
        columns.MessageUsageColumns,
        (
            primary_key("user_id", "message_id"),
            foreign_key("user_id", references="users", on_delete="cascade"),
            index("user_id", "created_at", "message_id"),
            check("used", USED),
        ),
        record=records.MessageUsage,
        new=inputs.NewUsage,
        append_only=True,
        summary="What an answer cost; it outlives the message.",
    )
    message_feedback = TableDef(
        "message_feedback",
        columns.MessageFeedbackColumns,
        (
            primary_key("user_id", "message_id"),
            foreign_key(
                "user_id",
                "message_id",
                references="messages",
                to=("user_id", "id"),
                on_delete="cascade",
            ),
            check("vote", VOTES),
        ),
        record=records.MessageFeedback,
        new=inputs.NewFeedback,
        transition=Transition(waits=frozenset({"user_id message_id -> messages"})),
        summary="What the user thought of an answer.",
    )
    message_chunks = TableDef(
        "message_chunk",
        columns.MessageChunkColumns,
        (
            primary_key("user_id", "message_id", "position"),
            foreign_key(
                "user_id",
                "message_id",
                references="messages",
                to=("user_id", "id"),
                on_delete="cascade",
            ),
        ),
        append_only=True,
        transition=Transition(waits=frozenset({"user_id message_id -> messages"})),
        summary="A piece of an answer that is being written; `position` counts characters.",
    )
    running_answers = TableDef(
        "running_answer",
        columns.RunningAnswerColumns,
        (
            primary_key("user_id", "chat_id"),
            foreign_key(
                "user_id",
                "chat_id",
                references="chats",
                to=("user_id", "id"),
                on_delete="cascade",
            ),
            foreign_key(
                "user_id",
                "message_id",
                references="messages",
                to=("user_id", "id"),
                on_delete="cascade",
            ),
            unique("user_id", "message_id"),
        ),
        transition=Transition(waits=frozenset({"user_id message_id -> messages"})),
        summary="The one answer of a chat that is being written, and by whom.",
    )
    chat_shares = TableDef(
        "chat_share",
        columns.ChatShareColumns,
        (
            foreign_key(
                "user_id",
                "chat_id",
                references="chats",
                to=("user_id", "id"),
                on_delete="cascade",
            ),
            index("user_id", "chat_id"),
            unique("token_hash"),
            check("kind", KINDS),
        ),
        record=records.ChatShare,
        summary="A link by which others read a chat.",
    )
    search_cache = TableDef(
        "search_cache",
        columns.SearchCacheColumns,
        (unique("key_hash"), index("expires_at")),
        record=records.SearchCacheEntry,
        new=inputs.NewSearchCacheEntry,
        transition=Transition(
            columns={"id": Column(Integer, primary_key=True)},
            keeps=(
                index("query", name="search_cache_query_idx"),
                index("expires_at", name="search_cache_expires_at_idx"),
            ),
        ),
        summary="A search result kept until it expires.",
    )
    search_events = TableDef(
        "search_event",
        columns.SearchEventColumns,
        (
            foreign_key("user_id", references="users", on_delete="cascade"),
            index("user_id"),
            index("created_at", "id"),
            check("outcome", OUTCOMES),
            check("tier", TIERS),
        ),
        append_only=True,
        summary="How searches were answered: the same ones of a while, counted in one row.",
    )
    search_days = TableDef(
        "search_day",
        columns.SearchDayColumns,
        (primary_key("day", "provider", "locale", "user_group", "key_hash", "outcome", "tier"),),
        summary="How searches were answered, by day: what sweep sums up of the events.",
    )
    user_settings = TableDef(
        "user_settings",
        columns.UserSettingsColumns,
        (foreign_key("user_id", references="users", on_delete="cascade"),),
        record=records.UserSettings,
        changes=inputs.SettingsChanges,
        transition=Transition(
            waits=frozenset({"user_id -> users"}),
            keeps=(foreign_key("user_id", references="users", on_delete="cascade", cut_name=True),),
        ),
        summary="A user's preferences.",
    )

    # What a scope has no business with, and whose rows are for signing in.
    app_grants: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType(
        {"users": ("SELECT",), "accounts": (), "sessions": (), "search_events": ()}
    )
    personal = PERSONAL

    def __init__(
        self,
        prefix: str = PREFIX,
        *,
        seed_writers: bool = False,
        security: base.Security | None = None,
        app_role: str | None = None,
        pg_adapter: str | None = None,
    ) -> None:
        super().__init__(prefix, seed_writers=seed_writers, security=security, app_role=app_role)
        if pg_adapter is not None:
            check_place(pg_adapter)
        self.pg_adapter = pg_adapter

    def own_extras(self) -> tuple[base.Extra, ...]:
        """Functions of the search, and the views for `@auth/pg-adapter` where they are asked for."""
        views = () if self.pg_adapter is None else adapter_extras(self.prefix, self.pg_adapter)
        return (*search_extras(self.prefix), *views)

    def app_extras(self) -> tuple[base.Extra, ...]:
        """Functions of the search, which each insert runs."""
        return search_grants(self.prefix, self.app_role)

    def seed_writer_extras(self) -> tuple[base.Extra, ...]:
        """Give the triggers that fill `message.user_id` and move `updated_at`."""
        return seed_writer_extras(self.prefix)

    @property
    def stages(self) -> tuple[base.Stage, ...]:
        """Steps from the seed's tables to these: check, expand, backfill, contract."""
        return stages(self)
