"""No method of a scope reads or changes another user's row. A new method is tried unasked."""

import inspect
from typing import Any

import pytest

from chatkeep import (
    Chat,
    ChatChanges,
    Database,
    Message,
    NewMessage,
    NotFoundError,
    Page,
    SettingsChanges,
    User,
    UserSettings,
)
from chatkeep.access.chats import Chats
from chatkeep.access.messages import Messages
from chatkeep.access.scope import MySettings

CLASSES = {"chats": Chats, "messages": Messages, "settings": MySettings}
METHODS = [
    (part, name)
    for part, cls in CLASSES.items()
    for name, _ in inspect.getmembers(cls, inspect.iscoroutinefunction)
    if not name.startswith("_")
]


def arguments(part: str, name: str, chat: Chat, message: Message) -> dict[str, Any]:
    """Values for every parameter, so that each one is the victim's where it is an id."""
    known: dict[str, Any] = {"chat_id": chat.id, "message_id": message.id, "limit": 10}
    special = {
        ("chats", "update"): {"changes": ChatChanges(title="stolen")},
        ("chats", "get"): {"messages": 10},
        ("settings", "update"): {"changes": SettingsChanges(theme="stolen")},
    }.get((part, name), {})
    names = inspect.signature(getattr(CLASSES[part], name)).parameters
    return {key: value for key, value in {**known, **special}.items() if key in names}


async def snapshot(db: Database, victim: User, chat: Chat) -> list[object]:
    mine = db.as_user(victim.id)
    return [
        await mine.chats.get(chat.id, messages=100),
        await mine.settings.get(),
        await mine.messages.count(chat.id),
    ]


@pytest.mark.parametrize(("part", "name"), METHODS)
async def test_a_stranger_finds_nothing_and_changes_nothing(
    db: Database, user: User, stranger: User, chat: Chat, part: str, name: str
) -> None:
    (message,) = await db.as_user(user.id).messages.append(
        chat.id, NewMessage(role="user", content="private")
    )
    before = await snapshot(db, user, chat)
    method = getattr(getattr(db.as_user(stranger.id), part), name)
    given = arguments(part, name, chat, message)
    extra = [NewMessage(role="user", content="intruder")] if name == "append" else []
    try:
        result = await method(*given.values(), *extra) if extra else await method(**given)
    except NotFoundError:
        pass
    else:
        assert_nothing_of(result, user)
    assert await snapshot(db, user, chat) == before


def assert_nothing_of(result: object, user: User) -> None:
    match result:
        case None | 0:
            return
        case Page():
            assert result.items == []
        case Chat() | UserSettings():
            assert result.user_id != user.id
        case _:
            pytest.fail(f"a stranger got {type(result).__name__}")
