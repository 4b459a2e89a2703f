"""Better Auth's `magicLink` plugin beside our tokens for one use, which are in its table."""

import pytest

from chatkeep import Database, VerificationTokenNotFoundError
from chatkeep.inputs.maps import NewUser
from chatkeep.presets import maps

pytestmark = pytest.mark.needs("node")
EMAIL = "ada@example.com"


@pytest.mark.parametrize("stored", ["plain", "hashed"])
async def test_no_visitor_signs_in_by_the_name_of_our_token(
    stored: str, pg18, fresh_database, node_script, written
) -> None:
    """With the plugin's own way to store tokens, "plain", the person's token goes."""
    schema = maps.schema()
    url = await fresh_database(pg18).holding(schema)
    files = await written(schema)
    async with Database(schema, url) as db:
        await db.users.create(NewUser(id="u1", email=EMAIL, name="Ada"))
        token = await db.auth.tokens.issue("reset", EMAIL)
        given = files.given(token=f"chatkeep:reset:{EMAIL}", storeToken=stored)
        assert node_script("better_auth", "magic_link.mjs", url, given=given) == {
            "signed_in": False
        }
        assert await db.sessions.count() == 0
        if stored == "hashed":
            await db.auth.tokens.use("reset", EMAIL, token)
        else:
            with pytest.raises(VerificationTokenNotFoundError):
                await db.auth.tokens.use("reset", EMAIL, token)
