"""Better Auth's `bearer` plugin on our tables: a session of ours is none of its."""

from urllib.parse import quote

import pytest

from chatkeep import Database
from chatkeep.inputs.maps import NewSession, NewUser
from chatkeep.presets import maps

pytestmark = pytest.mark.needs("node")


async def test_what_stands_in_the_table_is_no_bearer_token(
    pg18, fresh_database, node_script, written
) -> None:
    """The plugin signs what comes without a point by itself, unless it asks for signatures."""
    schema = maps.schema()
    url = await fresh_database(pg18).holding(schema)
    files = await written(schema)
    async with Database(schema, url) as db:
        await db.users.create(NewUser(id="u1", email="ada@example.com", name="Ada"))
        issued = await db.auth.sessions.create("u1")
        (own,) = (await db.sessions.list("u1")).items
        of_node = NewSession(id="s1", token="t" * 32, user_id="u1", expires_at=own.expires_at)
        await db.sessions.create(of_node)
    bare = own.token.removesuffix(".")
    wrong = [own.token, quote(own.token), bare, f"{bare}%2E", f"{bare}%252E", issued.token]
    tokens = [*wrong, of_node.token]
    found = node_script("better_auth", "bearer.mjs", url, given=files.given(tokens=tokens))
    assert found == {"plain": [*[None] * 6, "u1"], "signed": [None] * 7}
