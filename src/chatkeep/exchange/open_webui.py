"""The format `open-webui`: its database, by a URL of PostgreSQL or the path of a SQLite file."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chatkeep.exchange.foreign import Foreign, open_foreign
from chatkeep.exchange.foreign_ids import only_account
from chatkeep.exchange.model import Account, Format, Options, Reader, Writer
from chatkeep.exchange.open_webui_reading import (
    OpenWebuiReader,
    count_chats,
    find_users,
    list_accounts,
)
from chatkeep.exchange.open_webui_shapes import FORMAT_NAME, PRODUCT, Tables, find_tables
from chatkeep.exchange.open_webui_writing import OpenWebuiWriter


@asynccontextmanager
async def read_open_webui(source: str, options: Options) -> AsyncGenerator[Reader]:
    """Open a database to read; nothing of it is changed.

    Raises:
        SchemaMismatchError: It is no such database, or of a release that is not known.
        ExchangeError: It has no such account, or more than one.
    """
    async with open_foreign(source, product=PRODUCT, read_only=True) as foreign:
        tables = await find_tables(foreign)
        user_id = await _account(foreign, tables, options)
        size = await count_chats(foreign, tables, user_id)
        yield OpenWebuiReader(foreign, tables, user_id, size)


@asynccontextmanager
async def write_open_webui(target: str, options: Options) -> AsyncGenerator[Writer]:
    """Open a database to add to, in one transaction. Stop the product meanwhile: it would wait.

    Raises:
        SchemaMismatchError: It is no such database, or of a release that is not known.
        ExchangeError: It has no such account, or more than one.
    """
    async with open_foreign(target, product=PRODUCT, read_only=False) as foreign:
        tables = await find_tables(foreign)
        owner_id = await _account(foreign, tables, options)
        yield OpenWebuiWriter(foreign, tables, owner_id)


async def accounts_of_open_webui(source: str) -> list[Account]:
    """Give everybody who has chats in a database.

    Raises:
        SchemaMismatchError: It is no such database, or of a release that is not known.
    """
    async with open_foreign(source, product=PRODUCT, read_only=True) as foreign:
        return await list_accounts(foreign, await find_tables(foreign))


async def _account(foreign: Foreign, tables: Tables, options: Options) -> str | None:
    if options.account is None:
        return None
    found = await find_users(foreign, tables, options.account)
    return only_account(found, foreign.where, "user")


FORMAT = Format(FORMAT_NAME, read_open_webui, write_open_webui, accounts=accounts_of_open_webui)
