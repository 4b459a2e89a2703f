"""What a stranger tries: every public method of a user's scope, with ids of another world.

A method is found by looking at the classes, so one that is new is here before it has a call: the test
then asks for some.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatkeep import ChatChanges, NewChat, NewUsage, SearchFilter, SettingsChanges
from chatkeep.access.scope import UserScope
from security.worlds import World, said

Call = Callable[[Any, World, World], Awaitable[object] | object]
"""Calls a method with the other world's ids, and where it needs some with ids of one's own."""


# They make something of a record that the caller has; what comes of it is among the calls below.
_SENDS_NOTHING = {"messages.cursor_of"}


def methods_of(scope: object, path: str = "") -> dict[str, Any]:
    """Each public method that sends something, by its path from the scope: `chats.list`."""
    found: dict[str, Any] = {}
    for name in dir(type(scope)):
        if name.startswith("_"):
            continue
        member = inspect.getattr_static(type(scope), name)
        value = getattr(scope, name)
        if isinstance(member, property) and type(value).__module__.startswith("chatkeep.access"):
            found.update(methods_of(value, f"{path}{name}."))
        elif callable(value) and path + name not in _SENDS_NOTHING:
            found[path + name] = value
    return found


async def _written(answer: Any) -> object:
    async with answer as writing:
        await writing.write("intruder")
    return answer.message


async def _followed(pieces: AsyncIterator[Any]) -> list[object]:
    return [piece async for piece in pieces]


async def _produce(answer: Any) -> None:
    await answer.write("intruder")


async def _run(started: Awaitable[Any]) -> object:
    return await (await started).wait()  # else it goes on behind the test's back


async def _no_embedding(texts: list[str]) -> list[list[float]]:
    raise AssertionError(texts)


NEW = said("intruder")
USED = NewUsage(model="intruder", prompt_tokens=1, completion_tokens=1, total_tokens=2)

CALLS: Mapping[str, Sequence[Call]] = {
    "chats.count": [lambda m, w, own: m()],
    "chats.create": [lambda m, w, own: m(title="own")],
    "chats.delete": [
        lambda m, w, own: m(w.chat),
        lambda m, w, own: m(w.chat, hard=True),
        lambda m, w, own: m(w.trashed_chat, hard=True),
    ],
    "chats.find": [lambda m, w, own: m(w.chat), lambda m, w, own: m(w.trashed_chat)],
    "chats.fork": [
        lambda m, w, own: m(w.chat),
        lambda m, w, own: m(w.chat, at=w.message, title="stolen"),
        lambda m, w, own: m(own.chat, at=w.message),
        lambda m, w, own: m(w.chat, at=own.message),
    ],
    "chats.get": [lambda m, w, own: m(w.chat), lambda m, w, own: m(w.chat, messages=10)],
    "chats.list": [
        lambda m, w, own: m(),
        lambda m, w, own: m(after=w.cursors["chats"]),
        lambda m, w, own: m(before=w.cursors["chats"]),
    ],
    "chats.move_head": [
        lambda m, w, own: m(w.chat, w.message),
        lambda m, w, own: m(w.chat, own.message),
        lambda m, w, own: m(own.chat, w.message),
        lambda m, w, own: m(w.chat, w.message, expected_revision=2),
    ],
    "chats.restore": [lambda m, w, own: m(w.trashed_chat), lambda m, w, own: m(w.chat)],
    "chats.trash": [lambda m, w, own: m()],
    "chats.tree": [
        lambda m, w, own: m(w.chat),
        lambda m, w, own: m(w.chat, after=w.cursors["tree"]),
        lambda m, w, own: m(own.chat, after=w.cursors["tree"]),
    ],
    "chats.update": [
        lambda m, w, own: m(w.chat, title="stolen"),
        lambda m, w, own: m(w.chat, ChatChanges(title="stolen"), expected_revision=1),
        lambda m, w, own: m(w.chat),
    ],
    "embeddings.fill": [lambda m, w, own: m(_no_embedding)],  # more in access/test_embeddings.py
    "feedback.find": [lambda m, w, own: m(w.answer)],
    "feedback.get": [lambda m, w, own: m(w.answer)],
    "feedback.give": [lambda m, w, own: m(w.answer, vote=-1, comment="stolen")],
    "feedback.list": [
        lambda m, w, own: m(w.chat),
        lambda m, w, own: m(w.chat, after=w.cursors["feedback"]),
        lambda m, w, own: m(own.chat, after=w.cursors["feedback"]),
    ],
    "feedback.remove": [lambda m, w, own: m(w.answer)],
    "messages.append": [
        lambda m, w, own: m(w.chat, NEW),
        lambda m, w, own: m(w.chat, NEW, NEW.model_copy(update={"id": f"{NEW.id}2"})),
        lambda m, w, own: m(w.chat, said("intruder"), expected_revision=2),
        lambda m, w, own: m(w.chat, said("intruder", parent_id=w.message)),
        lambda m, w, own: m(own.chat, said("intruder", parent_id=w.message)),
        lambda m, w, own: m(w.chat, said("intruder", parent_id=own.message)),
        lambda m, w, own: m(w.chat, said("intruder", id=w.message)),
        lambda m, w, own: m(w.trashed_chat, NEW),
    ],
    "messages.count": [lambda m, w, own: m(w.chat)],
    "messages.delete": [
        lambda m, w, own: m(w.message),
        lambda m, w, own: m(w.message, hard=True),
        lambda m, w, own: m(w.trashed_message, hard=True),
    ],
    "messages.edit": [lambda m, w, own: m(w.message, NEW)],
    "messages.find": [lambda m, w, own: m(w.message)],
    "messages.follow": [
        lambda m, w, own: _followed(m(w.running)),
        lambda m, w, own: _followed(m(w.answer, 3)),
    ],
    "messages.get": [lambda m, w, own: m(w.message), lambda m, w, own: m(w.trashed_message)],
    "messages.list": [
        lambda m, w, own: m(w.chat),
        lambda m, w, own: m(w.chat, branch=w.message),
        lambda m, w, own: m(own.chat, branch=w.message),
        lambda m, w, own: m(w.chat, branch=own.message),
        lambda m, w, own: m(w.chat, before=w.cursors["messages"]),
        lambda m, w, own: m(own.chat, after=w.cursors["messages"]),
    ],
    "messages.restore": [lambda m, w, own: m(w.trashed_message)],
    "messages.run_answer": [
        lambda m, w, own: _run(m(w.chat, _produce)),
        lambda m, w, own: _run(m(w.running_chat, _produce, on_running="take_over")),
        lambda m, w, own: _run(m(own.chat, _produce, parent_id=w.message)),
        lambda m, w, own: _run(m(own.chat, _produce, beside=w.answer)),
    ],
    "messages.siblings": [lambda m, w, own: m(w.answer)],
    "messages.stop_answer": [lambda m, w, own: m(w.running_chat)],
    "messages.stream": [
        lambda m, w, own: _written(m(w.chat)),
        lambda m, w, own: _written(m(w.running_chat, on_running="take_over")),
        lambda m, w, own: _written(m(own.chat, parent_id=w.message)),
        lambda m, w, own: _written(m(own.chat, beside=w.answer)),
    ],
    "messages.trash": [lambda m, w, own: m()],
    "search": [
        lambda m, w, own: m("Zq7private"),
        lambda m, w, own: m("question", order="newest", where=SearchFilter(titles=False)),
        lambda m, w, own: m("question", where=SearchFilter(chat_id=w.chat)),
    ],
    "settings.cached": [lambda m, w, own: m()],
    "settings.get": [lambda m, w, own: m()],
    "settings.update": [lambda m, w, own: m(SettingsChanges(theme="own"))],
    "shares.create": [lambda m, w, own: m(w.chat), lambda m, w, own: m(w.chat, "live")],
    "shares.list": [
        lambda m, w, own: m(w.chat),
        lambda m, w, own: m(w.chat, after=w.cursors["shares"]),
        lambda m, w, own: m(own.chat, after=w.cursors["shares"]),
    ],
    "shares.revoke": [lambda m, w, own: m(w.share)],
    "usage.find": [lambda m, w, own: m(w.answer)],
    "usage.list": [lambda m, w, own: m()],
    "usage.record": [lambda m, w, own: m(w.answer, USED), lambda m, w, own: m(w.message, USED)],
    "usage.totals": [lambda m, w, own: m(), lambda m, w, own: m(by="model")],
}

# An id that is put down, not asked for: one that another user's row has cannot be had.
TAKEN: Mapping[str, Sequence[Call]] = {
    "chats.create": [
        lambda m, w, own: m(NewChat(id=w.chat, title="own")),
        lambda m, w, own: m(title="own", first_message=said("own", id=w.message)),
    ],
    "messages.append": [
        lambda m, w, own: m(own.chat, said("own", id=w.message)),
        lambda m, w, own: m(own.chat, said("own"), said("own", id=w.trashed_message)),
    ],
    "messages.edit": [lambda m, w, own: m(own.message, said("own", id=w.message))],
    "messages.stream": [lambda m, w, own: _written(m(own.chat, id=w.message))],
    "messages.run_answer": [lambda m, w, own: _run(m(own.chat, _produce, id=w.message))],
}


@dataclass(frozen=True)
class Outcome:
    """What a stranger can tell of a call: the result's form or the error, and what was sent."""

    what: str
    said: str
    names: tuple[str, ...]
    control: tuple[str, ...]


async def outcome_of(
    db: Any, scope: UserScope, path: str, call: Call, worlds: tuple[World, World]
) -> tuple[Outcome, object]:
    """Make the call; give what it looks like from outside, and what it gave."""
    method = methods_of(scope)[path]
    result: object = None
    with db.statements() as sent:
        try:
            result = call(method, *worlds)
            if inspect.isawaitable(result):
                result = await result
        except Exception as exc:
            what, text = type(exc).__name__, str(exc)
        else:
            what, text = "result", type(result).__name__
    return Outcome(what, text, tuple(sent.names), tuple(sent.control)), result
