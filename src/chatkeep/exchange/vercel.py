"""The format `vercel`: a database of vercel/chatbot, by its URL."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from chatkeep.errors import ExchangeError
from chatkeep.exchange.foreign import Foreign, open_foreign
from chatkeep.exchange.model import Account, Format, Options, Reader, Writer
from chatkeep.exchange.vercel_reading import (
    FORMAT_NAME,
    VercelReader,
    count_chats,
    find_user,
    list_accounts,
)
from chatkeep.exchange.vercel_shapes import PRODUCT, Tables, find_tables
from chatkeep.exchange.vercel_writing import VercelWriter


@asynccontextmanager
async def read_vercel(source: str, options: Options) -> AsyncGenerator[Reader]:
    """Open a database to read; nothing of it is changed, and it is seen as at the beginning.

    Raises:
        SchemaMismatchError: It is no such database, or of a release that is not known.
        ExchangeError: It has no such account.
    """
    async with open_foreign(source, product=PRODUCT, read_only=True) as foreign:
        tables = await find_tables(foreign)
        user_id = await _account(foreign, tables, options)
        yield VercelReader(foreign, tables, user_id, await count_chats(foreign, tables, user_id))


@asynccontextmanager
async def write_vercel(target: str, options: Options) -> AsyncGenerator[Writer]:
    """Open a database to add to, in one transaction.

    Raises:
        SchemaMismatchError: It is no such database, or of a release that is not known.
        ExchangeError: It has no such account.
    """
    async with open_foreign(target, product=PRODUCT, read_only=False) as foreign:
        tables = await find_tables(foreign)
        owner_id = await _account(foreign, tables, options)
        yield VercelWriter(foreign, tables, owner_id)


async def accounts_of_vercel(source: str) -> list[Account]:
    """Give everybody who has chats in a database.

    Raises:
        SchemaMismatchError: It is no such database, or of a release that is not known.
    """
    async with open_foreign(source, product=PRODUCT, read_only=True) as foreign:
        return await list_accounts(foreign, await find_tables(foreign))


async def _account(foreign: Foreign, tables: Tables, options: Options) -> UUID | None:
    if options.account is None:
        return None
    user_id = await find_user(foreign, tables, options.account)
    if user_id is None:
        raise ExchangeError(
            f"The database at {foreign.where} has no such account.",
            hint='Name it by the id or the e-mail of its row in "User".',
        )
    return user_id


FORMAT = Format(FORMAT_NAME, read_vercel, write_vercel, accounts=accounts_of_vercel)
