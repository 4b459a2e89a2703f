"""Every address of the API, found in the application, with what its handlers read.

A new route is visited unasked. Which parameters of the query a handler reads is learned by asking it;
which document it takes stands in its source, as `body(request, Struct)`.
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from starlette.datastructures import QueryParams
from starlette.routing import Route

from chatkeep.studio.routes import API
from fixtures.studio_world import ADA, PREFIX, RICH_CHAT

TABLE = PREFIX + "message"
# Values with which an address answers; a name that is not here is left out unless a test fills it.
SANE = {
    "user": ADA, "schema": "public", "table": TABLE, "column": "id", "columns": '["id"]',
    "key": '["msg_rich_q"]', "q": "partial", "limit": "5", "days": "30",
}  # fmt: skip
SANE_PATHS = {
    "/people/{id}": ADA, "/chats/{id}": RICH_CHAT, "/console/runs/{id}": "run-0000-0000",
    "/console/saved/{name}": "visited", "/migrations/file/{tag}": "0000_initial_schema",
}  # fmt: skip
SANE_BODY = {
    "id": "run-0000-0001", "sql": "select 1", "user": ADA, "session": "none", "format": "json",
    "key": ["msg_rich_q"], "column": "id", "columns": ["id"], "tags": [], "place": "nowhere",
}  # fmt: skip
_LEARNED: list["Address"] = []


@dataclass
class Address:
    """One address and method of the API.

    Attributes:
        path: With names in braces, below `/api`.
        names: Of its braces.
        asked: Parameters of the query that its handler read.
        takes: The document that it takes; None where there is none.
    """

    method: str
    path: str
    handler: Any
    names: tuple[str, ...] = ()
    asked: set[str] = field(default_factory=set)
    takes: type[msgspec.Struct] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, **values: str) -> str:
        """The address with sane values but for those."""
        path = self.path
        for name in self.names:
            known = [value for start, value in SANE_PATHS.items() if self.path.startswith(start)]
            sane = known[0] if known else SANE.get(name, "x")
            path = path.replace(f"{{{name}}}", quote(values.get(name, sane), safe=""), 1)
        return "/api" + path

    def query(self, **values: str) -> dict[str, str]:
        return {n: SANE[n] for n in sorted(self.asked) if n in SANE} | values

    def document(self) -> dict[str, Any]:
        """What the handler takes, with sane values."""
        if self.takes is None:
            return {}
        return {
            each.name: SANE_BODY.get(each.name, _any_of(each.type))
            for each in msgspec.structs.fields(self.takes)
            if each.required or each.name in SANE_BODY
        }


def _any_of(kind: Any) -> object:
    """Some value of a type, for a field that this page does not know."""
    return {str: "x", bool: False, int: 1, float: 1.0}.get(kind, [])


def addresses() -> list[Address]:
    """Every address, once for each method; what its handlers ask is not learned yet."""
    return [address for route in API for address in _of_route(route)]


def _of_route(route: Route) -> Iterator[Address]:
    catch_all = re.search(r"\{rest:path\}$", route.path)
    if catch_all is not None:  # the rows' own table of addresses below a table's name
        handlers = route.endpoint.__globals__["_HANDLERS"]
        start = route.path[: catch_all.start()] + "{schema}/{table}"
        for (method, what), handler in handlers.items():
            path = f"{start}/{what}" if what else start
            yield Address(method, path, handler, ("schema", "table"), takes=_document_of(handler))
        return
    for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
        path = route.path_format  # without what a name may hold
        names = tuple(re.findall(r"\{(\w+)", path))
        takes = _document_of(route.endpoint) if method in {"POST", "PUT"} else None
        yield Address(method, path, route.endpoint, names, takes=takes)


def _document_of(handler: Any, seen: set[str] | None = None) -> type[msgspec.Struct] | None:
    """Find `body(request, Struct)` in a handler, or in what it calls in its own module."""
    seen = seen if seen is not None else set()
    source = inspect.getsource(handler)
    found = re.search(r"\bbody\(request, (\w+)\)", source)
    if found is not None:
        return handler.__globals__[found[1]]
    for name in re.findall(r"\b(\w+)\(", source):
        called = handler.__globals__.get(name)
        if (
            inspect.isfunction(called)
            and name not in seen
            and called.__module__ == handler.__module__
        ):
            seen.add(name)
            takes = _document_of(called, seen)
            if takes is not None:
                return takes
    return None


def listen(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Note each name that is asked of a query from now on."""
    heard: set[str] = set()

    def noting(name: str) -> Any:
        original = getattr(QueryParams, name)

        def method(self: QueryParams, key: Any, *rest: Any) -> Any:
            heard.add(str(key))
            return original(self, key, *rest)

        return method

    for name in ("__getitem__", "__contains__", "get", "getlist"):
        monkeypatch.setattr(QueryParams, name, noting(name))
    return heard


async def learn(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    """Every address with the parameters that its handler reads: asked until it reads no new one.

    What was learned once is remembered: it depends on the handlers, which stay as they are.
    """
    if _LEARNED:
        return list(_LEARNED)
    found = addresses()
    with monkeypatch.context() as patch:
        heard = listen(patch)
        for address in found:
            for _ in range(8):
                heard.clear()
                await ask(client, address)
                if heard <= address.asked:
                    break
                address.asked |= heard
    _LEARNED.extend(found)
    return found


async def ask(
    client: httpx.AsyncClient,
    address: Address,
    *,
    path: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    content: bytes | None = None,
) -> httpx.Response:
    """Ask with sane values but for those given, and read the whole answer."""
    url = address.url(**(path or {}))
    asked = address.query(**(query or {}))
    if content is None and address.takes is not None:
        content = msgspec.json.encode(address.document())
    return await client.request(address.method, url, params=asked, content=content)
