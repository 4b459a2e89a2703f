"""Users: `db.users`."""

from functools import cached_property
from typing import Generic, Literal, TypeVar, overload

from sqlalchemy import bindparam, func, select

from chatkeep.access.accounts import Sealing
from chatkeep.access.rows import Rows, Values, joined_query
from chatkeep.engine.query import JoinedQuery, Query
from chatkeep.engine.run import Runner
from chatkeep.errors import ConfigError, UserNotFoundError
from chatkeep.inputs.base import Changes, Input
from chatkeep.records.base import Record
from chatkeep.records.deepsearch import Account, UserWithAccounts

UserT = TypeVar("UserT", bound=Record)
NewUserT = TypeVar("NewUserT", bound=Input)
FoundT = TypeVar("FoundT")


class UserQueries(Generic[UserT]):
    """The statements on users."""

    def __init__(self, users: Rows[UserT], accounts: Rows[Account] | None) -> None:
        self.rows = users
        self.by_key = users.equal("id")
        self._accounts = accounts

    @cached_property
    def find(self) -> Query[UserT]:
        """By id."""
        return self.rows.find(self.by_key)

    @cached_property
    def find_by_email(self) -> Query[UserT]:
        """By e-mail, in the words of the unique index."""
        email = self.rows.table.c["email"]
        where = func.lower(email) == func.lower(bindparam("email", type_=email.type))
        return self.rows.find(where, "find_by_email")

    @cached_property
    def get_with_accounts(self) -> JoinedQuery[UserWithAccounts]:
        """By id, with the accounts in the order of their key."""
        accounts = self._accounts
        if accounts is None:
            raise ConfigError(
                "This schema has no accounts.", hint="Call get() without with_accounts."
            )
        where = self.by_key
        link = accounts.table.c["user_id"] == self.rows.table.c["id"]
        return joined_query("get_with_accounts", self.rows, where, accounts, link, UserWithAccounts)

    @cached_property
    def delete(self) -> Query[UserT]:
        """By id."""
        return self.rows.delete(self.by_key)

    @cached_property
    def count(self) -> Query[int]:
        """All of them."""
        return self.rows.count("count", select(func.count()).select_from(self.rows.table))


class Users(Generic[UserT, NewUserT]):
    """People who can sign in.

    An e-mail address is unique, letter case aside, and found in any letter case.
    """

    def __init__(self, runner: Runner, queries: UserQueries[UserT], sealing: Sealing) -> None:
        self._runner = runner
        self._queries = queries
        self._sealing = sealing

    async def create(self, new: NewUserT) -> UserT:
        """Store a user and give it back as stored.

        Raises:
            EmailTakenError: Another user has this e-mail, letter case aside.
            AlreadyExistsError: A user with this id exists.
            InvalidInputError: It is not the input of this schema's users.
        """
        values = self._queries.rows.new_values(new)
        user = await self._queries.rows.insert(values).first(self._runner, values)
        return _found(user)

    @overload
    async def get(self, user_id: str) -> UserT: ...
    @overload
    async def get(self, user_id: str, *, with_accounts: Literal[True]) -> UserWithAccounts: ...
    async def get(self, user_id: str, *, with_accounts: bool = False) -> UserT | UserWithAccounts:
        """Give a user; with `with_accounts=True` with the list of accounts, in one statement.

        Raises:
            UserNotFoundError: No such user.
            ConfigError: Accounts were asked of a schema that has none.
            TokensAtRestError: A sealed token of an account cannot be opened.
        """
        values = {"id": user_id}
        if with_accounts:
            found = _found(await self._queries.get_with_accounts.find(self._runner, values))
            for account in found.accounts:
                self._sealing.opened(account)
            return found
        return _found(await self._queries.find.first(self._runner, values))

    async def find(self, user_id: str) -> UserT | None:
        """Give a user, or None."""
        return await self._queries.find.first(self._runner, {"id": user_id})

    async def find_by_email(self, email: str) -> UserT | None:
        """Give the user with this e-mail in any letter case, or None."""
        return await self._queries.find_by_email.first(self._runner, {"email": email})

    async def update(self, user_id: str, changes: Changes) -> UserT:
        """Change the fields that were set, and give the user as stored.

        Without any field set nothing is written.

        Raises:
            UserNotFoundError: No such user.
            EmailTakenError: Another user has this e-mail, letter case aside.
            InvalidInputError: They are not the changes of a user.
        """
        queries = self._queries
        key: Values = {"id": user_id}
        return _found(
            await queries.rows.change(self._runner, queries.find, queries.by_key, key, changes)
        )

    async def delete(self, user_id: str) -> None:
        """Delete a user with their accounts, sessions, chats, messages and settings.

        Raises:
            UserNotFoundError: No such user.
        """
        _found(await self._queries.delete.first(self._runner, {"id": user_id}))

    async def count(self) -> int:
        """Count all users."""
        return await self._queries.count.first(self._runner, {}) or 0


def _found(user: FoundT | None) -> FoundT:
    """Insist on a user."""
    if user is None:
        raise UserNotFoundError("No such user.")
    return user
