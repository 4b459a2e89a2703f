"""Our errors as answers of HTTP, and the check of where a request comes from."""

import inspect
import logging
from typing import Any

import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect

from chatkeep import ConfigError, Database, NewUser, errors
from chatkeep.access.scope import UserScope
from chatkeep.errors import ChatkeepError
from chatkeep.integrations.fastapi import OriginCheck, install, install_error_handlers
from chatkeep.presets import deepsearch
from integrations.calling import Denied, Mine, client, serving, sign_in

SECRET = "s3cr3t-name"
STATUSES: dict[type[ChatkeepError], int] = {
    errors.ChatNotFoundError: 404,
    errors.SessionNotFoundError: 404,
    errors.InvalidInputError: 422,
    errors.InvalidCursorError: 422,
    errors.CheckFailedError: 422,
    errors.AlreadyExistsError: 409,
    errors.EmailTakenError: 409,
    errors.ReferencedRowError: 409,
    errors.ConflictError: 409,
    errors.AnswerTakenOverError: 409,
    errors.ConnectionFailedError: 503,
    errors.DatabaseTimeoutError: 503,
    errors.DatabaseBusyError: 503,
    errors.DatabaseClosedError: 503,
}
OURS_TO_MEND = [
    errors.ConfigError,
    errors.SchemaMismatchError,
    errors.StoredDataError,
    errors.StatementError,
    errors.EmbeddingError,
    errors.TokensAtRestError,
    errors.MigrationError,
]


def raising(error: Exception) -> FastAPI:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/")
    async def get() -> None:
        raise error

    @app.websocket("/early")
    async def early(socket: WebSocket) -> None:
        raise error

    @app.websocket("/late")
    async def late(socket: WebSocket) -> None:
        await socket.accept()
        raise error

    return app


@pytest.mark.parametrize(("kind", "status"), STATUSES.items(), ids=str)
async def test_an_error_has_its_status_and_code(kind: type[ChatkeepError], status: int) -> None:
    message = (
        f"chats.list: {SECRET}" if issubclass(kind, errors.DatabaseError) else "No such thing."
    )
    error = kind(message, hint=f"Look at {SECRET}.")
    async with client(raising(error)) as browser:
        got = await browser.get("/")
    assert got.status_code == status
    body = got.json()
    assert body["code"] == kind.code
    assert body["detail"].endswith(".")
    assert SECRET not in got.text
    assert got.headers.get("retry-after") == ("1" if status == 503 else None)
    assert ("field" in body) is issubclass(kind, errors.InvalidInputError)


@pytest.mark.parametrize("kind", OURS_TO_MEND)
async def test_what_only_we_can_mend_stays_an_error_of_the_server(
    kind: type[ChatkeepError],
) -> None:
    async with client(raising(kind("Broken."))) as browser:
        with pytest.raises(kind):
            await browser.get("/")


def test_every_error_of_a_call_was_decided_on() -> None:
    """A new one is added to one of the two lists above."""
    decided = (*STATUSES, *OURS_TO_MEND, errors.RevisionConflictError, errors.AnswerRunningError)
    decided = (*decided, errors.SearchFailedError)
    elsewhere = (errors.ServerError, errors.ExchangeError, errors.PersonalDataError)
    undecided = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, ChatkeepError)
        and not issubclass(kind, (*decided, *elsewhere, errors.NotFoundError))
        and not kind.__subclasses__()
    ]
    assert undecided == []


async def test_errors_of_real_calls(db: Database, mine: UserScope) -> None:
    app = FastAPI()
    install(app, db)
    install_error_handlers(app)

    @app.get("/chats/{chat_id}")
    async def title(mine: Mine, chat_id: str) -> str:
        return (await mine.chats.get(chat_id)).title

    @app.patch("/chats/{chat_id}")
    async def rename(mine: Mine, chat_id: str, revision: int) -> None:
        await mine.chats.update(chat_id, title="New", expected_revision=revision)

    @app.get("/chats")
    async def chats(mine: Mine, limit: int) -> int:
        return len((await mine.chats.list(limit)).items)

    @app.post("/users")
    async def user(new: NewUser) -> None:
        await db.users.create(new)

    chat = await mine.chats.create(title="Old")
    async with client(app, await sign_in(db, mine.user_id)) as browser:
        absent = await browser.get("/chats/absent")
        assert (absent.status_code, absent.json()) == (
            404,
            {"detail": "No such chat.", "code": "chat_not_found"},
        )
        stale = await browser.patch(f"/chats/{chat.id}", params={"revision": 7})
        assert (stale.status_code, stale.json()["code"]) == (409, "revision_conflict")
        wide = await browser.get("/chats", params={"limit": 5000})
        assert (wide.status_code, wide.json()["field"]) == (422, "limit")
        taken = await browser.post("/users", json={"email": "USER@example.com"})
        assert (taken.status_code, taken.json()) == (
            409,
            {"detail": "It exists already.", "code": "email_taken"},
        )


