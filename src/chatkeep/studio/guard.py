"""What every request passes first: where it comes from, and what a page may do with the answer."""

import asyncio
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatkeep.studio.answering import MAX_BODY
from chatkeep.studio.refusing import (
    NoSuchThingError,
    StudioError,
    TooMuchError,
    TooSlowError,
    break_down,
    refuse,
)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'none'; base-uri 'self'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
"""What every answer carries."""
OWN_HEADER = "x-chatkeep-studio"
"""Header of every request to the API that our pages make; no other site may send it unasked."""
OWN_SITES = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of a request that no other site's page caused."""
_PATIENCE = 30.0  # seconds between two pieces of a request


class ForeignRequestError(StudioError):
    """The request was made by a page of another site."""

    code = "foreign_request"
    status = 403


class Guard:
    """Lets through what no other site asks, and says what a browser may do with the answer.

    A page of another site may link to the studio, and nothing else: it can load no file of it, show
    it in no frame, and read no answer. What a request brings is counted as it comes, whatever its
    headers promise. An error that is a fault of ours becomes the answer that has no details.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: a 403
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_begun = False

        async def with_headers(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            app = self.first_answer(scope, Headers(scope=scope)) or self._app
            await app(scope, _Incoming(receive), with_headers)
        except ClientDisconnect:
            return  # nobody waits for an answer any more
        except Exception as error:
            answer = break_down(error)
            if is_begun:
                raise  # the server cuts the connection, so that half an answer is not taken for one
            await answer(scope, receive, with_headers)

    def first_answer(self, scope: Scope, headers: Headers) -> Response | None:
        """Answer what never reaches the application; None lets the request through."""
        refusal = self.refusal(scope, headers)
        return None if refusal is None else refuse(refusal)

    def refusal(self, scope: Scope, headers: Headers) -> StudioError | None:
        """Say why a request is refused; None lets it through."""
        if not scope["path"].startswith("/"):  # `*`, or the whole address as if for a proxy
            return NoSuchThingError("The studio answers to a path.")
        if not _is_length(headers.get("content-length", "0")):
            return TooMuchError(f"A request may bring {MAX_BODY} bytes.")
        is_link = (
            headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
            and scope["method"] in {"GET", "HEAD"}
        )
        if headers.get("sec-fetch-site", "none") not in OWN_SITES and not is_link:
            return foreign()
        return None


class OwnPagesOnly:
    """Around the API: lets through what our own pages ask, and programs that say what they are.

    A request must carry `x-chatkeep-studio`, which a page of another origin can send only after a
    preflight that is never answered. Where the browser says which site asks, it must be the studio's
    own; where it only tells an origin, that must be the host that was asked.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on.

        Raises:
            ForeignRequestError: Another site's page may have made it.
        """
        headers = Headers(scope=scope)
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        # Behind a proxy the host may be another name than the browser's; then the site decides.
        own = {f"{scheme}://{headers.get('host')}" for scheme in ("http", "https")}
        is_own = site in OWN_SITES if site is not None else origin is None or origin in own
        if not is_own or OWN_HEADER not in headers:
            raise foreign()
        await self._app(scope, receive, send)


class _Incoming:
    """What a request brings, counted and timed as it comes."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes = 0
        self._is_whole = False

    async def __call__(self) -> Message:
        if self._is_whole:  # what comes now is the news that the browser has gone
            return await self._receive()
        try:
            async with asyncio.timeout(_PATIENCE):
                message = await self._receive()
        except TimeoutError as exc:
            raise TooSlowError(f"Nothing more came for {_PATIENCE:.0f} s.") from exc
        self._is_whole = not message.get("more_body", False)
        self._bytes += len(message.get("body", b""))
        if self._bytes > MAX_BODY:
            raise TooMuchError(f"A request may bring {MAX_BODY} bytes.")
        return message


def foreign() -> ForeignRequestError:
    """Give the refusal of what another site's page asks."""
    return ForeignRequestError(
        "Only the studio's own pages may ask that.",
        hint=f"A program sends the header {OWN_HEADER}: 1.",
    )


def _is_length(text: str) -> bool:
    return text.isdecimal() and len(text) < 16 and int(text) <= MAX_BODY
