"""The JSON of a chat of open-webui, put together again.

What came from the product and did not change with us is given back as it was.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, cast

from chatkeep.exchange.foreign_ids import uuid_of
from chatkeep.exchange.foreign_json import mapping
from chatkeep.exchange.model import Conversation, Node
from chatkeep.exchange.open_webui_chats import shown
from chatkeep.exchange.open_webui_messages import annotated, message_of
from chatkeep.exchange.thread import shown as thread_of

Messages = dict[str, tuple[Node, dict[str, Any]]]
"""By the id that each has there: the node, and its JSON."""


class Body(NamedTuple):
    """A chat to write.

    Attributes:
        chat: Its JSON; None where it has none.
        messages: All of them, those without a place in the JSON too.
        head: Id there of the last message that is shown.
        has_moved: Whether something else was shown when it was imported.
        is_encoded: It goes into a text of JSON.
    """

    chat: dict[str, Any] | None
    messages: Messages
    head: str | None
    has_moved: bool
    is_encoded: bool


def body_of(conversation: Conversation, record: Mapping[str, Any]) -> Body:
    """Make the JSON of a chat; `record` is empty for what did not come from the product."""
    follows = zip(conversation.nodes[1:], conversation.nodes, strict=False)
    is_line = record.get("form") == "list" and all(n.parent == b.id for n, b in follows)
    known = {
        node.id
        for node in conversation.nodes
        if "row" in node.record and record and (is_line or record.get("form") != "list")
    }
    ids = {
        node.id: node.id if node.id in known else str(uuid_of(node.id))
        for node in conversation.nodes
    }
    messages = _messages(conversation, known, ids)
    shell, head, has_moved = _shell(conversation, record)
    tree = {
        message_id: message
        for message_id, (node, message) in messages.items()
        if not (node.id in known and node.record.get("has_row_alone"))
    }
    there = None if head is None else ids[head]
    if is_line:
        shell["messages"] = list(tree.values())
    elif tree:
        shell["history"] = {**mapping(shell.get("history")), "messages": tree}
        if has_moved:
            shell["history"]["currentId"] = there
        if record.get("has_thread"):
            shown_ids = (ids[node.id] for node in thread_of(conversation))
            shell["messages"] = [tree[each] for each in shown_ids if each in tree]
    return Body(shell or None, messages, there, has_moved, bool(record.get("is_encoded")))


def _messages(
    conversation: Conversation, known: Collection[str], ids: Mapping[str, str]
) -> Messages:
    messages: Messages = {}
    for node in conversation.nodes:
        parent = None if node.parent is None else ids[node.parent]
        if node.id in known:
            message = annotated(node.parts, node)
        else:
            message = message_of(node, ids[node.id], parent)
            if parent is not None:
                before = messages[parent][1]
                children = before.get("childrenIds")
                listed = cast("list[object]", children) if isinstance(children, list) else []
                before["childrenIds"] = [*listed, ids[node.id]]
        messages[ids[node.id]] = (node, message)
    return messages


def _shell(
    conversation: Conversation, record: Mapping[str, Any]
) -> tuple[dict[str, Any], str | None, bool]:
    """Give the JSON without messages, the last one that is shown, and whether that changed."""
    nodes = {node.id: node for node in conversation.nodes}
    last = next(reversed(nodes), None)
    head = conversation.head or last
    if not record:
        models = (node.metadata.model for node in nodes.values() if node.metadata is not None)
        named = list(dict.fromkeys(model for model in models if model))
        return {"title": conversation.title, "models": named}, head, True
    row, shell = mapping(record.get("row")), dict(mapping(record.get("chat")))
    if "title" in shell and conversation.title != (row.get("title") or ""):
        shell["title"] = conversation.title
    before = shown(shell, row.get("current_message_id"), nodes) or last
    return shell, head, head != before