async def test_a_database_out_of_reach_is_503_and_a_line_in_the_log(
    url: str, schema: deepsearch.Schema, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    install(app, Database(schema, url))
    install_error_handlers(app)

    @app.get("/chats")
    async def chats(mine: Mine) -> None: ...

    with caplog.at_level(logging.ERROR, "chatkeep.fastapi"):
        async with client(app, {"authjs.session-token": SECRET}) as browser:
            got = await browser.get("/chats")
    assert (got.status_code, got.json()["code"]) == (503, "database_closed")
    (record,) = caplog.records
    assert record.getMessage().startswith("DatabaseClosedError: ")
    assert SECRET not in caplog.text


async def test_a_web_socket_is_answered_before_it_is_accepted_and_closed_after() -> None:
    for error, status, code in [
        (errors.ChatNotFoundError("No such chat."), 404, 1008),
        (errors.DatabaseTimeoutError("chats.list: no answer in time."), 503, 1013),
    ]:
        browser = serving(raising(error))
        with pytest.raises(Denied) as denied, browser.websocket_connect("/early"):
            pass
        assert denied.value.status_code == status
        with (
            browser.websocket_connect("/late") as socket,
            pytest.raises(WebSocketDisconnect) as closed,
        ):
            socket.receive_text()
        assert closed.value.code == code


OWN = {"host": "api.example.com"}
TRUSTED = "https://app.example.com"


@pytest.mark.parametrize(
    ("headers", "is_welcome"),
    [
        ({}, True),  # no browser
        ({"sec-fetch-site": "same-origin", "origin": "https://api.example.com"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site", "origin": TRUSTED}, True),
        ({"sec-fetch-site": "cross-site", "origin": TRUSTED}, True),
        ({"origin": "https://api.example.com"}, True),
        ({"origin": TRUSTED}, True),
        ({"sec-fetch-site": "same-site", "origin": "https://blog.example.com"}, False),
        ({"sec-fetch-site": "same-site", "origin": "https://api.example.com"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": ""}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "https://api.example.com:8443"}, False),
        ({"origin": "https://api.example.com.evil.example"}, False),
        ({"origin": "http://app.example.com"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"origin": "http://["}, False),
        ({"origin": "null", "host": ""}, False),
        ({"origin": "", "host": ""}, False),
        ({"origin": "https://", "host": ""}, False),
        ({"origin": "https://evil@api.example.com"}, False),
        ({"origin": "ftp://api.example.com"}, False),
    ],
)
async def test_a_page_of_another_origin_changes_nothing(
    headers: dict[str, str], is_welcome: bool
) -> None:
    app = FastAPI(dependencies=[Depends(OriginCheck(TRUSTED))])

    @app.api_route("/", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def route() -> None: ...

    @app.websocket("/socket")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    async with client(app) as browser:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            got = await browser.request(method, "/", headers={**OWN, **headers})
            assert got.status_code == (200 if is_welcome else 403)
        assert (await browser.get("/", headers={**OWN, **headers})).status_code == 200

    sent: list[str] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    pairs = [(name.encode(), value.encode()) for name, value in {**OWN, **headers}.items()]
    scope = {
        "type": "websocket", "path": "/socket", "raw_path": b"/socket", "query_string": b"",
        "root_path": "", "headers": pairs, "subprotocols": [], "asgi": {"version": "3.0"},
    }  # fmt: skip
    await app(scope, receive, send)
    assert ("websocket.accept" in sent) is is_welcome


@pytest.mark.parametrize(
    ("scheme", "origin", "is_welcome"),
    [
        ("http", "http://api.example.com", True),
        ("http", "https://api.example.com", True),  # which a proxy took
        ("https", "https://api.example.com", True),
        ("https", "http://api.example.com", False),  # who is on the way writes such a page
    ],
)
async def test_a_page_that_came_plain_is_of_another_origin(
    scheme: str, origin: str, is_welcome: bool
) -> None:
    app = FastAPI(dependencies=[Depends(OriginCheck())])

    @app.post("/")
    async def route() -> None: ...

    async with client(app) as browser:
        got = await browser.post(f"{scheme}://api.example.com/", headers={"origin": origin})
        assert got.status_code == (200 if is_welcome else 403)


@pytest.mark.parametrize(
    "origin",
    [
        "app.example.com",
        "https://app.example.com/",
        "https://",
        "*",
        "https://*.example.com",
        "https://[",
        "https://APP.example.com",
        "https://app.example.com:443",
        "https://me@app.example.com",
        "https://app.example.com ",
        "null",
        5,
        None,
    ],
)
def test_what_is_no_origin_is_refused(origin: Any) -> None:
    with pytest.raises(ConfigError, match="is no origin"):
        OriginCheck(origin)


@pytest.mark.parametrize(("seconds", "after"), [(0.0, "1"), (12.2, "13")])
async def test_a_search_that_failed_lately_is_tried_again_later(seconds: float, after: str) -> None:
    async with client(raising(errors.SearchFailedError(SECRET, seconds))) as browser:
        got = await browser.get("/")
    assert (got.status_code, got.headers["retry-after"]) == (503, after)
    assert got.json()["code"] == "search_failed"
    assert SECRET not in got.text


async def test_what_a_search_service_gave_is_not_the_fault_of_the_visitor(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    install_error_handlers(app)

    async def search() -> dict[str, str]:
        return {"message": "Unauthorized"}

    @app.get("/")
    async def found(q: str) -> None:
        await db.search_cache.get_or_fetch(q, search)

    async with client(app) as browser:
        unreadable, again, empty = [await browser.get("/", params={"q": q}) for q in ("a", "a", "")]
    assert unreadable.status_code == 502
    assert unreadable.json() == {
        "detail": "The search gave nothing that can be read.",
        "code": "search_unreadable",
    }
    assert "has no `organic`" in caplog.text
    assert again.status_code == 503
    assert 1 < int(again.headers["retry-after"]) <= 30  # `failure_ttl`, shortened at random
    assert (empty.status_code, empty.json()["field"]) == (422, "query")
