"""The ASGI application."""

from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router

from chatkeep.database import Database
from chatkeep.errors import ChatkeepError, ConfigError
from chatkeep.settings import Settings
from chatkeep.studio.answering import answer
from chatkeep.studio.ground import Ground
from chatkeep.studio.guard import Guard
from chatkeep.studio.pages import STATIC, pages
from chatkeep.studio.refusing import NoSuchThingError, body_of, break_down, refuse
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
    given: object = db
    if not isinstance(given, Database):
        raise ConfigError(
            f"studio() takes a Database, not a {type(given).__name__}.",
            hint="studio(db, write=False)",
        )
    ground = Ground(settings or Settings.load(), write=write, database=db)
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
    """
    app = Starlette(
        routes=[
            Mount("/api", app=Router(routes=[*API, Route("/{path:path}", _nowhere)])),
            *pages(static),
        ],
        middleware=[Middleware(guard, **guarding), Middleware(GZipMiddleware, minimum_size=1024)],
        exception_handlers={
            ChatkeepError: refuse,
            HTTPException: _refuse_http,
            Exception: break_down,
        },
    )
    app.state.ground = ground
    return app


def _nowhere(request: Request) -> Response:
    raise NoSuchThingError(f"The studio has no such address: {request.url.path[:200]}")


def _refuse_http(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    told = NoSuchThingError("The studio does not answer that here.")
    return answer(body_of(told), status)
