"""Who is calling, as FastAPI dependencies: what they give, and how they refuse."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from examples.extending.app_schema import NewAppUser
from examples.extending.app_schema import schema as extended_schema

from chatkeep import AuthOptions, Database, DatabaseClosedError, NewUser, User
from chatkeep.access.scope import UserScope
from chatkeep.inputs import maps as maps_inputs
from chatkeep.presets import deepsearch, maps
from fixtures.servers import Databases, PgServer
from integrations.calling import (
    BETTER_AUTH_SECRET,
    application,
    client,
    sign_in,
    sign_in_to_maps,
)


@pytest_asyncio.fixture(loop_scope="session")
async def cookies(db: Database, mine: UserScope) -> dict[str, str]:
    return await sign_in(db, mine.user_id)


async def test_the_user_session_and_scope_of_the_cookie(
    db: Database, mine: UserScope, cookies: dict[str, str]
) -> None:
    await mine.chats.create(title="Mine")
    stranger = await db.users.create(NewUser(email="stranger@example.com"))
    await db.as_user(stranger.id).chats.create(title="Not mine")
    async with client(application(db), cookies) as browser:
        me = (await browser.get("/me")).json()
        assert (me["id"], me["email"]) == (mine.user_id, "user@example.com")
        assert (await browser.get("/maybe")).json() == me
        session = (await browser.get("/session")).json()
        assert (session["userId"], session["kind"]) == (mine.user_id, "auth.js")
        assert cookies["authjs.session-token"] not in str(session)
        chats = (await browser.get("/chats")).json()
        assert [chat["title"] for chat in chats["items"]] == ["Mine"]
        assert (await browser.get("/all")).json() == [True, True, True]


async def test_a_request_looks_the_session_up_once(
    db: Database, mine: UserScope, cookies: dict[str, str]
) -> None:
    async with client(application(db), cookies) as browser:
        for path, expected in [
            ("/open", []),
            ("/session", ["sessions.find"]),
            ("/chats", ["sessions.find", "chats.list"]),
            ("/me", ["sessions.find", "users.find"]),
            ("/all", ["sessions.find", "users.find"]),
        ]:
            with db.statements() as sent:
                assert (await browser.get(path)).status_code == 200
            assert sent.names == expected, path


async def test_every_refusal_is_the_same_answer(
    db: Database, mine: UserScope, cookies: dict[str, str]
) -> None:
    (name,) = cookies
    (token,) = cookies.values()
    ended = await sign_in(db, mine.user_id, lasts=timedelta(hours=-1))
    gone = await sign_in(db, mine.user_id)
    await db.sessions.delete(gone[name])
    refused: list[dict[str, str]] = [
        {},
        {name: ""},
        {name: "unknown"},
        {name: token[:-1]},
        {name: "sha256:" + token},
        {name: "\N{GREEK SMALL LETTER ALPHA}"},
        {"better-auth.session_token": f"{token}.bm90IGEgc2lnbmF0dXJl"},
        ended,
        gone,
    ]
    app = application(db)
    answers: set[tuple[Any, ...]] = set()
    for given in refused:
        header = "; ".join(f"{key}={value}" for key, value in given.items()).encode()
        async with client(app) as browser:
            for path in ("/me", "/session", "/chats", "/all"):
                got = await browser.get(path, headers={b"cookie": header})
                answers.add((got.status_code, got.content, tuple(sorted(got.headers.items()))))
            assert (await browser.get("/maybe", headers={b"cookie": header})).json() is None
    (answer,) = answers
    assert answer[:2] == (401, b'{"detail":"Not authenticated"}')
    assert dict(answer[2])["www-authenticate"] == "APIKey"


async def test_a_cookie_that_came_twice_is_nobody(
    db: Database, mine: UserScope, cookies: dict[str, str]
) -> None:
    (name,) = cookies
    (token,) = cookies.values()
    other = await sign_in(db, mine.user_id)
    async with client(application(db)) as browser:
        header = {"cookie": f"{name}={token}; {name}={other[name]}"}
        assert (await browser.get("/session", headers=header)).status_code == 401


async def test_a_deleted_user_is_refused(
    db: Database, mine: UserScope, cookies: dict[str, str]
) -> None:
    async with client(application(db), cookies) as browser:
        assert (await browser.get("/me")).status_code == 200
        await db.users.delete(mine.user_id)
        assert (await browser.get("/me")).status_code == 401
        assert (await browser.get("/maybe")).json() is None


async def test_a_database_that_cannot_be_asked_is_no_refusal(
    url: str, schema: deepsearch.Schema
) -> None:
    closed = Database(schema, url)
    async with client(application(closed), {"authjs.session-token": "some"}) as browser:
        for path in ("/me", "/maybe", "/session"):
            with pytest.raises(DatabaseClosedError):
                await browser.get(path)


@pytest_asyncio.fixture(loop_scope="session")
async def maps_db(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> AsyncIterator[Database[Any, Any, Any, Any]]:
    schema = maps.schema()
    options = AuthOptions(better_auth_secrets=(BETTER_AUTH_SECRET,))
    async with Database(schema, await fresh_database(pg18).holding(schema), auth=options) as opened:
        yield opened


async def test_the_user_is_the_record_of_the_schema(
    db: Database,
    maps_db: Database[Any, Any, Any, Any],
    pg18: PgServer,
    fresh_database: Callable[[PgServer], Databases],
) -> None:
    ada = await maps_db.users.create(maps_inputs.NewUser(email="ada@example.com"))
    async with client(application(maps_db), await sign_in_to_maps(maps_db, ada.id)) as browser:
        assert (await browser.get("/me")).json()["emailVerified"] is False
        assert (await browser.get("/session")).json()["kind"] == "better-auth"

    url = await fresh_database(pg18).holding(extended_schema)
    async with Database(extended_schema, url) as extended:
        bob = await extended.users.create(NewAppUser(email="bob@example.com", home_city="Kyoto"))
        async with client(application(extended), await sign_in(extended, bob.id)) as browser:
            assert (await browser.get("/me")).json()["homeCity"] == "Kyoto"

    carol = await db.users.create(NewUser(email="carol@example.com"))
    async with client(application(db), await sign_in(db, carol.id)) as browser:
        assert (await browser.get("/me")).json() == carol.to_dict()
        assert type(carol) is User


def test_without_fastapi_it_says_what_to_install() -> None:
    script = (
        "import sys\n"
        "sys.modules['fastapi'] = None\n"
        "try:\n"
        "    import chatkeep.integrations.fastapi\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "pip install 'chatkeep[" in done.stdout
