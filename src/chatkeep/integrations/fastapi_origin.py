"""A check against requests that another site's page makes with the caller's cookies (CSRF)."""

import re

from chatkeep.errors import ConfigError

try:
    from fastapi import HTTPException, WebSocketException, status
    from fastapi.requests import HTTPConnection
except ImportError as exc:
    raise ConfigError(
        "OriginCheck needs FastAPI, which is not installed.", hint="pip install 'chatkeep[fastapi]'"
    ) from exc

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES = frozenset({"same-origin", "none"})
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:(?P<port>[1-9][0-9]{0,4}))?",
    re.ASCII,
)
_USUAL_PORTS = frozenset({("http", "80"), ("https", "443")})


class OriginCheck:
    """Refuse what a page of another origin sends: `FastAPI(dependencies=[Depends(OriginCheck())])`.

    GET, HEAD and OPTIONS pass, so they must change nothing; at a web socket nothing passes
    unchecked. A browser says itself where a request comes from, in `Sec-Fetch-Site` or `Origin`.
    What says neither is no browser, and passes: it needs no page of somebody's to send a cookie.

    Args:
        trusted: Origins beside the request's own, such as `https://app.example.com`; the front's
            own, where a proxy does not hand on the browser's `Host`.
    """

    def __init__(self, *trusted: str) -> None:
        """Take the origins.

        Raises:
            ConfigError: One is no origin: a scheme and a host, maybe a port, nothing behind it.
        """
        for origin in trusted:
            if not _is_origin(origin):
                raise ConfigError(
                    f"{origin!r} is no origin.",
                    hint="Such as https://app.example.com: as a browser writes it, in small letters, "
                    "no slash, no port that goes without saying.",
                )
        self._trusted = frozenset(trusted)

    async def __call__(self, connection: HTTPConnection) -> None:
        """Let the request through.

        Raises:
            HTTPException: 403; WebSocketException, 1008, at a web socket.
        """
        if connection.scope["type"] == "websocket":
            if not self._is_welcome(connection):
                raise WebSocketException(status.WS_1008_POLICY_VIOLATION)
        elif connection.scope["method"] not in _SAFE and not self._is_welcome(connection):
            raise HTTPException(status.HTTP_403_FORBIDDEN, "Cross-origin request refused")

    def _is_welcome(self, connection: HTTPConnection) -> bool:
        origin = connection.headers.get("origin")
        if origin in self._trusted:
            return True
        site = connection.headers.get("sec-fetch-site")
        if site is not None:
            return site in _OWN_SITES
        return origin is None or origin in _own_origins(connection)


def _own_origins(connection: HTTPConnection) -> list[str]:
    """Give what the request's own origin may be: what came encrypted comes from no plain page.

    What did not may have come so to a proxy, which is not told here.
    """
    host = connection.headers.get("host")
    is_plain = connection.scope.get("scheme", "http") in {"http", "ws"}
    schemes = ("http", "https") if is_plain else ("https",)
    return [f"{scheme}://{host}" for scheme in schemes] if host else []


def _is_origin(text: object) -> bool:
    """Tell whether a browser could write this: anything else would never be met."""
    match = _ORIGIN.fullmatch(text) if isinstance(text, str) else None
    return match is not None and (match["scheme"], match["port"]) not in _USUAL_PORTS
