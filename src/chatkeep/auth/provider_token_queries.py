"""The statements on providers' tokens, in the accounts of either preset."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Text, bindparam, func, null, select, update
from sqlalchemy.sql import ClauseElement

from chatkeep.access.catalogue import Catalogue
from chatkeep.auth.account_table import TOKENS, account_table
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query


class Stored(NamedTuple):
    """An account's tokens as they are stored. `expires` counts seconds where Auth.js shaped it."""

    user_id: str
    provider: str
    account: str
    access_token: str | None
    refresh_token: str | None
    id_token: str | None
    expires: datetime | int | None
    refresh_expires: datetime | None
    scope: str | None
    updated_at: datetime

    def __repr__(self) -> str:
        return f"{type(self).__name__}(provider={self.provider!r})"

    @property
    def tokens(self) -> tuple[str | None, ...]:
        """The three tokens, in the order of `TOKENS`."""
        return self[3:6]


class ProviderTokenQueries:
    """The statements of one schema.

    Attributes:
        accounts: The table, and what its columns are called.
    """

    def __init__(self, catalogue: Catalogue[Any, Any, Any, Any]) -> None:
        """Find the accounts.

        Raises:
            ConfigError: The schema has none.
        """
        self.accounts = account_table(catalogue.schema.tables)
        table = self.accounts.table
        self._provider = table.c[self.accounts.provider]
        self._account = table.c[self.accounts.account]
        later = self.accounts.refresh_expires
        self._columns: list[ColumnElement[Any]] = [
            table.c["user_id"],
            self._provider,
            self._account,
            *(table.c[name] for name in TOKENS),
            table.c[self.accounts.expires],
            table.c[later] if later else null().label("refresh_expires"),
            table.c["scope"],
            table.c["updated_at"],
        ]
        named = zip(Stored._fields, self._columns, strict=True)
        self._shape = Shape(
            Stored, [Field(table.name, column.key or name) for name, column in named]
        )
        self._stores: dict[tuple[str, ...], Query[Stored]] = {}

    @cached_property
    def find(self) -> Query[Stored]:
        """Of one account of a user."""
        clause = select(*self._columns).where(*self._is_the_one())
        return self._query("find", clause)

    @cached_property
    def find_any(self) -> Query[Stored]:
        """Of a user's accounts with a provider; two of them, to see that there is more than one."""
        user, provider, _ = self._is_the_one()
        clause = select(*self._columns).where(user, provider).order_by(self._account)
        return self._query("find_any", clause.limit(bindparam("limit", 2, type_=Integer)))

    def store(self, columns: Iterable[str]) -> Query[Stored]:
        """Give the update of these columns, if the tokens are still those that were read."""
        names = tuple(columns)
        query = self._stores.get(names)
        if query is None:
            table = self.accounts.table
            given: dict[Any, Any] = {
                name: bindparam(f"set_{name}", type_=table.c[name].type) for name in names
            }
            moved = table.c["updated_at"]
            given["updated_at"] = func.greatest(moved, func.current_timestamp())
            same = (
                table.c[name].is_not_distinct_from(bindparam(f"was_{name}", type_=Text()))
                for name in TOKENS
            )
            clause = update(table).where(*self._is_the_one(), *same).values(given)
            query = self._query("store", clause.returning(*self._columns))
            self._stores[names] = query
        return query

    def _is_the_one(self) -> tuple[ColumnElement[bool], ...]:
        return (
            self.accounts.table.c["user_id"] == bindparam("user_id"),
            self._provider == bindparam("provider"),
            self._account == bindparam("account"),
        )

    def _query(self, name: str, clause: ClauseElement) -> Query[Stored]:
        statement = compile_statement(f"provider_tokens.{name}", clause, has_keys=True)
        return Query(statement, self._shape)


def store_values(stored: Stored, changed: Mapping[str, object]) -> dict[str, object]:
    """Give the parameters of `store`."""
    return {
        "user_id": stored.user_id,
        "provider": stored.provider,
        "account": stored.account,
        **{f"was_{name}": was for name, was in zip(TOKENS, stored.tokens, strict=True)},
        **{f"set_{name}": value for name, value in changed.items()},
    }


def provider_token_queries(catalogue: Catalogue[Any, Any, Any, Any]) -> ProviderTokenQueries:
    """Give the statements of a schema: they are compiled once, for all databases."""
    return catalogue.kept(ProviderTokenQueries)
