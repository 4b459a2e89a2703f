"""Accounts of OAuth providers: `db.accounts`."""

from functools import cached_property

from sqlalchemy import Integer, bindparam, select, tuple_

from chatkeep.access.paging import check_limit, page_of, read_cursor, write_cursor
from chatkeep.access.rows import Rows, set_values
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import AccountNotFoundError
from chatkeep.inputs.deepsearch import AccountChanges, NewAccount
from chatkeep.records.deepsearch import Account
from chatkeep.records.page import Page

_KEY = ("provider", "provider_account_id")


class AccountQueries:
    """The statements on accounts."""

    def __init__(self, accounts: Rows[Account]) -> None:
        self.rows = accounts
        self.by_key = accounts.equal(*_KEY)

    @cached_property
    def find(self) -> Query[Account]:
        """By key."""
        return self.rows.find(self.by_key)

    @cached_property
    def delete(self) -> Query[Account]:
        """By key."""
        return self.rows.delete(self.by_key)

    @cached_property
    def list(self) -> Query[Account]:
        """Those of a user, by key."""
        table = self.rows.table
        key = [table.c[name] for name in _KEY]
        clause = (
            select(*self.rows.columns)
            .where(
                table.c["user_id"] == bindparam("user_id"),
                tuple_(*key)
                > tuple_(*(bindparam(name, type_=table.c[name].type) for name in _KEY)),
            )
            .order_by(*key)
            .limit(bindparam("limit", type_=Integer))
        )
        return self.rows.query("list", clause)


class Accounts:
    """Accounts with which users sign in, named by provider and the provider's own id.

    The tokens in them are secrets: do not send a record of these to a browser.
    """

    def __init__(self, runner: Runner, queries: AccountQueries) -> None:
        self._runner = runner
        self._queries = queries

    async def create(self, new: NewAccount) -> Account:
        """Connect an account with a user.

        Raises:
            AlreadyExistsError: The account is connected already.
            ReferencedRowError: No such user.
            InvalidInputError: It is not the input of an account.
        """
        values = self._queries.rows.new_values(new)
        return _found(await self._queries.rows.insert(values).first(self._runner, values))

    async def get(self, provider: str, provider_account_id: str) -> Account:
        """Give an account.

        Raises:
            AccountNotFoundError: No such account.
        """
        return _found(await self.find(provider, provider_account_id))

    async def find(self, provider: str, provider_account_id: str) -> Account | None:
        """Give an account, or None."""
        key = {"provider": provider, "provider_account_id": provider_account_id}
        return await self._queries.find.first(self._runner, key)

    async def list(
        self, user_id: str, limit: int = 50, *, after: str | None = None
    ) -> Page[Account]:
        """Give a user's accounts, by provider and the provider's id.

        Args:
            user_id: Whose. An unknown user has none.
            limit: At most so many, 1 to 1000.
            after: `next_cursor` of the page before.

        Raises:
            InvalidInputError: The limit is out of bounds.
            InvalidCursorError: The cursor is not one of this list.
        """
        name = f"accounts:{user_id}"
        place = read_cursor(after, name, (str, str)) if after is not None else ["", ""]
        values = {
            "user_id": user_id,
            "provider": place[0],
            "provider_account_id": place[1],
            "limit": check_limit(limit) + 1,
        }
        rows = await self._queries.list.all(self._runner, values)
        return page_of(
            rows, limit, lambda row: write_cursor(name, row.provider, row.provider_account_id)
        )

    async def update(
        self, provider: str, provider_account_id: str, changes: AccountChanges
    ) -> Account:
        """Change the fields that were set, as after a refresh of the tokens.

        Raises:
            AccountNotFoundError: No such account.
            InvalidInputError: They are not the changes of an account.
        """
        rows = self._queries.rows
        values = rows.changed_values(changes)
        if not values:
            return await self.get(provider, provider_account_id)
        query = rows.update(values, self._queries.by_key)
        key = {"provider": provider, "provider_account_id": provider_account_id}
        return _found(await query.first(self._runner, {**set_values(values), **key}))

    async def delete(self, provider: str, provider_account_id: str) -> None:
        """Disconnect an account.

        Raises:
            AccountNotFoundError: No such account.
        """
        key = {"provider": provider, "provider_account_id": provider_account_id}
        _found(await self._queries.delete.first(self._runner, key))


def _found(account: Account | None) -> Account:
    if account is None:
        raise AccountNotFoundError("No such account of this provider.")
    return account
