"""The built files, read once, and the one page that they make up.

No request opens a file: what is answered stands in a dictionary, and no path leads out of it.
"""

from html import escape
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from chatkeep.errors import ConfigError
from chatkeep.studio.refusing import NoSuchThingError

STATIC = Path(__file__).with_name("static")
_FOR_EVER = "public, max-age=31536000, immutable"  # the names of assets hold their hash
# What Python guesses depends on the machine, and `nosniff` holds a browser to it.
_MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}


def pages(folder: Path = STATIC) -> list[BaseRoute]:
    """Give the routes of the files in `folder`, the last of which answers every other address.

    Raises:
        ConfigError: The pages were not built.
    """
    try:
        text = (folder / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise ConfigError(
            "The studio's pages are not built.", hint="In a clone of the repository: ./dev front"
        ) from exc
    beside, assets = _read(folder), _read(folder / "assets")

    def asset(request: Request) -> Response:
        """Give a built file, to be kept for ever."""
        name = request.path_params["name"]
        if name not in assets:
            raise NoSuchThingError("The studio has no such file.", hint="Load the page again.")
        return _file(name, assets[name], _FOR_EVER)

    def page(request: Request) -> Response:
        """Give the page for each of its addresses; it finds its files from where it is mounted."""
        name = request.path_params["path"]
        if name in beside:
            return _file(name, beside[name], "no-store")
        if not request.headers.get("accept", "").startswith("text/html"):
            raise NoSuchThingError("The studio has a page there, for a browser.")
        root = quote(str(request.scope.get("root_path", "")).rstrip("/")) + "/"
        return Response(text.replace("/__root__/", escape(root)), media_type="text/html")

    return [Route("/assets/{name:path}", asset), Route("/{path:path}", page)]


def _read(folder: Path) -> dict[str, bytes]:
    return {
        file.name: file.read_bytes()
        for file in sorted(folder.glob("*"))
        if file.suffix in _MEDIA_TYPES and file.is_file()
    }


def _file(name: str, content: bytes, age: str) -> Response:
    return Response(
        content,
        headers={"content-type": _MEDIA_TYPES[Path(name).suffix], "cache-control": age},
    )
