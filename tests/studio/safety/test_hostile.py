"""Whatever stands in an address, a query or a document: refused or harmless, and never a fault of ours."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import msgspec
import pytest

from fixtures.servers import PgServer
from fixtures.studio_world import EVIL, PREFIX, SECRET
from studio.safety import visiting
from studio.safety.conftest import House
from studio.safety.visiting import Address, addresses, ask, learn

SQL = (
    '\'; drop table "{table}"; --',
    '" or 1=1; --',
    '1); delete from "{table}"; --',
    'public"; drop schema public cascade; --',
    'x\' union select access_token from "{account}" --',
    "$$; commit; drop schema public cascade; $$",
    "\\'; select pg_sleep(20); --",
    "%s %(x)s {0} $1 :x ?",
    "/* */ -- \n;",
    "pg_catalog.pg_shadow",
    '(select access_token from "{account}")',
)
TEXTS = (
    *(text.replace("{table}", PREFIX + "user").replace("{account}", PREFIX + "account") for text in SQL),
    EVIL,
    "a\x00b",
    "../../../../etc/passwd",
    "..\\..\\x",
    "'", '"', "\\", "%", "_", "%00", "\ufeff", "\u202e", "\U0001f600", "\r\nSet-Cookie: a=b",
    "-1", "0", "1e400", "99999999999999999999999", "NaN", "infinity", "null", "true", "٣",
    "0001-01-01", "294277-01-01", "2026-02-30", "99999-01-01T00:00:00Z", "-infinity", "10000-01-01",
    "[]", "{}", '[["id","asc"]]', '[{"column":"id"}]', '["x", null, 1]', "[" * 5000, '{"a":' * 5000,
    '[{"any":' * 500 + "[]" + "}]" * 500, '[["id","desc; drop table x"]]', '["id\\u0000"]',
    '[{"column":"content","op":"=","value":"\\u0000"}]', '["access_token"]',
    "a" * 20_000, " ", "", "\ud7ff", "a,b;c|d", "eyJhIjoxfQ", "e30=", "AAAA", "0" * 64,
)  # fmt: skip
VALUES = (None, True, -1, 0, 2**63, 10**30, 1e308, -0.0, [], {}, [[]], [None], {"a": {"b": []}})
BODIES = (
    b"", b"null", b"[]", b"1", b'"x"', b"{", b"{}", b"\xff\xfe", b'{"\xc3": 1}', b'{"sql": "\\ud800"}',
    b"NaN", b"-" , b"[" * 100_000, b'{"a":' * 100_000, b'{"id": 1, "id": 2}', b"1" * 100_000,
    b'{"x": "' + b"a" * 2_000_000 + b'"}', b"\x1f\x8b\x08\x00", b"a=b&c=d",
)  # fmt: skip
FULL = os.environ.get("CHATKEEP_FULL") == "1"
_EACH = 2  # of CI: how many texts each parameter gets; every text comes to some
ERROR = {"code", "message", "hint", "field"}


def chosen(values: tuple[Any, ...], number: int) -> Iterator[Any]:
    """All of them with CHATKEEP_FULL=1; else some, other ones for each number."""
    step = 1 if FULL else max(1, len(values) // _EACH)
    yield from values[number % step :: step]


def harmless(address: Address, given: object, answer: httpx.Response, *, may_read: bool) -> None:
    where = f"{address} with {given!r:.200}: {answer.status_code} {answer.text[:500]}"
    assert answer.status_code not in {500, 502}, where
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/json", where
        document = answer.json()
        assert set(document) == {"error"}, where
        assert set(document["error"]) == ERROR, where
        assert re.fullmatch(r"[a-z_]+", document["error"]["code"]), where
        assert document["error"]["message"], where
        assert "Traceback" not in answer.text, where
        assert "root:x:" not in answer.text, where
    assert "set-cookie" not in answer.headers, where
    if not may_read:
        assert SECRET not in answer.text, where


async def strike(client: httpx.AsyncClient, found: list[Address], *, may_read: bool) -> int:
    """Ask each address with each kind of nonsense in each place; give how often."""
    count = 0
    for address in found:
        harmless(address, "what it wants", await ask(client, address), may_read=may_read)
        for name in address.names:
            for text in chosen(TEXTS, count):
                answer = await ask(client, address, path={name: text})
                harmless(address, {name: text}, answer, may_read=may_read)
                count += 1
        for name in sorted(address.asked | {"nonesuch"}):
            for text in chosen(TEXTS, count):
                answer = await ask(client, address, query={name: text})
                harmless(address, {name: text}, answer, may_read=may_read)
                count += 1
        if address.method == "GET":
            continue
        for body in chosen(BODIES, count):
            harmless(address, body, await ask(client, address, content=body), may_read=may_read)
            count += 1
        for field in msgspec.structs.fields(address.takes) if address.takes else ():
            for value in (*chosen(TEXTS, count), *chosen(VALUES, count)):
                document = address.document() | {field.name: value}
                content = json.dumps(document).encode()
                answer = await ask(client, address, content=content)
                harmless(address, document, answer, may_read=may_read)
                count += 1
    return count


def everything(server: PgServer, url: str) -> str:
    """All that is stored, and how."""
    command = [server.bin / "pg_dump", "--restrict-key=same", url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.timeout(3600 if FULL else 300)
async def test_a_studio_to_look_at_changes_nothing_and_shows_no_secret(
    house: House, inside: httpx.AsyncClient, pg18: PgServer, monkeypatch: pytest.MonkeyPatch
):
    before, around = everything(pg18, house.database), files(house.root.parent)
    assert SECRET in before
    found = await learn(inside, monkeypatch)
    count = await strike(inside, found, may_read=False)
    assert count > 300
    assert everything(pg18, house.database) == before
    written = {path.parent.parts[1:] for path in files(house.root.parent) - around}
    assert written <= {(".chatkeep", "studio"), ("chatkeep-queries",)}  # history, saved queries
    async with connected(house.database) as connection:
        left = "select count(*) from pg_stat_activity where state like 'idle in%' and pid <> pg_backend_pid()"
        assert await connection.fetchval(left) == 0


class connected:  # noqa: N801 - reads as a function
    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> asyncpg.Connection:
        self.connection = await asyncpg.connect(self.url)
        return self.connection

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()


@pytest.mark.slow
@pytest.mark.timeout(3600 if FULL else 300)
async def test_a_studio_that_may_write_has_no_faults_either(
    world: str, open_studio, monkeypatch: pytest.MonkeyPatch
):
    site = await open_studio(world, write=True)
    client = await site.client()
    found = await learn(client, monkeypatch)
    place = (await client.get("/api/overview")).json()["place"]
    monkeypatch.setitem(visiting.SANE_BODY, "place", place)  # so far an order is carried out
    if not FULL:  # what is the same without --write was struck above
        found = [address for address in found if address.method != "GET"]
    await strike(client, found, may_read=True)
    assert (await client.get("/api/overview")).status_code == 200
    await client.aclose()


def test_every_address_was_found():
    """The walk goes into the rows' own table of addresses, and finds what each handler takes."""
    found = addresses()
    paths = {str(address) for address in found}
    assert {"GET /tables/{schema}/{table}/rows", "POST /console/runs", "GET /overview"} <= paths
    takes = {str(address): address.takes for address in found}
    bare = [name for name, kind in takes.items() if name.startswith(("POST", "PUT")) and not kind]
    assert {name.rpartition("/")[2] for name in bare} <= {"cancel", "stop", "doctor"}


