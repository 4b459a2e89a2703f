"""A conversation in the form of ChatGPT's export, from what it was, or made anew."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chatkeep.exchange.chatgpt_reading import NAME, children
from chatkeep.exchange.model import Conversation, Node

Json = dict[str, Any]


def written(conversation: Conversation) -> Json:
    """Give the conversation as an element of `conversations.json`.

    One that came from there is as it was, as far as nobody changed it here: messages that were
    added hang where they were added, and those that were deleted are gone.
    """
    is_theirs = conversation.format == NAME and "facts" in conversation.record
    facts: Json = dict(conversation.record["facts"]) if is_theirs else _facts(conversation)
    scaffold: Mapping[str, Json] = conversation.record.get("scaffold", {}) if is_theirs else {}
    if not scaffold and not is_theirs:
        scaffold = {
            _root(conversation): {
                "id": _root(conversation),
                "message": None,
                "parent": None,
                "children": [],
            }
        }
    mapping: dict[str, Json] = {key: dict(entry) for key, entry in scaffold.items()}
    for node in conversation.nodes:
        mapping[node.id] = _entry(node, is_theirs=is_theirs and "message" in node.record)
    top = next((key for key, entry in scaffold.items() if entry.get("parent") is None), None)
    for node in conversation.nodes:
        entry = mapping[node.id]
        is_ours = not (is_theirs and "message" in node.record)
        if is_ours or not _leads(mapping, entry.get("parent"), node.parent):
            entry["parent"] = top if node.parent is None else node.parent
    odd = conversation.record.get("odd_children", {}) if is_theirs else {}
    _name_children(mapping, odd)
    last = conversation.nodes[-1]
    head = conversation.head or last.id
    # Where the export shows nothing in particular, we show the last message.
    is_unsaid = _leads(mapping, facts.get("current_node"), None) and "message" in last.record
    if not _leads(mapping, facts.get("current_node"), head) and not (is_unsaid and head == last.id):
        facts["current_node"] = head
    if conversation.is_pinned is not (facts.get("is_starred") is True):
        facts["is_starred"] = conversation.is_pinned
    if conversation.title:
        facts["title"] = conversation.title
    return {**facts, "mapping": mapping}


def _root(conversation: Conversation) -> str:
    return f"root-{conversation.id}"


def _leads(mapping: Mapping[str, Json], key: object, node: str | None) -> bool:
    """Tell whether a key still leads to a message, over scaffolding."""
    seen = 0
    while isinstance(key, str) and key in mapping and seen <= len(mapping):
        if mapping[key].get("message") is not None:
            return key == node
        key = mapping[key].get("parent")
        seen += 1
    return key is None and node is None


def _name_children(mapping: dict[str, Json], odd: Mapping[str, list[Any]]) -> None:
    """Let each node name those that follow it; what it named oddly stays, while they are the same."""
    for key, found in children(mapping).items():
        was = odd.get(key)
        if was is None or was[0] != found:
            mapping[key]["children"] = found
        elif len(was) == 1:
            mapping[key].pop("children", None)
        else:
            mapping[key]["children"] = was[1]


def _entry(node: Node, *, is_theirs: bool) -> Json:
    if not is_theirs:
        return {"id": node.id, "message": _message(node), "children": []}
    record = node.record
    message: Json = dict(record["message"])
    if "content" in record:
        message["content"] = None
    elif record.get("has_content", True):
        message["content"] = _content(node)
    return {**record["node"], "message": message}


def _content(node: Node) -> Any:  # noqa: ANN401 - any JSON
    if node.parts is not None:
        return node.parts
    return {"content_type": "text", "parts": [node.content]}


def _message(node: Node) -> Json:
    model = node.metadata.model if node.metadata else None
    return {
        "id": node.id,
        "author": {"role": node.role, "name": None, "metadata": {}},
        "create_time": _seconds(node.created_at),
        "update_time": None,
        "content": {"content_type": "text", "parts": [node.content]},
        "status": "finished_successfully" if node.status == "complete" else "in_progress",
        "end_turn": None,
        "weight": 1.0,
        "metadata": {"model_slug": model} if model else {},
        "recipient": "all",
    }


def _facts(conversation: Conversation) -> Json:
    return {
        "title": conversation.title,
        "create_time": _seconds(conversation.created_at),
        "update_time": _seconds(conversation.updated_at),
        "moderation_results": [],
        "conversation_id": conversation.id,
        "id": conversation.id,
    }


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
