"""Who comes in: the Host, the token, the cookie."""

import secrets
from http.cookies import SimpleCookie

import httpx
import pytest

from chatkeep.studio import door as doors
from chatkeep.studio.door import Door
from studio.safety.conftest import House

PAGE = "Accept: text/html"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_names_of_this_machine_are_answered(house: House, host: str):
    status, _, body = await house.ask(f"GET / HTTP/1.1\nHost: {host}:{house.door.port}\n{PAGE}")
    assert status == 401
    assert "closed to this browser" in body


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\nHost: evil.example",
        "GET /?token={token} HTTP/1.1\nHost: evil.example",
        "GET /?token={token} HTTP/1.1\nHost: evil.example:{port}",
        "GET / HTTP/1.1\nHost: 127.0.0.1",
        "GET / HTTP/1.1\nHost: 127.0.0.1:1",
        "GET / HTTP/1.1\nHost: 127.0.0.1:{port}.evil.example",
        "GET / HTTP/1.1\nHost: 127.0.0.1:{port}@evil.example",
        "GET / HTTP/1.1\nHost: evil.example#127.0.0.1:{port}",
        "GET / HTTP/1.1\nHost: localhost.evil.example:{port}",
        "GET / HTTP/1.1\nHost: 0.0.0.0:{port}",
        "GET / HTTP/1.1\nHost: 127.1:{port}",
        "GET / HTTP/1.1\nHost: 127.0.0.1.:{port}",
        "GET / HTTP/1.1\nHost:",
        "GET / HTTP/1.0",
        "GET http://127.0.0.1:{port}/ HTTP/1.0",
        "GET /api/overview HTTP/1.1\nHost: evil.example\nX-Chatkeep-Studio: 1",
        "GET / HTTP/1.1\nHost: evil.example\nX-Forwarded-Host: 127.0.0.1:{port}",
        "GET / HTTP/1.1\nHost: evil.example\nForwarded: host=127.0.0.1:{port}",
    ],
)
async def test_a_name_that_was_bent_to_this_machine_is_refused(house: House, head: str):
    """A rebinding page sends its own name, and nothing that it sends besides makes up for that."""
    used = len(house.told)
    token = house.door.url.partition("token=")[2]
    status, top, body = await house.ask(
        head.replace("{port}", str(house.door.port)).replace("{token}", token)
    )
    assert status == 421, top
    assert '"wrong_host"' in body
    assert "set-cookie" not in top
    assert len(house.told) == used


async def test_two_hosts_or_two_lengths_are_no_request(house: House):
    for twice in (f"Host: {house.host}\nHost: {house.host}", f"Host: {house.host}\nHost: evil"):
        assert (await house.ask(f"GET / HTTP/1.1\n{twice}"))[0] == 400
    lengths = "Content-Length: 2\nContent-Length: 3"
    ambiguous = f"POST /api/x HTTP/1.1\nHost: {house.host}\n{lengths}"
    assert (await house.ask(ambiguous, b"{} "))[0] == 400


async def test_the_whole_address_as_for_a_proxy_is_no_path(house: House):
    cookie = await cookie_of(house)
    for target in (f"http://{house.host}/api/overview", "http://evil.example/", "*"):
        method = "OPTIONS" if target == "*" else "GET"
        status, _, body = await house.ask(
            f"{method} {target} HTTP/1.1\nHost: {house.host}\nX-Chatkeep-Studio: 1\nCookie: {cookie}"
        )
        assert (status, '"no_such_thing"' in body) == (404, True)


async def cookie_of(house: House) -> str:
    async with house.enter() as client:
        return f"{house.door.cookie}={client.cookies[house.door.cookie]}"


async def test_a_token_lets_one_browser_in_and_prints_the_next(house: House):
    address = house.door.url
    async with httpx.AsyncClient(verify=False) as first, httpx.AsyncClient(verify=False) as second:
        came = await first.get(address)
        assert (came.status_code, came.headers["location"]) == (303, "/")
        cookie = SimpleCookie(came.headers["set-cookie"])[house.door.cookie]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
        assert (cookie["expires"], cookie["domain"]) == ("", "")
        assert str(house.door.port) in house.door.cookie

        refused = await second.get(address)
        assert (refused.status_code, "set-cookie" in refused.headers) == (401, False)
        assert house.told[-1] == house.door.url != address
        assert (await second.get(house.told[-1])).status_code == 303
        for client in (first, second):
            answer = await client.get(
                house.url + "/api/overview", headers={"x-chatkeep-studio": "1"}
            )
            assert answer.status_code == 200


