"""Runs as a program asks for them."""

from typing import Any
from uuid import uuid4

import httpx


async def run(client: httpx.AsyncClient, sql: str, **more: object) -> dict[str, Any]:
    answer = await client.post(
        "/api/console/runs", json={"id": str(uuid4()), "sql": sql, **more}, timeout=30
    )
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def error_of(document: dict[str, Any]) -> dict[str, Any]:
    error: dict[str, Any] = document["statements"][-1]["error"]
    assert error is not None
    return error
