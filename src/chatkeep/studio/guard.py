"""What every request passes first: where it comes from, and what a page may do with the answer."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatkeep.studio.answering import MAX_BODY
from chatkeep.studio.answering import answer as answer_json
from chatkeep.studio.refusing import StudioError, TooMuchError, body_of

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
"""What every answer carries."""
OWN_HEADER = "x-chatkeep-studio"
"""Header of every request to the API that our pages make; no other site may send it unasked."""
_OWN_SITES = frozenset({"same-origin", "none"})


class ForeignRequestError(StudioError):
    """The request was made by a page of another site."""

    code = "foreign_request"
    status = 403


class Guard:
    """Lets through what our own pages ask, and says what a browser may do with the answer.

    A request to the API must carry `x-chatkeep-studio`, which a page of another origin can send
    only after a preflight that is never answered; and where the browser tells its origin, it must
    be the request's own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self.refusal(scope, Headers(scope=scope))
        app = self._app if refusal is None else answer_json(body_of(refusal), refusal.status)
        await app(scope, receive, with_headers)

    def refusal(self, scope: Scope, headers: Headers) -> StudioError | None:
        """Say why a request is refused; None lets it through."""
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return TooMuchError(f"A request may bring {MAX_BODY} bytes.")
        if "transfer-encoding" in headers:
            return TooMuchError("A request says beforehand how long it is.")
        own = {f"{scheme}://{headers.get('host')}" for scheme in ("http", "https")}
        is_api = _path(scope).startswith("/api/")
        foreign = (
            headers.get("origin", next(iter(own))) not in own
            or headers.get("sec-fetch-site", "none") not in _OWN_SITES
            or OWN_HEADER not in headers
        )
        if (is_api or scope["method"] not in {"GET", "HEAD"}) and foreign:
            return ForeignRequestError(
                "Only the studio's own pages may ask that.",
                hint=f"A program sends the header {OWN_HEADER}: 1.",
            )
        return None


def _path(scope: Scope) -> str:
    """Give the path below the place where the studio is mounted."""
    return str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
