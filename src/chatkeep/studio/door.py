"""The guard of a studio on a port of its own: loopback names alone, and a cookie for a token."""

import secrets
from collections.abc import Callable
from html import escape
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Scope

from chatkeep.studio.guard import OWN_SITES, Guard, foreign
from chatkeep.studio.refusing import StudioError, refuse

_MOST_BROWSERS = 32  # the one that came first has to come in again after that
_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>chatkeep studio</title>'
    '<meta name="viewport" content="width=device-width"><meta name="color-scheme" '
    'content="light dark">'
)
_CLOSED = f"""{_HEAD}</head><body><h1>This studio is closed to this browser</h1>
<p>Open the address that <code>chatkeep studio</code> printed. Each address lets one browser in;
after that the terminal shows the next one.</p></body></html>"""
_ENTERING = _HEAD + '<meta http-equiv="refresh" content="0;url={}"></head><body></body></html>'


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
        self._inside: dict[str, None] = {}
        self._next = secrets.token_urlsafe(32)

    @property
    def url(self) -> str:
        """The address that lets one browser in."""
        return f"http://127.0.0.1:{self.port}/?token={self._next}"

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser on this machine may have in its address bar."""
        return frozenset(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]"))

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
        self._inside[ticket] = None
        if len(self._inside) > _MOST_BROWSERS:
            del self._inside[next(iter(self._inside))]
        self._on_used(self.url)
        return ticket

    def knows(self, cookies: list[str]) -> bool:
        """Say whether a browser that sends these `Cookie` headers was let in.

        Other servers on this machine set cookies for the same host, in any form, and of the same
        name if they want to: ours is looked for among them.
        """
        pairs = [pair.strip().partition("=") for text in cookies for pair in text.split(";")]
        given = [value.encode() for name, _, value in pairs if name == self.cookie]
        return any(
            secrets.compare_digest(ticket.encode(), each)
            for ticket in self._inside
            for each in given
        )


class DoorGuard(Guard):
    """A guard that asks for the cookie, and for a Host that only this machine has."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        super().__init__(app)
        self._door = door

    def first_answer(self, scope: Scope, headers: Headers) -> Response | None:
        """Exchange a token for the cookie; answer what never reaches the application."""
        refusal = self.refusal(scope, headers)
        is_page = scope["method"] == "GET" and not scope["path"].startswith(("/api/", "/assets/"))
        if not is_page or not isinstance(refusal, NoTicketError | None):
            return None if refusal is None else refuse(refusal)
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        ticket = self._door.exchange(token) if token else None
        if ticket is not None:
            response = _on_to(scope, headers)
            response.set_cookie(self._door.cookie, ticket, httponly=True, samesite="strict")
            return response
        if refusal is not None:
            return HTMLResponse(_CLOSED, 401)
        return (
            _on_to(scope, headers) if token else None
        )  # an address opened again: forget the token

    def refusal(self, scope: Scope, headers: Headers) -> StudioError | None:
        """Say why a request is refused; None lets it through."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._door.hosts:
            port = self._door.port
            return WrongHostError(
                f"The studio answers to 127.0.0.1:{port} and localhost:{port} alone.",
                hint=f"A port that is forwarded keeps its number: ssh -L {port}:127.0.0.1:{port}",
            )
        if headers.get("origin", f"http://{hosts[0]}") != f"http://{hosts[0]}":
            return foreign()
        refusal = super().refusal(scope, headers)
        if refusal is not None or self._door.knows(headers.getlist("cookie")):
            return refusal
        return NoTicketError(
            "This browser was not let in.", hint="Open the address that the terminal shows."
        )


def _on_to(scope: Scope, headers: Headers) -> Response:
    """Lead to the same page without the token, which so stays in no history and no Referer.

    After a redirect a browser holds back a strict cookie if another site's page began the journey,
    such as a terminal in the browser; after a page of ours it does not.
    """
    path = quote("/" + scope["path"].lstrip("/\\"))  # `//host` would be another host
    if headers.get("sec-fetch-site", "none") in OWN_SITES:
        return RedirectResponse(path, 303)
    return HTMLResponse(_ENTERING.format(escape(path)))
