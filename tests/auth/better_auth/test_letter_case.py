"""Better Auth asks for addresses in small letters; the seed's rows and Python's may have others."""

import asyncpg
import pytest

from chatkeep import Database
from chatkeep.auth.better_auth_config import better_auth_config
from chatkeep.inputs.maps import NewUser
from chatkeep.presets import maps
from fixtures.console import DOCS

pytestmark = pytest.mark.needs("node")
MEND = "UPDATE users SET email = lower(email) WHERE email <> lower(email);\n"


async def test_an_address_with_capitals_is_found_once_it_is_small(
    pg18, fresh_database, node_script
):
    schema = maps.schema()
    url = await fresh_database(pg18).holding(schema)
    async with Database(schema, url) as db:
        await db.users.create(NewUser(email="Ada@Example.com"))

    def sign_up() -> str:
        given = {"options": better_auth_config(schema).options(), "signUp": ["Ada@Example.com"]}
        said = node_script("better_auth", "version.mjs", url, given=given)
        return said["signedUp"]["Ada@Example.com"]

    assert sign_up() == "FAILED_TO_CREATE_USER"
    connection = await asyncpg.connect(url)
    await connection.execute(MEND)
    await connection.close()
    assert sign_up() == "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"
    assert MEND in (DOCS / "how-to" / "better-auth-tables.md").read_text(encoding="utf-8")
