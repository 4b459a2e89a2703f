"""Records: JSON with the seeds' keys, and what Pydantic and FastAPI make of them."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, FastAPI
from pydantic import TypeAdapter, ValidationError

from chatkeep.records.deepsearch import (
    Account,
    ChatWithMessages,
    Message,
    MessageMetadata,
    SearchCacheEntry,
    Source,
    TokenUsage,
    User,
)
from chatkeep.records.page import Page

NOW = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def message(**changes: Any) -> Message:
    values = {
        "id": "m1",
        "chat_id": "c1",
        "role": "user",
        "content": "Hello",
        "sources": [Source("T", "https://example.com", "S")],
        "metadata": MessageMetadata(tokens=TokenUsage(1, 2, 3)),
        "created_at": NOW,
        "user_id": "u1",
        "seq": 7,
        "parent_id": None,
        "parts": None,
        "status": "complete",
        "updated_at": NOW,
    }
    return Message(**{**values, **changes})


def test_json_has_the_keys_of_the_typescript_side():
    assert json.loads(message().to_json()) == {
        "id": "m1",
        "chatId": "c1",
        "role": "user",
        "content": "Hello",
        "sources": [{"title": "T", "url": "https://example.com", "snippet": "S"}],
        "metadata": {"tokens": {"prompt": 1, "completion": 2, "total": 3}},
        "createdAt": "2025-01-02T03:04:05.678901Z",
        "userId": "u1",
        "seq": 7,
        "parentId": None,
        "parts": None,
        "status": "complete",
        "updatedAt": "2025-01-02T03:04:05.678901Z",
    }


def test_to_dict_says_what_to_json_says():
    assert message().to_dict() == json.loads(message().to_json())


def test_accounts_keep_the_names_of_auth_js():
    account = Account("u", "oauth", "discord", "1", "r", "a", 1, "t", "s", "i", "ss", NOW, NOW)
    assert list(account.to_dict()) == [
        "userId",
        "type",
        "provider",
        "providerAccountId",
        "refresh_token",
        "access_token",
        "expires_at",
        "token_type",
        "scope",
        "id_token",
        "session_state",
        "createdAt",
        "updatedAt",
    ]


def test_bytes_are_base64():
    entry = SearchCacheEntry(1, "q", {"a": 1}, NOW, NOW, NOW, b"\x00\xff", "serper", "en", None)
    assert entry.to_dict()["keyHash"] == "AP8="


def test_importing_records_loads_neither_pydantic_nor_sqlalchemy():
    code = "import chatkeep.records.deepsearch, chatkeep.records.maps, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "pydantic_core", "sqlalchemy"} & set(done.stdout.split())


def test_pydantic_reads_json_into_a_record():
    read = TypeAdapter(Message).validate_json(message().to_json())
    assert read == message()


def test_pydantic_checks_the_fields_of_a_record_that_was_built_unchecked():
    with pytest.raises(ValidationError):
        TypeAdapter(Message).validate_python(message(content=3))


def test_pydantic_refuses_keys_that_it_does_not_know():
    with pytest.raises(ValidationError):
        TypeAdapter(Source).validate_python({"title": "", "url": "", "snippet": "", "more": 1})


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI()
    many = ChatWithMessages(
        "c1", "u1", "T", NOW, NOW, "m1", 2, False, False, [message(), message(metadata=None)]
    )

    @app.get("/chat")
    def chat() -> ChatWithMessages:
        return many

    @app.get("/page")
    def page() -> Page[Message]:
        return Page([message()], "next", "previous")

    @app.get("/user")
    def user() -> User | None:
        return User("u1", None, "a@example.com", None, None, False, NOW, NOW)

    @app.post("/source")
    def source(body: Annotated[Source, Body()]) -> list[Source]:
        return [body]

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_fastapi_gives_records(client: httpx.AsyncClient):
    given = (await client.get("/chat")).json()
    assert given["messages"][0] == message().to_dict()
    assert given["messages"][1]["metadata"] is None
    page = (await client.get("/page")).json()
    assert (page["nextCursor"], page["previousCursor"]) == ("next", "previous")
    assert (await client.get("/user")).json()["emailVerified"] is None


async def test_fastapi_takes_records(client: httpx.AsyncClient):
    body = {"title": "T", "url": "https://example.com", "snippet": "S"}
    assert (await client.post("/source", json=body)).json() == [body]
    refused = await client.post("/source", json={"title": "T", "url": 1, "snippet": "S"})
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["body", "url"]


async def test_openapi_lists_records_by_name(client: httpx.AsyncClient):
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    assert schemas["Source"]["required"] == ["title", "url", "snippet"]
    assert schemas["Message"]["properties"]["createdAt"]["format"] == "date-time"
    assert {"ChatWithMessages", "MessageMetadata", "TokenUsage", "User"} <= set(schemas)
