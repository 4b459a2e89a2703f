"""A user's scope: what a request handler uses."""

from typing import Any

from chatkeep.access.catalogue import Catalogue
from chatkeep.access.chats import Chats
from chatkeep.access.embedding import Embed
from chatkeep.access.embeddings import Embeddings
from chatkeep.access.feedback import Feedback
from chatkeep.access.hybrid import HybridSearch, refuse_pages
from chatkeep.access.messages import Messages
from chatkeep.access.search import Order, Search
from chatkeep.access.settings import Settings
from chatkeep.access.shares import Shares
from chatkeep.access.usage import Usage
from chatkeep.engine.identity import Identity
from chatkeep.engine.run import PoolRunner, Runner
from chatkeep.engine.scoped import ScopedRunner
from chatkeep.engine.transaction import TransactionRunner
from chatkeep.inputs.deepsearch import SettingsChanges
from chatkeep.inputs.search import SearchFilter
from chatkeep.inputs.text import check_id
from chatkeep.records.deepsearch import UserSettings
from chatkeep.records.page import Page
from chatkeep.records.search import Found


class MySettings:
    """The settings of one user."""

    def __init__(self, settings: Settings, user_id: str) -> None:
        self._settings = settings
        self._user_id = user_id

    async def get(self) -> UserSettings:
        """Give the settings: the stored ones, or the defaults while none are stored.

        Raises:
            UserNotFoundError: No such user.
        """
        return await self._settings.get(self._user_id)

    async def cached(self) -> UserSettings:
        """Give the settings as they were at most 30 seconds ago, often without a statement.

        What this process changes itself is seen at once; see `db.settings.cached`.

        Raises:
            UserNotFoundError: No such user.
        """
        return await self._settings.cached(self._user_id)

    async def update(self, changes: SettingsChanges) -> UserSettings:
        """Change the settings that were set; the others keep their value or their default.

        Raises:
            UserNotFoundError: No such user.
            InvalidInputError: They are not the changes of settings.
        """
        return await self._settings.update(self._user_id, changes)


class UserScope:
    """Everything of one user and nothing of anybody else's.

    Every statement carries the user's id, so a stranger's id is not found, whatever is asked. With
    `security="rls"` PostgreSQL itself shows a scope nobody else's rows.

    Attributes:
        user_id: Whose scope it is.
        ground: What runs its statements, and which there are: for the floors above this one.
    """

    def __init__(
        self,
        runner: PoolRunner | TransactionRunner,
        catalogue: Catalogue[Any, Any, Any, Any],
        user_id: str,
    ) -> None:
        """Take the user's id on trust: the caller has authenticated them.

        Raises:
            InvalidInputError: It cannot be an id: no text, empty, too long, or with characters
                that PostgreSQL cannot store.
        """
        self.user_id = check_id(user_id, "user_id")
        self._runner: Runner = runner
        schema = catalogue.schema
        if schema.security == "rls":
            self._runner = ScopedRunner(runner, Identity(schema.app_role, self.user_id))
        self._catalogue = catalogue
        self._scope = {"user_id": self.user_id}
        self.ground = (self._runner, catalogue)

    # A scope is made for a request and asked once or twice: keeping what it gives would cost more.

    @property
    def chats(self) -> Chats:
        """The user's chats."""
        return Chats(self._runner, self._catalogue.scoped_chats, self._scope)

    @property
    def messages(self) -> Messages:
        """The messages of the user's chats."""
        return Messages(self._runner, self._catalogue.scoped_messages, self._scope)

    @property
    def usage(self) -> Usage:
        """What the user's answers used."""
        return Usage(self._runner, self._catalogue.scoped_usage, self._scope)

    @property
    def feedback(self) -> Feedback:
        """What the user thinks of answers."""
        return Feedback(self._runner, self._catalogue.scoped_feedback, self._scope)

    @property
    def shares(self) -> Shares:
        """Links by which others read the user's chats."""
        return Shares(self._runner, self._catalogue.scoped_shares, self._scope)

    @property
    def embeddings(self) -> Embeddings:
        """What the user's messages mean, for a search with `embed`."""
        return Embeddings(self._runner, lambda: self._catalogue.scoped_embeddings, self._scope)

    @property
    def settings(self) -> MySettings:
        """The user's settings."""
        return MySettings(Settings(self._runner, self._catalogue.settings), self.user_id)

    async def search(
        self,
        query: str,
        *,
        limit: int = 20,
        after: str | None = None,
        order: Order = "relevance",
        where: SearchFilter | None = None,
        embed: Embed | None = None,
    ) -> Page[Found]:
        """Give a page of the messages and titles that have all the words of a query.

        Small and capital letters, accents and forms of a letter are the same; scripts without
        spaces are searched by characters. `"two words"` stand beside each other, `post*` begins a
        word, `-word` must not be there. All live messages of a chat are searched, also those of
        branches that it does not show. One statement.

        With `embed`, messages are found by what they mean too, where `embeddings.fill` has embedded
        them: the best 200 by their words and the nearest 200 by meaning, fused by reciprocal rank.
        That is one page, of messages alone, and always as full as it can be: it ends with what is
        least far off. One call of `embed` for the query, and some four statements.

        Args:
            query: What somebody typed: at most 1,000 characters, 32 words and phrases.
            limit: At most so many, 1 to 1000.
            after: `next_cursor` of the page before.
            order: "relevance" ranks the newest 200 matches, and gives no others: those of the time
                of the first page. "newest" goes through all of them, the newest first.
            where: What is searched, where it is not everything.
            embed: The async function that made the embeddings. The limit is at most 200 then, there
                are no further pages, and no other order.

        Raises:
            InvalidInputError: The query has no word to search for, or is too long; the limit is out
                of bounds; the order or the filter is none.
            InvalidCursorError: The cursor is not one of this search.
            SchemaMismatchError: The database was not migrated since there is a search.
            EmbeddingError: `embed` raised, or gave no vector of the table's size.
            ConfigError: There is an `embed`, and the schema declares no embeddings.
        """
        search = Search(self._runner, self._catalogue.search, self.user_id)
        if embed is None:
            return await search.page(query, limit, after, order, where)
        refuse_pages(after, order)
        hybrid = HybridSearch(self._runner, search, self._catalogue.scoped_embeddings, self.user_id)
        return await hybrid.page(query, embed, limit, where)
