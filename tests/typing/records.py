"""Types of what the database gives back and of what it takes."""

from datetime import datetime
from typing import Literal, assert_type

from chatkeep.inputs.deepsearch import NewMessage, NewUser
from chatkeep.records import deepsearch, maps
from chatkeep.records.page import Page


def check(
    user: deepsearch.User,
    message: deepsearch.Message,
    chat: deepsearch.ChatWithMessages,
    maps_user: maps.User,
    page: Page[deepsearch.Chat],
) -> None:
    assert_type(user.email, str)
    assert_type(user.name, str | None)
    assert_type(user.email_verified, datetime | None)
    assert_type(user.is_admin, bool)
    assert_type(maps_user.email_verified, bool)
    assert_type(message.role, Literal["user", "assistant", "system", "tool"])
    assert_type(message.sources, list[deepsearch.Source] | None)
    assert_type(message.seq, int)
    assert_type(chat.messages, list[deepsearch.Message])
    assert_type(page.items, list[deepsearch.Chat])
    assert_type(page.next_cursor, str | None)
    assert_type(page.previous_cursor, str | None)
    assert_type(user.to_json(), bytes)


new_user = NewUser(email="user@example.com")
assert_type(new_user.id, str)
assert_type(new_user.name, str | None)
assert_type(NewMessage(role="user", content="x").content, str)