@pytest.mark.parametrize("host", ["", "127.0.0.1:1"])
async def test_no_address_answers_who_was_not_let_in(house: House, host: str):
    async with httpx.AsyncClient(base_url=house.url, verify=False) as outside:
        for address in addresses():
            headers = {"x-chatkeep-studio": "1"} | ({"host": host} if host else {})
            answer = await outside.request(address.method, address.url(), headers=headers)
            assert answer.status_code == (421 if host else 401), address
            assert set(answer.json()["error"]) == ERROR


async def test_no_address_answers_another_sites_page(house: House, inside: httpx.AsyncClient):
    tricks = [
        {"x-chatkeep-studio": ""},  # left out below
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
        {
            "sec-fetch-site": "cross-site",
            "sec-fetch-mode": "navigate",
            "sec-fetch-dest": "document",
        },
    ]
    for address in addresses():
        for trick in tricks:
            request = inside.build_request(address.method, address.url(), headers=trick)
            if trick == tricks[0]:
                del request.headers["x-chatkeep-studio"]
            answer = await inside.send(request)
            assert answer.status_code == 403, (address, trick)
            assert answer.json()["error"]["code"] == "foreign_request"


async def test_16_megabytes_are_read_or_refused(inside: httpx.AsyncClient):
    limit = 16 * 2**20
    for size, statuses in ((limit - 100, {200, 400, 413, 422}), (limit + 1, {413})):
        body = b'{"id": "run-0000-0002", "sql": "' + b" " * (size - 40) + b'1"}'
        body += b" " * (size - len(body))
        answer = await inside.post("/api/console/runs", content=body)
        assert answer.status_code in statuses, answer.text[:300]


async def test_names_in_addresses_are_names(house: House, inside: httpx.AsyncClient):
    """A table whose name is SQL and script is a table; the fault would be to need another name."""
    name = f'x\'"; drop table "{PREFIX}user"; --/..%2f<b>'
    async with connected(house.database) as connection:
        quoted = '"' + name.replace('"', '""') + '"'
        await connection.execute(f"create table {quoted} (id int primary key, {quoted} text)")
        await connection.execute(f"insert into {quoted} values (1, 'found')")
        try:
            base = f"/api/tables/public/{quote(name, safe='')}"
            about = (await inside.get(base)).json()
            assert [column["name"] for column in about["columns"]] == ["id", name]
            rows = await inside.get(f"{base}/rows", params={"sort": json.dumps([[name, "desc"]])})
            assert rows.json()["rows"][0]["cells"] == ["1", "found"]
            copied = await inside.post(f"{base}/copy", json={"format": "sql"})
            assert "found" in copied.json()["text"]
        finally:
            await connection.execute(f"drop table {quoted}")
