"""What a `Database` and a transaction have in common: the tables, the scopes, the queries."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import AbstractContextManager, asynccontextmanager
from functools import cached_property
from typing import Any, Generic, TypeVar, overload

from typing_extensions import TypeVar as DefaultTypeVar

from chatkeep.access.accounts import Accounts
from chatkeep.access.catalogue import Catalogue
from chatkeep.access.chats import TrustedChats
from chatkeep.access.embeddings import Embeddings
from chatkeep.access.feedback import Feedback
from chatkeep.access.messages import TrustedMessages
from chatkeep.access.scope import UserScope
from chatkeep.access.sessions import Sessions
from chatkeep.access.settings import Settings
from chatkeep.access.shared import Shared
from chatkeep.access.shares import Shares
from chatkeep.access.usage import Usage
from chatkeep.access.users import Users
from chatkeep.access.verification_tokens import VerificationTokens
from chatkeep.auth.auth import Auth
from chatkeep.auth.options import AuthOptions
from chatkeep.database.pageable import Pageable
from chatkeep.database.running import gather
from chatkeep.database.transactions import TransactionContext, check_options
from chatkeep.engine.observe import Observer, Observers, StatementLog
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.transaction import Isolation, TransactionRunner, begin_words
from chatkeep.engine.transaction import transaction as open_transaction
from chatkeep.inputs.base import Input
from chatkeep.inputs.deepsearch import NewSession, NewUser
from chatkeep.records.base import Record
from chatkeep.records.deepsearch import Session, User

UserT = DefaultTypeVar("UserT", bound=Record, default=User)
NewUserT = DefaultTypeVar("NewUserT", bound=Input, default=NewUser)
SessionT = DefaultTypeVar("SessionT", bound=Record, default=Session)
NewSessionT = DefaultTypeVar("NewSessionT", bound=Input, default=NewSession)

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


class Surface(Pageable, Generic[UserT, NewUserT, SessionT, NewSessionT]):
    """The tables, the scopes and the queries. `Database` and `Transaction` are such surfaces."""

    def __init__(
        self,
        runner: PoolRunner | TransactionRunner,
        catalogue: Catalogue[UserT, NewUserT, SessionT, NewSessionT],
        auth: AuthOptions,
    ) -> None:
        super().__init__(runner, catalogue)
        self._catalogue = catalogue
        self._auth = auth
        self._sealing = auth.sealing  # here, so that a key that cannot be used is told at once

    @cached_property
    def auth(self) -> Auth:
        """Who is calling, sessions of our own, tokens for one use, providers' tokens."""
        return Auth(self._runner, self._catalogue, self._auth)

    @cached_property
    def users(self) -> Users[UserT, NewUserT]:
        """People who can sign in."""
        return Users(self._runner, self._catalogue.users, self._sealing)

    @cached_property
    def accounts(self) -> Accounts:
        """Accounts of OAuth providers."""
        return Accounts(self._runner, self._catalogue.accounts, self._sealing)

    @cached_property
    def sessions(self) -> Sessions[SessionT, NewSessionT]:
        """Sign-ins."""
        return Sessions(self._runner, self._catalogue.sessions)

    @cached_property
    def verification_tokens(self) -> VerificationTokens:
        """Tokens that went out to an address."""
        return VerificationTokens(self._runner, self._catalogue.verification_tokens)

    @cached_property
    def settings(self) -> Settings:
        """Preferences of any user, for trusted code."""
        return Settings(self._runner, self._catalogue.settings)

    @cached_property
    def chats(self) -> TrustedChats:
        """Chats of all users, for trusted code."""
        return TrustedChats(self._runner, self._catalogue.chats)

    @cached_property
    def messages(self) -> TrustedMessages:
        """Messages of all users, for trusted code."""
        return TrustedMessages(self._runner, self._catalogue.messages)

    @cached_property
    def usage(self) -> Usage:
        """What the answers of all users used, for trusted code."""
        return Usage(self._runner, self._catalogue.usage)

    @cached_property
    def feedback(self) -> Feedback:
        """What all users think of their answers, for trusted code."""
        return Feedback(self._runner, self._catalogue.feedback)

    @cached_property
    def shares(self) -> Shares:
        """Links to chats of all users, for trusted code."""
        return Shares(self._runner, self._catalogue.shares)

    @cached_property
    def embeddings(self) -> Embeddings:
        """What all users' messages mean, for trusted code."""
        return Embeddings(self._runner, lambda: self._catalogue.embeddings)

    def shared(self, token: str) -> Shared:
        """Give the chat that a link leads to, read-only, for whoever has its token.

        Nothing is sent for it. Other than in a user's scope nobody needs to have signed in.

        Raises:
            InvalidInputError: The token is no text.
        """
        return Shared(self._runner, self._catalogue.shared, token)

    def as_user(self, user_id: str) -> UserScope:
        """Give a user's scope: what a request handler uses. Nothing is sent for it.

        Raises:
            InvalidInputError: It cannot be an id: no text, empty, too long, or with characters
                that PostgreSQL cannot store.
        """
        return UserScope(self._runner, self._catalogue, user_id)

    @overload
    async def gather(self, a: Awaitable[A], b: Awaitable[B], /) -> tuple[A, B]: ...
    @overload
    async def gather(
        self, a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], /
    ) -> tuple[A, B, C]: ...
    @overload
    async def gather(
        self, a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], /
    ) -> tuple[A, B, C, D]: ...
    @overload
    async def gather(
        self, a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], e: Awaitable[E], /
    ) -> tuple[A, B, C, D, E]: ...
    @overload
    async def gather(self, *awaitables: Awaitable[A]) -> tuple[A, ...]: ...
    async def gather(self, *awaitables: Awaitable[Any]) -> tuple[Any, ...]:
        """Run several calls at once, each on a connection of its own as far as the pool goes.

        The results come in the order of the calls. The first error cancels the others and is
        raised as it is. Inside a transaction the calls take turns on its one connection.
        """
        return await gather(awaitables)

    def statements(self) -> AbstractContextManager[StatementLog]:
        """Write down the statements that are sent while the block is open, by any task.

        with db.statements() as sent:
            await mine.chats.list()
        assert sent.names == ["chats.list"]
        """
        return self._observers.log()

    def observe(self, observer: Observer) -> AbstractContextManager[None]:
        """Tell `observer` of every statement of this database while the block is open, by any task.

        It is called with an `Observation` between the answer and the caller, so it should be quick;
        what it raises is logged once, and never reaches the caller. Failures are told too, and the
        words of transactions. What was refused before it was sent is not.

        with db.observe(lambda told: print(told.name, told.seconds, told.rows)):
            await mine.chats.list()

        Raises:
            ConfigError: It cannot be called, or is async.
        """
        return self._observers.observed(observer)

    @property
    def _observers(self) -> Observers:
        return self._runner.observers

    def transaction(
        self, *, retry: int = 0, isolation: Isolation | None = None, read_only: bool = False
    ) -> "TransactionContext[Transaction[UserT, NewUserT, SessionT, NewSessionT]]":
        """Open a transaction; inside a transaction, a nested one (a savepoint).

        Everything called on `tx` is stored together at the end of the block. Any exception that
        leaves the block, also cancellation, takes it back. Calls on `db` stand outside of it.

        async with db.transaction() as tx:
            await tx.as_user(user.id).chats.create(title="New Chat")

        A transaction that loses against another one (a serialization failure, a deadlock) can be
        run again, after a random wait of at most a second. What is run again is a function:

        result = await db.transaction(retry=3, isolation="serializable").run(move)

        A loop does so as well where a statement met the conflict. One that only the commit meets,
        as "serializable" has them, leaves the loop as ConflictError: behind a `return` in the block
        nothing could be run again, and its value was not stored.

        async for attempt in db.transaction(retry=3):
            async with attempt as tx:
                await move(tx)

        While a nested transaction is open, calls of tasks outside of its block wait for its end, at
        most for `statement_timeout`. One that is still open when its outer one ends is taken back,
        and refuses every further call.

        Args:
            retry: Further attempts after a conflict. A connection that breaks is no conflict: at
                the commit nobody knows whether it was stored.
            isolation: "read committed", "repeatable read" or "serializable"; None takes the
                database's default.
            read_only: PostgreSQL refuses to write.

        Raises:
            ConfigError: An option is not one that there is, or it was given to a nested one;
                `async with` was used with `retry`.
            ConflictError: Another transaction was in the way, at each attempt; in a loop also when
                only the commit met it, at once.
            DatabaseClosedError: The outer transaction of a nested one ended first.
            DatabaseTimeoutError: Another task's nested transaction was open for too long.
            DatabaseError: Another of its kinds: the commit was refused, or a failed statement
                inside was swallowed.
        """
        runner = self._runner
        is_nested = isinstance(runner, TransactionRunner)
        level = check_options(retry, isolation, read_only, is_nested=is_nested)
        begin = begin_words(level, read_only=read_only)

        @asynccontextmanager
        async def opens() -> AsyncGenerator[Transaction[UserT, NewUserT, SessionT, NewSessionT]]:
            if isinstance(runner, TransactionRunner):
                opened = runner.savepoint()
            else:
                opened = open_transaction(runner, begin)
            async with opened as inner:
                yield Transaction(inner, self._catalogue, self._auth)

        return TransactionContext(opens, retry)


class Transaction(Surface[UserT, NewUserT, SessionT, NewSessionT]):
    """An open transaction. Tasks that share it take turns on its one connection."""
