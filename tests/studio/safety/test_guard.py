"""What a request may be, and what every answer carries."""

import asyncio
import json
import re

import httpx
import pytest

from chatkeep.studio import guard as guards
from chatkeep.studio.answering import MAX_BODY
from chatkeep.studio.app import application
from chatkeep.studio.guard import Guard
from fixtures.studio import BUILT
from studio.safety.conftest import House

OWN = {"x-chatkeep-studio": "1"}


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "https://{host}",
        "http://{host}.evil.example",
        "http://localhost:{port}",
        "http://{host}/",
        "http://{host}, http://evil.example",
        "",
        "file://",
    ],
)
async def test_another_origin_is_refused(house: House, inside: httpx.AsyncClient, origin: str):
    told = origin.replace("{host}", house.host).replace("{port}", str(house.door.port))
    for method, path in (("GET", "/api/overview"), ("POST", "/api/console/run"), ("GET", "/")):
        answer = await inside.request(method, path, headers={"origin": told})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_request")
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_our_own_origin_is_not(house: House, inside: httpx.AsyncClient):
    answer = await inside.get("/api/overview", headers={"origin": house.url})
    assert answer.status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
async def test_another_sites_page_loads_nothing_and_may_link_to_pages(
    inside: httpx.AsyncClient, site: str
):
    asset = next((BUILT / "assets").iterdir()).name
    for path in ("/", "/icon.svg", f"/assets/{asset}", "/api/overview"):
        for mode, dest in (
            ("no-cors", "image"),
            ("no-cors", "script"),
            ("cors", "empty"),
            ("navigate", "iframe"),
            ("navigate", "object"),
            ("nested-navigate", "document"),
        ):
            fetch = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
            answer = await inside.get(path, headers=fetch)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_request")
    link = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert (await inside.get("/sql", headers=link | {"accept": "text/html"})).status_code == 200
    assert (await inside.get("/api/overview", headers=link)).status_code == 403
    assert (await inside.post("/sql", headers=link)).status_code == 403


async def test_without_our_header_the_api_is_closed(house: House, inside: httpx.AsyncClient):
    for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"):
        plain = httpx.Request(
            method, house.url + "/api/overview", headers={"cookie": cookies(inside)}
        )
        answer = await inside.send(plain)
        assert answer.status_code == 403, method


def cookies(client: httpx.AsyncClient) -> str:
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