async def test_an_address_opened_again_leads_to_the_page(house: House):
    """As by going back, or by a bookmark made too early."""
    address = house.door.url
    async with httpx.AsyncClient(verify=False) as client:
        await client.get(address)
        again = await client.get(address.replace("/?", "/tables/x%20y?"))
        assert (again.status_code, again.headers["location"]) == (303, "/tables/x%20y")
        assert "set-cookie" not in again.headers


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/\\evil.example/", "///evil.example", "/%0d%0aX:y"]
)
async def test_no_address_leads_to_another_host(house: House, path: str):
    status, top, _ = await house.ask(
        f"GET {path}?{house.door.url.partition('?')[2]} HTTP/1.1\nHost: {house.host}"
    )
    location = next(line for line in top.split("\r\n") if line.startswith("location"))
    assert status == 303
    assert location.startswith("location: /")
    assert location[11:12] not in {"/", "\\"}
    assert "\r\nx:y" not in top


async def test_who_comes_from_another_sites_page_gets_a_page_that_leads_on(house: House):
    """After a redirect the browser would hold the strict cookie back: see test_foreign_page.py."""
    entered = await house.ask(
        f"GET /?{house.door.url.partition('?')[2]} HTTP/1.1\nHost: {house.host}\n"
        "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document"
    )
    assert entered[0] == 200
    assert 'content="0;url=/"' in entered[2]
    assert "set-cookie" in entered[1]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST"])
async def test_a_token_is_used_by_opening_it_alone(house: House, method: str):
    """What fetches an address for a preview asks for its head."""
    used = len(house.told)
    status, top, _ = await house.ask(
        f"{method} /?{house.door.url.partition('?')[2]} HTTP/1.1\nHost: {house.host}\nContent-Length: 0\nConnection: close"
    )
    assert status == 401
    assert "set-cookie" not in top
    assert len(house.told) == used


async def test_without_the_cookie_there_is_one_page_and_no_file(house: House):
    asset = next(iter((house_files() / "assets").iterdir())).name
    asks = {
        "/": 401,
        "/people/demo-ada": 401,
        f"/assets/{asset}": 401,
        "/icon.svg": 401,
        "/api/overview": 401,
        "/?token=wrong": 401,
        "/?token=": 401,
        "/?token=%FF%00": 401,
        "/api/overview?" + house.door.url.partition("?")[2]: 401,
    }
    async with httpx.AsyncClient(verify=False, headers={"x-chatkeep-studio": "1"}) as client:
        for path, status in asks.items():
            answer = await client.get(house.url + path)
            assert answer.status_code == status, path
            assert "set-cookie" not in answer.headers
            assert "chatkeep_studio" not in answer.text


def house_files():
    from fixtures.studio import BUILT

    return BUILT


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "{name}=",
        "{name}=wrong",
        "{name}",
        "other={ticket}",
        "{name}=\xff\xfe",
        "{name}x={ticket}",
        "{name}={ticket}x",
        '{name}="{ticket}"',
        "{name}={token}",
    ],
)
async def test_no_other_cookie_lets_in(house: House, cookie: str):
    ticket = (await cookie_of(house)).partition("=")[2]
    token = house.door.url.partition("token=")[2]
    told = cookie.replace("{name}", house.door.cookie).replace("{ticket}", ticket)
    head = (
        f"GET /api/overview HTTP/1.1\nHost: {house.host}\nX-Chatkeep-Studio: 1\n"
        f"Cookie: {told.replace('{token}', token)}"
    )
    assert (await house.ask(head.encode("latin-1")))[0] == 401


async def test_cookies_of_other_servers_on_this_machine_do_not_shut_out(house: House):
    """All of 127.0.0.1 shares its cookies, also those that Python's own parser stumbles over."""
    cookie = await cookie_of(house)
    for others in (
        f'prefs={{"a":[1,2]}}; {cookie}',
        f"{house.door.cookie}=tossed; {cookie}",
        f"{cookie}; {house.door.cookie}=tossed",
        f"=; ;; a b=c;{cookie}",
        f"x=1\nCookie: {cookie}",
    ):
        status, _, _ = await house.ask(
            f"GET /api/overview HTTP/1.1\nHost: {house.host}\nX-Chatkeep-Studio: 1\nCookie: {others}"
        )
        assert status == 200, others


def test_a_door_keeps_so_many_browsers():
    told: list[str] = []
    door = Door(5000, told.append)
    tickets = []
    for _ in range(100):
        ticket = door.exchange(door.url.partition("token=")[2])
        assert ticket is not None
        tickets.append(f"{door.cookie}={ticket}")
    known = [door.knows([ticket]) for ticket in tickets]
    assert known == [False] * 68 + [True] * 32
    assert len(set(told)) == 100


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch):
    """By the standard library's function; that one is constant is its own promise."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return secrets.compare_digest(one, other)

    door = Door(5000, lambda _: None)
    ticket = door.exchange(door.url.partition("token=")[2])

    class Watched:
        token_urlsafe = staticmethod(secrets.token_urlsafe)
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(doors, "secrets", Watched)
    assert door.exchange("wrong") is None
    assert not door.knows([f"{door.cookie}=wrong"])
    assert door.knows([f"{door.cookie}={ticket}"])
    assert [given for pair in compared for given in pair if given == b"wrong"] == [b"wrong"] * 2
    assert len(compared) == 3
