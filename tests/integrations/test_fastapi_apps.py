"""Where an application's database comes from, its web sockets, and what its document says."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI

from chatkeep import ConfigError, Database, DatabaseClosedError, User
from chatkeep.access.scope import UserScope
from chatkeep.auth import cookies
from chatkeep.integrations.fastapi import (
    chatkeep_lifespan,
    current_database,
    current_user,
    install,
)
from chatkeep.presets import deepsearch
from integrations.calling import Denied, application, client, serving, sign_in


async def test_a_lifespan_opens_the_database_and_closes_it(
    db: Database, mine: UserScope, url: str, schema: deepsearch.Schema
) -> None:
    signed_in = await sign_in(db, mine.user_id)
    own = Database(schema, url)
    app = application(lifespan=chatkeep_lifespan(own))
    for _ in range(2):  # an application may be started again
        with serving(app, signed_in) as browser:
            assert browser.get("/me").json()["id"] == mine.user_id
        with pytest.raises(DatabaseClosedError):
            await own.users.count()


async def test_a_lifespan_stands_inside_another(
    db: Database, mine: UserScope, url: str, schema: deepsearch.Schema
) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with chatkeep_lifespan(Database(schema, url))(app) as state:
            yield {**state, "mine": 5}

    app = application(lifespan=lifespan)
    with serving(app, await sign_in(db, mine.user_id)) as browser:
        assert browser.get("/me").status_code == 200


async def test_mounted_applications_find_the_database_of_their_host_or_their_own(
    db: Database, mine: UserScope, url: str, schema: deepsearch.Schema
) -> None:
    signed_in = await sign_in(db, mine.user_id)
    app, mounted, other = (
        application(lifespan=chatkeep_lifespan(Database(schema, url))),
        application(),
        application(),
    )
    app.mount("/mounted", mounted)
    mounted.mount("/deeper", application())
    app.mount("/other", other)
    install(other, Database(schema, "postgresql://localhost/never-opened"))
    with serving(app, signed_in) as browser:
        for path in ("/me", "/mounted/me", "/mounted/deeper/me"):
            assert browser.get(path).json()["id"] == mine.user_id
        with pytest.raises(DatabaseClosedError):
            browser.get("/other/me")


async def test_applications_of_one_process_keep_apart(
    db: Database, mine: UserScope, url: str, schema: deepsearch.Schema
) -> None:
    signed_in = await sign_in(db, mine.user_id)
    async with (
        Database(schema, url) as second,
        client(application(db), signed_in) as one,
        client(application(second)) as two,
    ):
        with db.statements() as first_sent, second.statements() as second_sent:
            assert (await one.get("/me")).status_code == 200
            assert (await two.get("/me")).status_code == 401
            two.cookies.update(signed_in)
            assert (await two.get("/me")).status_code == 200
        assert first_sent.names == second_sent.names == ["sessions.find", "users.find"]


async def test_an_override_puts_another_database_or_user_in_its_place(
    db: Database, mine: UserScope
) -> None:
    app = application()
    app.dependency_overrides[current_database] = lambda: db
    async with client(app, await sign_in(db, mine.user_id)) as browser:
        assert (await browser.get("/me")).json()["id"] == mine.user_id
    now = datetime.now(UTC)
    somebody = User("u1", None, "nobody@example.com", None, None, False, now, now)
    app.dependency_overrides = {current_user: lambda: somebody}
    async with client(app) as browser:
        assert (await browser.get("/me")).json()["id"] == "u1"


async def test_an_application_without_a_database_says_what_to_do() -> None:
    app = application(lifespan=chatkeep_lifespan(Database(deepsearch.schema(), "postgresql://x/x")))
    async with client(app) as browser:  # its lifespan did not run
        with pytest.raises(ConfigError, match="TestClient"):
            await browser.get("/me")


async def test_a_web_socket_knows_who_is_calling(
    db: Database, mine: UserScope, url: str, schema: deepsearch.Schema
) -> None:
    app = application(lifespan=chatkeep_lifespan(Database(schema, url)))
    signed_in = await sign_in(db, mine.user_id)
    with (
        serving(app, signed_in) as browser,
        browser.websocket_connect("/socket") as socket,
    ):
        assert socket.receive_text() == "user@example.com"
    with (
        serving(app) as browser,
        pytest.raises(Denied) as denied,
        browser.websocket_connect("/socket"),
    ):
        pass
    assert denied.value.status_code == 401
    assert denied.value.json() == {"detail": "Not authenticated"}
    assert denied.value.headers["www-authenticate"] == "APIKey"


async def test_a_server_that_cannot_answer_a_web_socket_closes_it(db: Database) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    scope = {
        "type": "websocket", "path": "/socket", "raw_path": b"/socket", "query_string": b"",
        "root_path": "", "headers": [], "subprotocols": [], "asgi": {"version": "3.0"},
    }  # fmt: skip
    await application(db)(scope, receive, send)
    assert [(message["type"], message.get("code")) for message in sent] == [
        ("websocket.close", 1008)
    ]


async def test_the_document_says_which_cookies_a_route_takes(db: Database) -> None:
    document = application(db).openapi()
    schemes = document["components"]["securitySchemes"]
    assert {each["type"] for each in schemes.values()} == {"apiKey"}
    assert {each["in"] for each in schemes.values()} == {"cookie"}
    any_of_them = [{name: []} for name in schemes]
    assert document["paths"]["/all"]["get"]["security"] == any_of_them
    assert document["paths"]["/chats"]["get"]["security"] == any_of_them
    assert "security" not in document["paths"]["/open"]["get"]


def test_the_document_names_every_cookie_that_is_read() -> None:
    schemes = application().openapi()["components"]["securitySchemes"]
    assert {each["name"] for each in schemes.values()} == set(cookies._DEFAULTS.values())
