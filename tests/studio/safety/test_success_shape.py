"""Every answer that is none of an error is a document that a browser reads without loss."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from studio.safety.visiting import addresses, ask, learn

# What answers something else than 200 and an object, and why.
NOT_THERE = {
    "GET /console/saved/{name}": "nothing may be saved under that name",
    "DELETE /console/saved/{name}": "the same",
    "GET /migrations/run": "nothing was run",
}


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for each in value.values():
            yield from numbers(each)
    elif isinstance(value, list):
        for each in value:
            yield from numbers(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


async def test_every_address_answers_an_object(
    inside: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    for address in await learn(inside, monkeypatch):
        answer = await ask(inside, address)
        if str(address) in NOT_THERE or answer.status_code == 403:
            continue
        assert answer.status_code == 200, (address, answer.text[:300])
        assert answer.headers["content-type"] == "application/json", address
        assert answer.headers["cache-control"] == "no-store", address
        document = answer.json()
        assert isinstance(document, dict | list), address
        if isinstance(document, dict):
            for key in document:
                assert re.fullmatch(r"[a-z][a-zA-Z0-9_]*", key), (address, key)
            assert set(document) != {"error"}, address
        # JavaScript's numbers are exact up to 2**53: what may be larger travels as a text.
        assert all(abs(number) <= 2**53 for number in numbers(document)), address


def test_every_room_has_an_address():
    rooms = {address.path.split("/")[1] for address in addresses()}
    assert rooms >= {
        "overview", "tables", "console", "structure", "migrations", "people", "chats", "search",
        "figures",
    }  # fmt: skip
