"""Every statement on a schema's tables, made when first needed and kept for the schema."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, cast
from weakref import WeakValueDictionary

from typing_extensions import TypeVar

from chatkeep.access.accounts import AccountQueries
from chatkeep.access.chat_queries import ChatQueries
from chatkeep.access.embedding_queries import EmbeddingQueries, embedding_queries
from chatkeep.access.feedback import FeedbackQueries
from chatkeep.access.message_queries import MessageQueries
from chatkeep.access.rows import Rows
from chatkeep.access.search_queries import SearchQueries
from chatkeep.access.sessions import SessionQueries
from chatkeep.access.settings import SettingsQueries
from chatkeep.access.shared import SharedQueries
from chatkeep.access.shares import ShareQueries
from chatkeep.access.usage import UsageQueries
from chatkeep.access.users import UserQueries
from chatkeep.access.verification_tokens import VerificationTokenQueries
from chatkeep.errors import ConfigError
from chatkeep.inputs.base import Input
from chatkeep.records.base import Record
from chatkeep.records.deepsearch import Account
from chatkeep.schema.schema import Schema

UserT = TypeVar("UserT", bound=Record, default=Record)
NewUserT = TypeVar("NewUserT", bound=Input, default=Input)
SessionT = TypeVar("SessionT", bound=Record, default=Record)
K = TypeVar("K")
NewSessionT = TypeVar("NewSessionT", bound=Input, default=Input)


class Catalogue(Generic[UserT, NewUserT, SessionT, NewSessionT]):
    """The statements of one schema. A table that the schema lacks is named when it is asked for."""

    def __init__(self, schema: Schema[UserT, NewUserT, SessionT, NewSessionT]) -> None:
        self.schema = schema
        self._rows: dict[str, Rows[Any]] = {}
        self._kept: dict[object, Any] = {}

    @cached_property
    def users(self) -> UserQueries[UserT]:
        """Statements on users."""
        return UserQueries(self.rows("users"), self._accounts())

    @cached_property
    def accounts(self) -> AccountQueries:
        """Statements on accounts."""
        accounts = self._accounts()
        if accounts is None:
            raise ConfigError(
                f"{type(self.schema).__name__} has no accounts in the shape of Auth.js.",
                hint="`db.auth` gives the tokens of a provider in every schema.",
            )
        return AccountQueries(accounts)

    @cached_property
    def sessions(self) -> SessionQueries[SessionT]:
        """Statements on sessions."""
        return SessionQueries(self.rows("sessions"))

    @cached_property
    def verification_tokens(self) -> VerificationTokenQueries:
        """Statements on verification tokens."""
        return VerificationTokenQueries(self.rows("verification_tokens"))

    @cached_property
    def settings(self) -> SettingsQueries:
        """Statements on settings."""
        return SettingsQueries(self.rows("user_settings"), self.rows("users"))

    @cached_property
    def chats(self) -> ChatQueries:
        """Statements on all users' chats."""
        return ChatQueries(
            self.rows("chats"), self.rows("messages"), self.schema.tables, is_scoped=False
        )

    @cached_property
    def scoped_chats(self) -> ChatQueries:
        """Statements on one user's chats."""
        return ChatQueries(
            self.rows("chats"), self.rows("messages"), self.schema.tables, is_scoped=True
        )

    @cached_property
    def messages(self) -> MessageQueries:
        """Statements on all users' messages."""
        return MessageQueries(
            self.rows("messages"), self.rows("chats"), self.schema.tables, is_scoped=False
        )

    @cached_property
    def scoped_messages(self) -> MessageQueries:
        """Statements on one user's messages."""
        return MessageQueries(
            self.rows("messages"), self.rows("chats"), self.schema.tables, is_scoped=True
        )

    @cached_property
    def usage(self) -> UsageQueries:
        """Statements on all users' usage."""
        return UsageQueries(self.rows("message_usage"), self.rows("messages"), is_scoped=False)

    @cached_property
    def scoped_usage(self) -> UsageQueries:
        """Statements on one user's usage."""
        return UsageQueries(self.rows("message_usage"), self.rows("messages"), is_scoped=True)

    @cached_property
    def feedback(self) -> FeedbackQueries:
        """Statements on all users' feedback."""
        return FeedbackQueries(
            self.rows("message_feedback"),
            self.rows("messages"),
            self.rows("chats"),
            is_scoped=False,
        )

    @cached_property
    def scoped_feedback(self) -> FeedbackQueries:
        """Statements on one user's feedback."""
        return FeedbackQueries(
            self.rows("message_feedback"), self.rows("messages"), self.rows("chats"), is_scoped=True
        )

    @cached_property
    def shares(self) -> ShareQueries:
        """Statements on all users' shares."""
        return ShareQueries(
            self.rows("chat_shares"), self.rows("chats"), self.rows("messages"), is_scoped=False
        )

    @cached_property
    def scoped_shares(self) -> ShareQueries:
        """Statements on one user's shares."""
        return ShareQueries(
            self.rows("chat_shares"), self.rows("chats"), self.rows("messages"), is_scoped=True
        )

    @cached_property
    def shared(self) -> SharedQueries:
        """Statements of a stranger with a link."""
        return SharedQueries(self.rows("chat_shares"), self.rows("chats"), self.rows("messages"))

    @cached_property
    def search(self) -> SearchQueries:
        """Statements of the search in one user's conversations."""
        return SearchQueries(
            self.rows("messages"),
            self.rows("chats"),
            self.rows("message_usage").table,
            self.schema.prefix,
            is_rls=self.schema.security == "rls",
        )

    @cached_property
    def embeddings(self) -> EmbeddingQueries:
        """Statements on the embeddings of all users' messages."""
        return embedding_queries(self.schema, self.rows("messages"), is_scoped=False)

    @cached_property
    def scoped_embeddings(self) -> EmbeddingQueries:
        """Statements on the embeddings of one user's messages."""
        return embedding_queries(self.schema, self.rows("messages"), is_scoped=True)

    def _accounts(self) -> Rows[Account] | None:
        """Give the accounts, where they are those of Auth.js: named by provider and its own id."""
        record = self.schema.records.get("accounts")
        return self.rows("accounts") if record and issubclass(record, Account) else None

    def kept(self, make: Callable[["Catalogue[Any, Any, Any, Any]"], K]) -> K:
        """Give what a floor above makes of this schema, such as its own class of statements.

        It is made when it is first asked for, and kept as long as the schema.
        """
        found: K | None = self._kept.get(make)
        if found is None:
            found = self._kept[make] = make(self)
        return found

    def rows(self, name: str) -> Rows[Any]:
        """Give a table with its record.

        Raises:
            ConfigError: The schema has no such table, or the table has no record.
        """
        rows = self._rows.get(name)
        if rows is None:
            table, record = self.schema.tables.get(name), self.schema.records.get(name)
            if table is None or record is None:
                raise ConfigError(
                    f"{type(self.schema).__name__} has no table `{name}`.",
                    hint=f"It has: {', '.join(self.schema.records)}.",
                )
            rows = self._rows[name] = Rows(name, table, record)
        return rows


_catalogues: WeakValueDictionary[int, Any] = WeakValueDictionary()


def catalogue_of(
    schema: Schema[UserT, NewUserT, SessionT, NewSessionT],
) -> Catalogue[UserT, NewUserT, SessionT, NewSessionT]:
    """Give the one catalogue of a schema: its statements are compiled once, for all databases."""
    found = _catalogues.get(id(schema))  # a catalogue holds its schema: the id is not used again
    if found is None:
        found = _catalogues[id(schema)] = Catalogue(schema)
    return cast("Catalogue[UserT, NewUserT, SessionT, NewSessionT]", found)
