"""The guard of a studio on a port of its own: loopback names alone, and a cookie for a token."""

import secrets
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chatkeep.studio.guard import HEADERS, Guard
from chatkeep.studio.refusing import StudioError

_CLOSED = """<!doctype html><html lang="en"><meta charset="utf-8"><title>chatkeep studio</title>
<h1>This studio is closed to this browser</h1>
<p>Open the address that <code>chatkeep studio</code> printed. Each address lets one browser in;
after that the terminal shows the next one.</p></html>"""


class WrongHostError(StudioError):
    """The request was addressed to another name: a page may have bent its own name to this machine."""

    code = "wrong_host"
    status = 421


class NoTicketError(StudioError):
    """The browser has not come by an address with a token."""

    code = "no_ticket"
    status = 401


class Door:
    """The tokens of a running studio: one that is good for one browser, and those of browsers inside.

    Args:
        port: Where the studio listens.
        on_used: Called with the next address when one was used.
    """

    def __init__(self, port: int, on_used: Callable[[str], None]) -> None:
        self.port = port
        self._on_used = on_used
        self._inside: set[str] = set()
        self._next = secrets.token_urlsafe(32)

    @property
    def url(self) -> str:
        """The address that lets one browser in."""
        return f"http://127.0.0.1:{self.port}/?token={self._next}"

    @property
    def cookie(self) -> str:
        """Name of the cookie: cookies know no ports, so the name does."""
        return f"chatkeep_studio_{self.port}"

    def exchange(self, token: str) -> str | None:
        """Give what the cookie shall hold for a token that was not used yet; None for others."""
        if not secrets.compare_digest(token.encode(), self._next.encode()):
            return None
        self._next = secrets.token_urlsafe(32)
        ticket = secrets.token_urlsafe(32)
        self._inside.add(ticket)
        self._on_used(self.url)
        return ticket

    def knows(self, ticket: str) -> bool:
        """Say whether a browser with this cookie was let in."""
        return any(secrets.compare_digest(ticket.encode(), each.encode()) for each in self._inside)


class DoorGuard(Guard):
    """A guard that asks for the cookie, and for a Host that only this machine has."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        super().__init__(app)
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Exchange a token for the cookie; pass the rest on."""
        if scope["type"] == "http" and self._is_here(Headers(scope=scope)):
            response = self._admission(scope)
            if response is not None:
                await response(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    def refusal(self, scope: Scope, headers: Headers) -> StudioError | None:
        """Say why a request is refused; None lets it through."""
        if not self._is_here(headers):
            return WrongHostError("The studio answers to 127.0.0.1 and localhost alone.")
        if not self._is_inside(headers):
            return NoTicketError(
                "This browser was not let in.", hint="Open the address that the terminal shows."
            )
        return super().refusal(scope, headers)

    def _is_here(self, headers: Headers) -> bool:
        hosts = {f"{name}:{self._door.port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        return headers.getlist("host")[:2] in [[host] for host in hosts]

    def _is_inside(self, headers: Headers) -> bool:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        ticket = cookies.get(self._door.cookie)
        return ticket is not None and self._door.knows(ticket.value)

    def _admission(self, scope: Scope) -> Response | None:
        """Answer a page's request by who has no cookie yet; None where it goes on as any other."""
        headers = Headers(scope=scope)
        if scope["method"] != "GET" or scope["path"].startswith(("/api/", "/assets/")):
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        ticket = self._door.exchange(given) if given else None
        if ticket is not None:
            response: Response = RedirectResponse(scope["path"], 303, HEADERS)
            response.set_cookie(self._door.cookie, ticket, httponly=True, samesite="strict")
            return response
        if self._is_inside(headers):
            return RedirectResponse(scope["path"], 303, HEADERS) if given else None
        return HTMLResponse(_CLOSED, 401, HEADERS)
