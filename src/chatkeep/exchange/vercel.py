"""The format `vercel`: a database of vercel/chatbot, by its URL."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from chatkeep.exchange.foreign import Foreign, open_foreign
from chatkeep.exchange.foreign_ids import only_account
from chatkeep.exchange.model import Account, Format, Options, Reader, Writer
from chatkeep.exchange.vercel_reading import (
    FORMAT_NAME,
    VercelReader,
    count_chats,
    find_users,
    list_accounts,
)
from chatkeep.exchange.vercel_shapes import PRODUCT, Tables, find_tables
from chatkeep.exchange.vercel_writing import VercelWriter


@asynccontextmanager
async def read_vercel(source: str, options: Options) -> AsyncGenerator[Reader]:
    """Open a database to read; nothing of it is changed, and it is seen as at the beginning.

    Raises:
        SchemaMismatchError: It is no such database, or of a release that is not known.
        ExchangeError: It has no such account, or more than one.
    """
    async with open_foreign(source, product=PRODUCT, has_files=False, read_only=True) as foreign:
        tables = await find_tables(foreign)
        user_id = await _account(foreign, tables, options)
        yield VercelReader(foreign, tables, user_id, await count_chats(foreign, tables, user_id))


@asynccontextmanager
async def write_vercel(target: str, options: Options) -> AsyncGenerator[Writer]:
    """Open a database to add to, in one transaction.

    Raises:
        SchemaMismatchError: It is no such database, or of a release that is not known.
        ExchangeError: It has no such account, or more than one.
    """
    async with open_foreign(target, product=PRODUCT, has_files=False, read_only=False) as foreign:
        tables = await find_tables(foreign)
        owner_id = await _account(foreign, tables, options)
        yield VercelWriter(foreign, tables, owner_id)


async def accounts_of_vercel(source: str) -> list[Account]:
    """Give everybody who has chats in a database.

    Raises:
        SchemaMismatchError: It is no such database, or of a release that is not known.
    """
    async with open_foreign(source, product=PRODUCT, has_files=False, read_only=True) as foreign:
        return await list_accounts(foreign, await find_tables(foreign))


async def _account(foreign: Foreign, tables: Tables, options: Options) -> UUID | None:
    if options.account is None:
        return None
    found = await find_users(foreign, tables, options.account)
    return only_account(found, foreign.where, "User")


FORMAT = Format(FORMAT_NAME, read_vercel, write_vercel, accounts=accounts_of_vercel)
