"""The static files, and the one page that they make up."""

from html import escape
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

STATIC = Path(__file__).with_name("static")
_FOR_EVER = b"public, max-age=31536000, immutable"  # the names of assets hold their hash


class _Assets(StaticFiles):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_age(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                kept = [h for h in message["headers"] if h[0] != b"cache-control"]
                message["headers"] = [*kept, (b"cache-control", _FOR_EVER)]
            await send(message)

        await super().__call__(scope, receive, with_age)


def pages(folder: Path = STATIC) -> list[BaseRoute]:
    """Give the routes of the files in `folder`, the last of which answers every other address."""
    text = (folder / "index.html").read_text(encoding="utf-8")

    def page(request: Request) -> Response:
        """Give the page for each of its addresses; it finds its files from where it is mounted."""
        if not request.headers.get("accept", "").startswith("text/html"):
            file = folder / request.path_params["path"]
            if file.parent == folder and file.suffix == ".svg" and file.is_file():
                return FileResponse(file)
            raise HTTPException(404)
        root = str(request.scope.get("root_path", "")).rstrip("/") + "/"
        shown = text.replace("/__root__/", escape(root))
        return Response(shown, media_type="text/html", headers={"cache-control": "no-store"})

    return [
        Mount("/assets", _Assets(directory=folder / "assets", check_dir=False)),
        Route("/{path:path}", page),
    ]
