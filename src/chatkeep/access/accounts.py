"""Accounts of OAuth providers: `db.accounts`."""

from functools import cached_property
from typing import Protocol

from sqlalchemy import Boolean, Integer, bindparam, or_, select, tuple_
from sqlalchemy.sql.elements import Tuple

from chatkeep.access.paging import (
    END,
    START,
    check_direction,
    check_limit,
    page_of,
    read_cursor,
    write_cursor,
)
from chatkeep.access.rows import Rows, Values, Where, set_values
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import AccountNotFoundError
from chatkeep.inputs.deepsearch import AccountChanges, NewAccount
from chatkeep.records.deepsearch import Account
from chatkeep.records.page import Page

_KEY = ("provider", "provider_account_id")
_TOKENS = ("access_token", "refresh_token", "id_token")


class Sealing(Protocol):
    """Keeps the tokens of accounts sealed in the database; `auth.sealing` has the keys."""

    def sealed(self, values: Values, provider: object, provider_account_id: object) -> Values:
        """Give a row's values by column, as they are to be stored."""
        ...

    def opened(self, account: Account) -> Account:
        """Open the tokens of an account that was just read."""
        ...


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
        """Those of a user after a place, by key."""
        return self._list("list", self._key > self._place, is_back=False)

    @cached_property
    def list_before(self) -> Query[Account]:
        """The page back: before a place, the last key first; no text stands behind all others."""
        is_end = bindparam("is_end", type_=Boolean())
        return self._list("list_before", or_(is_end, self._key < self._place), is_back=True)

    @property
    def _key(self) -> Tuple:
        return tuple_(*(self.rows.table.c[name] for name in _KEY))

    @property
    def _place(self) -> Tuple:
        table = self.rows.table
        return tuple_(*(bindparam(name, type_=table.c[name].type) for name in _KEY))

    def _list(self, name: str, where: Where, *, is_back: bool) -> Query[Account]:
        table = self.rows.table
        key = [table.c[name] for name in _KEY]
        clause = (
            select(*self.rows.columns)
            .where(table.c["user_id"] == bindparam("user_id"), where)
            .order_by(*(column.desc() if is_back else column for column in key))
            .limit(bindparam("limit", type_=Integer))
        )
        return self.rows.query(name, clause)


class Accounts:
    """Accounts with which users sign in, named by provider and the provider's own id.

    The tokens in them are secrets: do not send a record of these to a browser. Where keys for them
    are configured (`AuthOptions.token_keys`) they are sealed when they are stored and opened when
    they are read; what was stored before, or by others, is read as it stands.
    """

    def __init__(self, runner: Runner, queries: AccountQueries, sealing: Sealing) -> None:
        self._runner = runner
        self._queries = queries
        self._sealing = sealing

    async def create(self, new: NewAccount) -> Account:
        """Connect an account with a user.

        Raises:
            AlreadyExistsError: The account is connected already.
            ReferencedRowError: No such user.
            InvalidInputError: It is not the input of an account.
        """
        values = self._queries.rows.new_values(new)
        values = self._sealing.sealed(values, *map(values.get, _KEY))
        return self._opened(await self._queries.rows.insert(values).first(self._runner, values))

    async def get(self, provider: str, provider_account_id: str) -> Account:
        """Give an account.

        Raises:
            AccountNotFoundError: No such account.
            TokensAtRestError: A sealed token cannot be opened.
        """
        return _found(await self.find(provider, provider_account_id))

    async def find(self, provider: str, provider_account_id: str) -> Account | None:
        """Give an account, or None.

        Raises:
            TokensAtRestError: A sealed token cannot be opened.
        """
        key = {"provider": provider, "provider_account_id": provider_account_id}
        found = await self._queries.find.first(self._runner, key)
        return None if found is None else self._sealing.opened(found)

    async def list(
        self,
        user_id: str,
        limit: int = 50,
        *,
        after: str | None = None,
        before: str | None = None,
    ) -> Page[Account]:
        """Give a user's accounts, by provider and the provider's id.

        Args:
            user_id: Whose. An unknown user has none.
            limit: At most so many, 1 to 1000.
            after: `next_cursor` of the page before.
            before: `previous_cursor` of the page after, or `END`: the page back, also by provider.

        Raises:
            InvalidInputError: The limit is out of bounds, or both cursors were given.
            InvalidCursorError: The cursor is not one of this list.
            TokensAtRestError: A sealed token cannot be opened.
        """
        check_direction("accounts.list", after, before)
        name = f"{self._queries.rows.table.name}\0{user_id}"
        cursor = after if before is None else before
        is_open = cursor in (None, START if before is None else END)
        place = ["", ""] if is_open else read_cursor(cursor, name, (str, str))
        values: dict[str, object] = dict(zip(_KEY, place, strict=True))
        values.update(user_id=user_id, limit=check_limit(limit) + 1)
        if before is None:
            rows = await self._queries.list.all(self._runner, values)
        else:
            values["is_end"] = is_open
            rows = await self._queries.list_before.all(self._runner, values)
        return page_of(
            [self._sealing.opened(row) for row in rows],
            limit,
            lambda row: write_cursor(name, row.provider, row.provider_account_id),
            after=after,
            before=before,
        )

    async def update(
        self, provider: str, provider_account_id: str, changes: AccountChanges
    ) -> Account:
        """Change the fields that were set, as after a refresh of the tokens.

        Two statements, where not all three tokens are set: those that stay are opened first, so
        that nothing is stored when one does not open. To get rid of such a token, set it.

        Raises:
            AccountNotFoundError: No such account.
            InvalidInputError: They are not the changes of an account.
            TokensAtRestError: A sealed token that stays cannot be opened; nothing is stored.
        """
        queries = self._queries
        key: Values = {"provider": provider, "provider_account_id": provider_account_id}
        values = queries.rows.changed_values(changes)
        if not values:
            return self._opened(await queries.find.first(self._runner, key))
        values = self._sealing.sealed(values, provider, provider_account_id)
        if not all(name in values for name in _TOKENS):
            there = _found(await queries.find.first(self._runner, key))
            for name in _TOKENS:
                if name in values:
                    setattr(there, name, None)  # it may be what does not open any more
            self._sealing.opened(there)
        update = queries.rows.update(values, queries.by_key)
        return self._opened(await update.first(self._runner, {**set_values(values), **key}))

    async def delete(self, provider: str, provider_account_id: str) -> None:
        """Disconnect an account.

        Raises:
            AccountNotFoundError: No such account.
        """
        key = {"provider": provider, "provider_account_id": provider_account_id}
        _found(await self._queries.delete.first(self._runner, key))

    def _opened(self, account: Account | None) -> Account:
        return self._sealing.opened(_found(account))


def _found(account: Account | None) -> Account:
    if account is None:
        raise AccountNotFoundError("No such account of this provider.")
    return account
