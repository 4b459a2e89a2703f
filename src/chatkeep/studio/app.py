"""The ASGI application."""

from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Router
from starlette.types import Receive, Scope, Send

from chatkeep.database import Database
from chatkeep.errors import ChatkeepError, ConfigError
from chatkeep.settings import Settings
from chatkeep.studio.ground import Ground
from chatkeep.studio.guard import Guard, OwnPagesOnly
from chatkeep.studio.pages import STATIC, pages
from chatkeep.studio.refusing import NoSuchThingError, WrongMethodError, refuse
from chatkeep.studio.routes import API


def studio(
    db: Database[Any, Any, Any, Any], *, write: bool = False, settings: Settings | None = None
) -> Starlette:
    """Give the studio as an ASGI application, to be mounted behind an application's own sign-in.

    It asks for no password: everybody who reaches it sees every row of the database but secrets. It
    refuses requests that another site's page makes. The database need not be open yet.

        app.mount("/studio", studio(db))

    Args:
        db: What it shows; its connections are used, at most four at once.
        write: Whether rows may be edited, migrations applied, secrets shown.
        settings: The project's, for the migrations folder and saved queries; None reads
            `chatkeep.toml` or `pyproject.toml` around the current folder.

    Raises:
        ConfigError: `db` is no Database, or the project's configuration cannot be read.
    """
    if not _is_database(db):
        raise ConfigError(
            f"studio() takes a Database, not a {type(db).__name__}.", hint="studio(db, write=False)"
        )
    ground = Ground(settings or Settings.load(), write=write, database=db, shared=True)
    return application(ground, Guard)


def application(
    ground: Ground,
    guard: Any,  # noqa: ANN401 - an ASGI middleware's class
    static: Path = STATIC,
    **guarding: object,
) -> Starlette:
    """Put routes, guard and errors together.

    Args:
        ground: What is shown.
        guard: The middleware that every request passes first.
        static: The built pages.
        guarding: Settings of the guard.

    Raises:
        ConfigError: The pages were not built.
    """
    api = Router(API, redirect_slashes=False, default=_nowhere)
    app = Starlette(
        routes=[
            Mount("/api", app=OwnPagesOnly(api)),
            *pages(static),
        ],
        # No answer holds the token or the cookie, so its length says nothing about them. The highest
        # level saves a tenth more, and holds up every other request for half a second at 8 MiB.
        middleware=[
            Middleware(guard, **guarding),
            Middleware(GZipMiddleware, minimum_size=1024, compresslevel=1),
        ],
        exception_handlers={ChatkeepError: _refuse, HTTPException: _refuse},
    )
    app.state.ground = ground
    return app


def _is_database(given: object) -> bool:
    return isinstance(given, Database)


async def _nowhere(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise NoSuchThingError(f"The studio has no such address: {scope['path'][:200]}")


def _refuse(_request: Request, error: Exception) -> Response:
    """Answer an error of ours, or one of Starlette's own."""
    if isinstance(error, ChatkeepError):
        return refuse(error)
    if not isinstance(error, HTTPException):
        raise error
    told: ChatkeepError = NoSuchThingError("The studio does not answer that here.")
    if error.status_code == 405:
        told = WrongMethodError("The studio has this address, for another method.")
    response = refuse(told)
    response.headers.update(error.headers or {})
    return response
