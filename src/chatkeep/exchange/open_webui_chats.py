"""One chat of open-webui: its row and its messages as a conversation.

The tree of messages is `history.messages` of the JSON, by id; `history.currentId` ends what is
shown. Most releases store the shown messages a second time, as the list `messages`; of that only
the fact is kept. The oldest chats have nothing but the list.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from chatkeep.exchange.checking import Unfit, in_order
from chatkeep.exchange.foreign_json import (
    BadValueError,
    check_storable,
    mapping,
    objects,
    read_json,
)
from chatkeep.exchange.model import Conversation, Node, Place
from chatkeep.exchange.open_webui_messages import moment, node_of
from chatkeep.exchange.open_webui_rows import differing, message_id_of, message_of_row
from chatkeep.exchange.open_webui_shapes import FORMAT_NAME


class Row(NamedTuple):
    """What a database says of one chat, JSON decoded but for the chat's own.

    Attributes:
        chat: The columns of the chat.
        messages: The rows beside its messages; None where there is no such table.
        email: Of its owner.
        place: Where it stands.
    """

    chat: Mapping[str, Any]
    messages: Sequence[Mapping[str, Any]] | None
    email: str | None
    place: Place


class _Body(NamedTuple):
    """The JSON of a chat, apart.

    Attributes:
        messages: By id, in their order.
        shell: The JSON without them.
        form: "tree", "list", or "none" where it has no messages.
        is_encoded: It is JSON in a text of JSON, as some releases left it.
    """

    messages: dict[str, dict[str, Any]]
    shell: dict[str, Any]
    form: str
    is_encoded: bool


def conversation_of(row: Row) -> Conversation:
    """Turn a chat into a conversation.

    Raises:
        BadValueError: It is broken; says where.
    """
    chat, key = row.chat, row.place.key or ""
    body = _body(read_json(chat["chat"], f"{key}.chat"), key)
    title = chat["title"] or ""
    if not isinstance(title, str):
        raise BadValueError("it is no text", f"{key}.title")
    check_storable(title, f"{key}.title")
    nodes = _nodes(row, body, key)
    head = shown(body.shell, chat.get("current_message_id"), nodes)
    shell = body.shell
    record: dict[str, Any] = {"form": body.form, "row": _kept(chat)}
    thread = [nodes[each].parts for each in _path(nodes, mapping(shell.get("history")))]
    if body.form == "tree" and thread and thread == shell.get("messages"):
        shell = {name: value for name, value in shell.items() if name != "messages"}
        record["has_thread"] = True
    record["chat"] = shell
    if body.is_encoded:
        record["is_encoded"] = True
    return Conversation(
        id=str(chat["id"]),
        title=title,
        nodes=_ordered(nodes, key),
        head=head,
        created_at=moment(chat["created_at"]),
        updated_at=moment(chat["updated_at"]),
        is_pinned=bool(chat.get("pinned")),
        owner=row.email,
        record=record,
        format=FORMAT_NAME,
        place=row.place,
        size=len(chat["chat"] or ""),
    )


def shown(shell: Mapping[str, Any], current: object, nodes: Mapping[str, Node]) -> str | None:
    """Give the id of the last message that is shown; None where nothing says it."""
    named = (mapping(shell.get("history")).get("currentId"), current)
    return next((each for each in named if isinstance(each, str) and each in nodes), None)


def _ordered(nodes: Mapping[str, Node], key: str) -> list[Node]:
    try:
        return in_order(list(nodes.values()))
    except Unfit as exc:
        raise BadValueError(str(exc), f"{key}.chat.history.messages") from None


def _body(value: object, key: str) -> _Body:
    is_encoded = isinstance(value, str)
    if isinstance(value, str):
        value = read_json(value, f"{key}.chat")
    if value is None:
        return _Body({}, {}, "none", is_encoded)
    if not isinstance(value, dict):
        raise BadValueError("its JSON is no object", f"{key}.chat")
    body = cast("dict[str, Any]", value)
    history = mapping(body.get("history"))
    tree, listed = history.get("messages"), body.get("messages")
    if isinstance(tree, dict) and tree:
        for message_id, message in cast("dict[str, object]", tree).items():
            if not isinstance(message, dict):
                raise BadValueError("it is no object", f"{key}.chat.history.messages.{message_id}")
        rest = {name: part for name, part in history.items() if name != "messages"}
        return _Body(cast("dict[str, Any]", tree), {**body, "history": rest}, "tree", is_encoded)
    if listed and objects(listed) == listed:
        shell = {name: part for name, part in body.items() if name != "messages"}
        messages = {str(each.get("id") or n): each for n, each in enumerate(objects(listed))}
        if len(messages) < len(objects(listed)):
            raise BadValueError("two of its messages have the same id", f"{key}.chat.messages")
        return _Body(messages, shell, "list", is_encoded)
    return _Body({}, body, "none", is_encoded)


def _nodes(row: Row, body: _Body, key: str) -> dict[str, Node]:
    """Give the messages of the JSON, and those that have a row alone."""
    chat_id, user_id = str(row.chat["id"]), row.chat["user_id"]
    rows = {message_id_of(each, chat_id): each for each in row.messages or ()}
    path = f"{key}.chat.messages" if body.form == "list" else f"{key}.chat.history.messages"
    nodes: dict[str, Node] = {}
    previous: str | None = None
    for message_id, message in body.messages.items():
        node = nodes[message_id] = node_of(message_id, message, f"{path}.{message_id}")
        node.parent = previous if body.form == "list" else message.get("parentId") or None
        previous = message_id
        beside = rows.pop(message_id, None)
        node.record = {"row": beside and differing(beside, message, user_id)}
    for message_id, beside in rows.items():
        message = message_of_row(beside, message_id)
        node = nodes[message_id] = node_of(message_id, message, f'chat_message "{beside["id"]}"')
        node.parent = _bare(message.get("parentId"), chat_id)
        kept = {name: value for name, value in beside.items() if name not in {"id", "chat_id"}}
        node.record = {"row": kept, "has_row_alone": True}
    for node in nodes.values():
        if node.parent is not None and node.parent not in nodes:
            raise BadValueError("it follows a message that is not there", f"{path}.{node.id}")
    return nodes


def _bare(parent: object, chat_id: str) -> str | None:
    return parent.removeprefix(f"{chat_id}-") if isinstance(parent, str) and parent else None


def _path(nodes: Mapping[str, Node], history: Mapping[str, Any]) -> list[str]:
    """Give the ids from the first message to the current one, as the product lists them."""
    path: list[str] = []
    at = history.get("currentId")
    while isinstance(at, str) and at in nodes and len(path) <= len(nodes):
        path.append(at)
        at = nodes[at].parent
    return path[::-1]


def _kept(chat: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in chat.items() if name not in {"id", "user_id", "chat"}}
