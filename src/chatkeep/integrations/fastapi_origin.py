"""A check against requests that another site's page makes with the caller's cookies (CSRF)."""

from urllib.parse import urlsplit

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
            parts = urlsplit(origin)
            if origin != f"{parts.scheme}://{parts.netloc}" or not parts.hostname:
                raise ConfigError(
                    f"{origin!r} is no origin.", hint="Such as https://app.example.com, no slash."
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
        return origin is None or urlsplit(origin).netloc == connection.headers.get("host")
