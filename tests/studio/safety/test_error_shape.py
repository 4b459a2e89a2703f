"""Every refusal has one shape, whatever refused it and wherever it stands."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from chatkeep import errors
from chatkeep.errors import ChatkeepError
from chatkeep.studio import refusing
from fixtures.proxy import eventually
from fixtures.servers import PgServer
from studio.safety.visiting import Address, addresses, ask, learn

KEYS = ("code", "message", "hint", "field")


def shaped(answer: httpx.Response, about: object) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/json", (about, answer.text[:300])
    document = answer.json()
    assert tuple(document) == ("error",), (about, document)
    told = document["error"]
    assert tuple(told) == KEYS, (about, told)
    assert isinstance(told["code"], str), about
    assert told["code"].replace("_", "").isalpha(), (about, told)
    assert told["message"].strip() == told["message"] != "", (about, told)
    assert told["hint"] is None or told["hint"], (about, told)
    return told


async def test_every_address_refuses_in_the_one_shape(
    inside: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    refused = set()
    for address in await learn(inside, monkeypatch):
        tries = [
            await inside.request("PATCH", address.url()),
            await inside.get("/api/nowhere" + address.url()),
            await inside.request(address.method, address.url(), headers={"origin": "null"}),
        ]
        tries += [
            await ask(inside, address, path=dict.fromkeys(address.names, "no such thing"))
            for _ in address.names[:1]
        ]
        tries += [await ask(inside, address, query={name: "\x00"}) for name in address.asked]
        if address.takes is not None:
            tries += [
                await ask(inside, address, content=body)
                for body in (b"", b"[]", b'{"nonesuch": 1}')
            ]
        for answer in tries:
            if answer.status_code >= 400:
                refused.add((answer.status_code, shaped(answer, address)["code"]))
    assert {status for status, _ in refused} >= {403, 404, 405, 422}
    assert 500 not in {status for status, _ in refused}


async def test_what_changes_something_is_refused_to_who_only_looks(inside: httpx.AsyncClient):
    """What may be sent nonetheless is listed here, with why it is harmless."""
    harmless = {
        "/changes/preview": "shows the SQL of staged edits",
        "/console/runs": "in a transaction that is read-only and rolled back",
        "/console/plans": "the same",
        "/console/runs/{id}/cancel": "of a run of one's own",
        "/console/history": "a file of the project",
        "/console/saved/{name}": "the same",
        "/tables/{schema}/{table}/copy": "reads rows whose conditions are too long for an address",
        "/structure/doctor": "reads",
    }
    for address in addresses():
        if address.method == "GET" or address.path in harmless:
            continue
        answer = await ask(inside, address)
        told = shaped(answer, address)
        assert (answer.status_code, told["code"]) == (403, "read_only"), address


async def test_each_address_tells_that_the_database_is_away_and_comes_back(
    pg18: PgServer, world: str, open_studio: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    from fixtures.proxy import proxied

    name = world.partition("@/")[2].partition("?")[0]
    async with proxied(pg18.socket_dir) as proxy:
        site = await open_studio(proxy.url(name))
        client = await site.client()
        needing = [
            address
            for address in await learn(client, monkeypatch)
            if address.method == "GET" and (await ask(client, address)).status_code == 200
        ]
        proxy.aim(site.root / "nowhere")
        proxy.drop_all()
        away = [await tells_or_answers(client, address) for address in needing]
        assert away.count(True) > len(needing) / 2  # the others read the folder, or remember

        proxy.aim(pg18.socket_dir / ".s.PGSQL.5432")

        async def is_back() -> bool:
            return (await client.get("/api/overview")).status_code == 200

        await eventually(is_back)
        for address in needing:
            answer = await ask(client, address)
            assert answer.status_code == 200, (address, answer.text[:300])
        await client.aclose()


async def tells_or_answers(client: httpx.AsyncClient, address: Address) -> bool:
    answer = await ask(client, address)
    if answer.status_code == 200:
        return False
    told = shaped(answer, address)
    assert answer.status_code == 503, (address, answer.text)
    assert told["code"] == "connection_failed", (address, told)
    return True


def every(kind: type[ChatkeepError]) -> set[type[ChatkeepError]]:
    return {kind} | {each for below in kind.__subclasses__() for each in every(below)}


def test_each_error_of_ours_has_a_status_that_fits():
    """A subclass takes its parent's where it has none of its own; none is a fault of the server's."""
    for kind in every(ChatkeepError):
        if issubclass(kind, refusing.StudioError):
            assert 400 <= kind.status < 500 or kind.status in {503, 504}, kind
            continue
        error = kind.__new__(kind)
        assert refusing.status_of(error) in {400, 404, 409, 422, 503, 504}, kind
    assert refusing.status_of(errors.NotFoundError.__new__(errors.NotFoundError)) == 404
