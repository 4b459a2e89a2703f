"""Applications of FastAPI and callers with sessions, for the tests of the dependencies."""

import base64
import hashlib
import hmac
import warnings
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

import httpx
from fastapi import Depends, FastAPI, WebSocket

from chatkeep import Chat, Database, NewSession, Page, User
from chatkeep.access.scope import UserScope
from chatkeep.inputs import maps as maps_inputs
from chatkeep.integrations.fastapi import (
    current_scope,
    current_session,
    current_user,
    install,
    optional_session,
    optional_user,
)
from chatkeep.records.auth import CallerSession

with warnings.catch_warnings():
    # It asks for httpx2, which the rest of the tests has no use for.
    warnings.filterwarnings("ignore", "Using `httpx` with `starlette.testclient`")
    from starlette import testclient

Denied = testclient.WebSocketDenialResponse
BETTER_AUTH_SECRET = "the secret of Better Auth, of the tests"
Me = Annotated[User, Depends(current_user)]
Maybe = Annotated[User | None, Depends(optional_user)]
Caller = Annotated[CallerSession, Depends(current_session)]
Mine = Annotated[UserScope, Depends(current_scope)]


def application(db: Database[Any, Any, Any, Any] | None = None, **options: Any) -> FastAPI:
    """A route for each dependency, one for all of them, and a web socket."""
    app = FastAPI(**options)
    if db is not None:
        install(app, db)

    @app.get("/me")
    async def me(user: Annotated[Any, Depends(current_user)]) -> Any:
        return user.to_dict()

    @app.get("/maybe")
    async def maybe(user: Maybe) -> Any:
        return user and user.to_dict()

    @app.get("/session")
    async def session(caller: Caller) -> CallerSession:
        return caller

    @app.get("/chats")
    async def chats(mine: Mine) -> Page[Chat]:
        return await mine.chats.list()

    @app.get("/all")
    async def everything(
        user: Me, caller: Caller, mine: Mine, maybe: Maybe,
        session: Annotated[CallerSession | None, Depends(optional_session)],
    ) -> list[bool]:  # fmt: skip
        return [user == maybe, caller == session, mine.user_id == caller.user_id == user.id]

    @app.get("/open")
    async def open_to_all() -> str:
        return "open"

    @app.websocket("/socket")
    async def socket(socket: WebSocket, user: Me) -> None:
        await socket.accept()
        await socket.send_text(user.email)
        await socket.close()

    return app


def client(app: FastAPI, cookies: dict[str, str] | None = None) -> httpx.AsyncClient:
    """A browser in this event loop; the application's lifespan does not run."""
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://test", cookies=cookies)


def serving(app: FastAPI, cookies: dict[str, str] | None = None) -> testclient.TestClient:
    """A browser of an application that runs with its lifespan, in another event loop."""
    return testclient.TestClient(app, cookies=cookies)


async def sign_in(
    db: Database[Any, Any, Any, Any], user_id: str, *, lasts: timedelta = timedelta(hours=1)
) -> dict[str, str]:
    """Begin a session of Auth.js, as its adapter does, and give the cookie."""
    new = NewSession(user_id=user_id, expires=datetime.now(UTC) + lasts)
    await db.sessions.create(new)
    return {"authjs.session-token": new.session_token}


async def sign_in_to_maps(db: Database[Any, Any, Any, Any], user_id: str) -> dict[str, str]:
    """Begin a session of Better Auth and give the cookie, signed."""
    ends = datetime.now(UTC) + timedelta(hours=1)
    new = maps_inputs.NewSession(user_id=user_id, expires_at=ends)
    await db.sessions.create(new)
    mac = hmac.digest(BETTER_AUTH_SECRET.encode(), new.token.encode(), hashlib.sha256)
    signed = f"{new.token}.{base64.b64encode(mac).decode()}"
    return {"better-auth.session_token": quote(signed, safe="")}