async def test_odd_methods_are_refused_in_the_one_shape(inside: httpx.AsyncClient):
    for method in ("OPTIONS", "TRACE", "PATCH", "PROPFIND", "DELETE", "FOO"):
        for path in ("/api/overview", "/", "/assets/x.js"):
            answer = await inside.request(method, path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (405, "wrong_method")
            assert "GET" in answer.headers["allow"]
    head = await inside.head("/", headers={"accept": "text/html"})
    assert (head.status_code, head.content) == (200, b"")


def test_the_policy_is_strict():
    policy = {
        words.split()[0]: words.split()[1:]
        for words in guards.HEADERS["content-security-policy"].split(";")
    }
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["form-action"] == policy["worker-src"] == ["'none'"]
    assert policy["require-trusted-types-for"] == ["'script'"]
    assert policy["trusted-types"] == ["dompurify"]
    assert "unsafe" not in guards.HEADERS["content-security-policy"]
    assert not re.search(r"\bhttps?:|\*", guards.HEADERS["content-security-policy"])


async def test_every_answer_carries_the_headers(house: House, inside: httpx.AsyncClient):
    asset = next((BUILT / "assets").glob("*.js")).name
    answers = [
        await inside.get("/", headers={"accept": "text/html"}),
        await inside.get("/icon.svg"),
        await inside.get("/nowhere"),
        await inside.get("/api/overview"),
        await inside.get("/api/nowhere"),
        await inside.post("/api/overview"),
        await inside.get("/api/overview", headers={"origin": "null"}),
        await inside.get("/api/overview", headers={"host": "evil.example"}),
        await inside.get(f"/assets/{asset}"),
    ]
    async with httpx.AsyncClient(verify=False) as outside:
        answers += [await outside.get(house.url), await outside.get(house.door.url)]
    for answer in answers:
        for name, value in guards.HEADERS.items():
            assert answer.headers[name] == value, (answer.url, name)
        assert "server" not in answer.headers
        kept = "immutable" in answer.headers["cache-control"]
        assert kept == str(answer.url).endswith(asset)
        assert kept or answer.headers["cache-control"] == "no-store"
    assert sorted({answer.status_code for answer in answers}) == [200, 303, 401, 403, 404, 405, 421]


async def broken(scope, receive, send):
    raise RuntimeError("SECRET-IN-AN-ERROR")


async def broken_halfway(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise RuntimeError("SECRET-IN-AN-ERROR")


async def test_a_fault_of_ours_tells_nothing_and_carries_the_headers(
    caplog: pytest.LogCaptureFixture,
):
    transport = httpx.ASGITransport(Guard(broken))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "studio"
    assert "SECRET" not in answer.text
    assert answer.headers["content-security-policy"] == guards.HEADERS["content-security-policy"]
    assert [record.name for record in caplog.records] == ["chatkeep.studio"]


async def test_half_an_answer_is_not_made_a_whole_one():
    transport = httpx.ASGITransport(Guard(broken_halfway))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        with pytest.raises(RuntimeError):
            await client.get("/")


async def test_a_web_socket_is_refused(house: House):
    sent: list[dict] = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    await Guard(broken)({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
    cookie = f"{house.door.cookie}={next(iter(house.door._inside), '')}"
    status, top, _ = await house.ask(
        f"GET /api/overview HTTP/1.1\nHost: {house.host}\nCookie: {cookie}\nUpgrade: websocket\n"
        "Connection: Upgrade\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13"
    )
    assert status in {401, 403}
    assert "101" not in top.split("\r\n")[0]


@pytest.mark.parametrize(
    "length", [str(MAX_BODY + 1), "9" * 30, "9" * 5000, "-1", "1e3", "0x10", "\xb2", ""]
)
async def test_a_length_that_is_too_much_is_refused_unread(length: str):
    ground: object = None
    app = application(ground, Guard, BUILT)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=OWN) as client:
        request = client.build_request("GET", "/api/overview")
        request.headers = httpx.Headers(
            [*request.headers.raw, (b"content-length", length.encode("latin-1"))]
        )
        answer = await client.send(request)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_much")


def any_post() -> str:
    """An address that reads a body."""
    from chatkeep.studio.routes import API

    return "/api" + next(
        route.path for route in API if "POST" in (route.methods or ()) and "{" not in route.path
    )


async def test_a_body_is_counted_as_it_comes(inside: httpx.AsyncClient):
    async def pieces(size: int):
        yield b'{"x": "'
        for _ in range(size // 65536):
            yield b"a" * 65536
        yield b'"}'

    small = await inside.post(any_post(), content=pieces(65536))
    assert small.status_code not in {411, 413}
    assert small.status_code < 500
    try:
        large = await inside.post(any_post(), content=pieces(MAX_BODY + 65536))
    except httpx.WriteError:  # the server has answered and closed, and the rest went nowhere
        return
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_much")


async def test_a_body_that_stops_is_given_up(monkeypatch: pytest.MonkeyPatch, house: House):
    monkeypatch.setattr(guards, "_PATIENCE", 0.2)
    async with house.enter() as client:
        head = (
            f"POST {any_post()} HTTP/1.1\nHost: {house.host}\nX-Chatkeep-Studio: 1\n"
            f"Cookie: {cookies(client)}\nContent-Length: 100\nContent-Type: application/json"
        )
        status, _, body = await house.ask(head, b'{"half')
        assert (status, json.loads(body)["error"]["code"]) == (408, "too_slow")


async def test_who_reads_slowly_keeps_nobody_waiting(house: House, inside: httpx.AsyncClient):
    held = []
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.door.port)
        writer.write(f"GET /api/overview HTTP/1.1\r\nHost: {house.host}\r\n".encode())
        held.append((reader, writer))
    assert (await inside.get("/api/overview")).status_code == 200
    for _, writer in held:
        writer.close()
        await writer.wait_closed()


async def test_headers_without_end_are_cut(house: House):
    status, _, _ = await house.ask(f"GET / HTTP/1.1\nHost: {house.host}\nX-Long: " + "a" * 2**20)
    assert status in {0, 400}  # closed, with or without a word
    assert (await house.ask(f"GET / HTTP/1.1\nHost: {house.host}"))[0] == 401


async def test_neither_token_nor_cookie_stands_in_an_answer(
    house: House, inside: httpx.AsyncClient
):
    hidden = [*house.door._inside, house.door.url.partition("token=")[2]]
    for path in ("/", "/api/overview", "/api/nowhere?token=" + hidden[-1], "/nowhere"):
        answer = await inside.get(path, headers={"accept": "text/html"}, follow_redirects=True)
        for secret in hidden:
            assert secret not in answer.text
