"""Who is calling, as FastAPI dependencies, for routes and web sockets.

    db = Database(schema)
    app = FastAPI(lifespan=chatkeep_lifespan(db))
    Me = Annotated[User, Depends(current_user)]

    @app.get("/me")
    async def me(user: Me) -> User:
        return user

Needs the extra: `pip install chatkeep[auth,fastapi]`. How to use it is in `docs/how-to/fastapi.md`.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any, TypeAlias

from chatkeep.access.scope import UserScope
from chatkeep.database import Database
from chatkeep.errors import ConfigError
from chatkeep.integrations.fastapi_errors import install_error_handlers
from chatkeep.integrations.fastapi_origin import OriginCheck
from chatkeep.records.auth import CallerSession
from chatkeep.records.base import Record

try:
    from fastapi import Depends, FastAPI, HTTPException, WebSocketException, status
    from fastapi.openapi.models import APIKey, APIKeyIn
    from fastapi.requests import HTTPConnection
    from fastapi.security.base import SecurityBase
except ImportError as exc:
    raise ConfigError(
        "The dependencies need FastAPI, which is not installed.",
        hint="pip install 'chatkeep[auth,fastapi]'",
    ) from exc

__all__ = [
    "CallerSession",
    "OriginCheck",
    "UserScope",
    "chatkeep_lifespan",
    "current_database",
    "current_scope",
    "current_session",
    "current_user",
    "install",
    "install_error_handlers",
    "optional_session",
    "optional_user",
]

AnyDatabase: TypeAlias = Database[Any, Any, Any, Any]
Lifespan: TypeAlias = Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]

_KEY = "chatkeep_database"  # in an application's state, and in that which a lifespan gives


def chatkeep_lifespan(db: AnyDatabase) -> Lifespan:
    """Open the database with the application and close it at its end: `FastAPI(lifespan=...)`.

    The routes of the application, and of those mounted into it, find it. A lifespan of your own
    goes around it:

        @asynccontextmanager
        async def lifespan(app: FastAPI):
            async with chatkeep_lifespan(db)(app) as state, other_things():
                yield state
    """

    @asynccontextmanager
    async def opened(_: FastAPI) -> AsyncGenerator[dict[str, Any]]:
        async with db:
            yield {_KEY: db}

    return opened


def install(app: FastAPI, db: AnyDatabase) -> None:
    """Let an application's routes find a database that you open and close yourself.

    For two applications on one database, a mounted application with another one than its host's,
    and tests. It comes before the one of a lifespan.
    """
    setattr(app.state, _KEY, db)


async def current_database(connection: HTTPConnection) -> AnyDatabase:
    """Give the application's database; `app.dependency_overrides` may put another in its place.

    Raises:
        ConfigError: The application was given none.
    """
    own: AnyDatabase | None = getattr(connection.app.state, _KEY, None)
    db: AnyDatabase | None = own or connection.scope.get("state", {}).get(_KEY)
    if db is None:
        raise ConfigError(
            "The application has no database.",
            hint="FastAPI(lifespan=chatkeep_lifespan(db)), and in a test `with TestClient(app)`;"
            " or install(app, db).",
        )
    return db


CurrentDatabase = Annotated[AnyDatabase, Depends(current_database)]


class _SessionCookie(SecurityBase):
    """A line of the OpenAPI document, which says that a route wants a session's cookie.

    It reads nothing: which cookies count is decided by `db.auth`.
    """

    def __init__(self, scheme_name: str, cookie: str, library: str) -> None:
        self.scheme_name = scheme_name
        self.model = APIKey.model_validate(
            {
                "in": APIKeyIn.cookie,
                "name": cookie,
                "description": f"The session's cookie of {library}; over https with a prefix.",
            }
        )

    async def __call__(self) -> None:
        """Do nothing."""


_AUTH_JS = _SessionCookie("AuthJs", "authjs.session-token", "Auth.js")
_NEXT_AUTH = _SessionCookie("NextAuth", "next-auth.session-token", "NextAuth 4")
_BETTER_AUTH = _SessionCookie("BetterAuth", "better-auth.session_token", "Better Auth")
_CHATKEEP = _SessionCookie("Chatkeep", "chatkeep.session", "chatkeep")
# Several schemes at one route mean: any of them.
_ANY_COOKIE = [Depends(each) for each in (_AUTH_JS, _NEXT_AUTH, _BETTER_AUTH, _CHATKEEP)]


async def optional_session(
    connection: HTTPConnection,
    db: CurrentDatabase,
    _auth_js: Annotated[None, _ANY_COOKIE[0]],
    _next_auth: Annotated[None, _ANY_COOKIE[1]],
    _better_auth: Annotated[None, _ANY_COOKIE[2]],
    _chatkeep: Annotated[None, _ANY_COOKIE[3]],
) -> CallerSession | None:
    """Give the session of the request's cookies, or None. Looked up once for a request."""
    # The header rather than `connection.cookies`, which does not tell that a cookie came twice.
    return await db.auth.session_from_cookies("; ".join(connection.headers.getlist("cookie")))


OptionalSession = Annotated[CallerSession | None, Depends(optional_session)]


async def current_session(connection: HTTPConnection, session: OptionalSession) -> CallerSession:
    """Give the session of the request's cookies.

    Raises:
        HTTPException: 401, the same for every reason; the log knows which (`chatkeep.auth`). At a
            web socket too, where the server can say so; else WebSocketException, 1008.
    """
    if session is None:
        raise _not_authenticated(connection)
    return session


CurrentSession = Annotated[CallerSession, Depends(current_session)]


async def optional_user(session: OptionalSession, db: CurrentDatabase) -> Record | None:
    """Give the user who is calling, as the schema's own record, or None.

    None also where the user of a session that is not in the database has been deleted.
    """
    return None if session is None else await db.users.find(session.user_id)


async def current_user(
    connection: HTTPConnection, user: Annotated[Record | None, Depends(optional_user)]
) -> Record:
    """Give the user who is calling, as the schema's own record.

        Me = Annotated[User, Depends(current_user)]  # or the record of your own schema's users

    Raises:
        HTTPException: 401, as `current_session` does; also where the user has been deleted.
    """
    if user is None:
        raise _not_authenticated(connection)
    return user


async def current_scope(session: CurrentSession, db: CurrentDatabase) -> UserScope:
    """Give `db.as_user(...)` of the user who is calling: their chats, and nobody else's.

    It asks for no user: in the scope of one who has been deleted nothing is found.

    Raises:
        HTTPException: 401, as `current_session` does.
    """
    return db.as_user(session.user_id)


def _not_authenticated(connection: HTTPConnection) -> HTTPException | WebSocketException:
    """Refuse, in the words that FastAPI has for a key in a cookie."""
    extensions = connection.scope.get("extensions") or {}
    if connection.scope["type"] == "websocket" and "websocket.http.response" not in extensions:
        return WebSocketException(status.WS_1008_POLICY_VIOLATION)
    return HTTPException(
        status.HTTP_401_UNAUTHORIZED, "Not authenticated", {"WWW-Authenticate": "APIKey"}
    )
