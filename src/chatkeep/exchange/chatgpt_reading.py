"""A conversation of ChatGPT's export to the neutral form."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from pydantic_core import PydanticCustomError

from chatkeep.exchange.checking import Unfit, in_order
from chatkeep.exchange.model import Conversation, Node
from chatkeep.exchange.reading import field_of
from chatkeep.inputs.deepsearch import MAX_CONTENT
from chatkeep.inputs.fields import check_web_url
from chatkeep.records.deepsearch import MessageMetadata, Role, Source

NAME = "chatgpt"

_ROLES: Mapping[str, Role] = {
    "user": "user", "assistant": "assistant", "system": "system", "tool": "tool",
}  # fmt: skip

Json = dict[str, Any]


def conversation(theirs: Json) -> Conversation:
    """Turn a conversation of the export into ours.

    Raises:
        Unfit: It is none, or its nodes do not hang together.
    """
    mapping = entries(theirs)
    nodes = [
        _node(key, entry, anchor(mapping, entry.get("parent")))
        for key, entry in mapping.items()
        if entry.get("message") is not None
    ]
    order = {
        child: number for entry in mapping.values() for number, child in enumerate(_children(entry))
    }
    nodes.sort(key=lambda node: order.get(node.id, len(mapping)))
    title = theirs.get("title")
    left_out = {"mapping"} | ({"title"} if isinstance(title, str) and title else set[str]())
    return Conversation(
        id=_id(theirs),
        title=title if isinstance(title, str) else "",
        nodes=in_order(nodes),
        head=anchor(mapping, theirs.get("current_node")),
        created_at=_time(theirs.get("create_time"), "its create_time"),
        updated_at=_time(theirs.get("update_time"), "its update_time"),
        is_pinned=theirs.get("is_starred") is True,
        record={
            "facts": {name: value for name, value in theirs.items() if name not in left_out},
            "scaffold": {key: e for key, e in mapping.items() if e.get("message") is None},
            **({"odd_children": odd} if (odd := _odd_children(mapping)) else {}),
        },
        format=NAME,
    )


def entries(theirs: Json) -> dict[str, Json]:
    """Give the nodes by their keys.

    Raises:
        Unfit: There are none, or one of them is no object.
    """
    mapping = field_of(theirs, "mapping", dict)
    if not all(isinstance(entry, dict) for entry in mapping.values()):
        raise Unfit("a node of its mapping is no object")
    if any(child not in mapping for entry in mapping.values() for child in _children(entry)):
        raise Unfit("a node names a child that is not there")
    return cast("dict[str, Json]", mapping)


def anchor(mapping: Mapping[str, Json], key: object) -> str | None:
    """Give the node with a message that a key leads to: itself, or the next one above it.

    Raises:
        Unfit: There is no such node, or the nodes above it go in a circle.
    """
    seen = 0
    while key is not None:
        if not isinstance(key, str) or key not in mapping:
            raise Unfit("a node follows one that is not there, or is shown and not there")
        if mapping[key].get("message") is not None:
            return key
        key = mapping[key].get("parent")
        seen += 1
        if seen > len(mapping):
            raise Unfit("its messages follow one another in a circle")
    return None


def children(mapping: Mapping[str, Json]) -> dict[str, list[str]]:
    """Give those that follow each node: first those that it names, in their order."""
    following: dict[str, list[str]] = {}
    for key, entry in mapping.items():
        if isinstance(entry.get("parent"), str):
            following.setdefault(entry["parent"], []).append(key)
    found: dict[str, list[str]] = {}
    for key, entry in mapping.items():
        mine = dict.fromkeys(following.get(key, []))
        named = dict.fromkeys(child for child in _children(entry) if child in mine)
        found[key] = [*named, *(child for child in mine if child not in named)]
    return found


def _odd_children(mapping: Mapping[str, Json]) -> dict[str, list[Any]]:
    """Find what nodes name as children and is not who follows them: that and, where they do, this."""
    return {
        key: [found, *([mapping[key]["children"]] if "children" in mapping[key] else [])]
        for key, found in children(mapping).items()
        if mapping[key].get("children") != found
    }


def plain_text(content: object) -> str | None:
    """Give the text of a content that is nothing but one text; None for any other."""
    if isinstance(content, dict) and content.keys() == {"content_type", "parts"}:
        parts = content["parts"]
        if content["content_type"] == "text" and isinstance(parts, list) and len(parts) == 1:
            return parts[0] if isinstance(parts[0], str) and parts[0] else None
    return None


def _id(theirs: Json) -> str:
    for name in ("conversation_id", "id"):
        if isinstance(theirs.get(name), str):
            return theirs[name]
    raise Unfit("it has no id")


def _children(entry: Json) -> list[str]:
    children = entry.get("children")
    return [c for c in children if isinstance(c, str)] if isinstance(children, list) else []


def _node(key: str, entry: Json, parent: str | None) -> Node:
    message = field_of(entry, "message", dict)
    author = field_of(message, "author", dict)
    role = field_of(author, "role", str)
    if role not in _ROLES:
        raise Unfit("a message has a role that is none of ChatGPT's")
    content = message.get("content")
    text = plain_text(content)
    facts = message.get("metadata")
    facts = cast("Json", facts) if isinstance(facts, dict) else {}
    model = facts.get("model_slug")
    return Node(
        id=key,
        parent=parent,
        role=_ROLES[role],
        # What is more than a text stands whole in the parts: what is shown of it may be cut.
        content="\n".join(_said(content))[:MAX_CONTENT] if text is None else text,
        parts=({} if content is None else content) if text is None else None,
        sources=list(_sources(facts)) or None,
        metadata=MessageMetadata(model=model) if isinstance(model, str) else None,
        status="interrupted" if message.get("status") == "in_progress" else "complete",
        created_at=_time(message.get("create_time"), "the create_time of a message"),
        record={
            "node": {name: value for name, value in entry.items() if name != "message"},
            "message": {name: value for name, value in message.items() if name != "content"},
            **({"has_content": False} if content is None else {}),
            **({"content": None} if "content" in message and content is None else {}),
        },
    )


def _said(content: object) -> Iterator[str]:
    """Find what people read in a content of any type."""
    if isinstance(content, str):
        if content:
            yield content
    elif isinstance(content, list):
        for part in cast("list[object]", content):
            yield from _said(part)
    elif isinstance(content, dict):
        said = cast("Json", content)
        for name in ("parts", "text", "thoughts", "summary", "content", "result"):
            yield from _said(said.get(name))


def _sources(facts: Json) -> Iterator[Source]:
    citations = facts.get("citations")
    for citation in cast("list[object]", citations) if isinstance(citations, list) else []:
        cited = citation.get("metadata") if isinstance(citation, dict) else None
        url = cited.get("url") if isinstance(cited, dict) else None
        if isinstance(cited, dict) and isinstance(url, str) and _is_web(url):
            title, text = cited.get("title"), cited.get("text")
            yield Source(
                title if isinstance(title, str) and title else url,
                url,
                text if isinstance(text, str) else "",
            )


def _is_web(url: str) -> bool:
    """Tell whether our sources take it; whatever it is, it comes back with the export."""
    try:
        check_web_url(url)
    except PydanticCustomError:
        return False
    return True


def _time(seconds: object, what: str) -> datetime | None:
    if seconds is None:
        return None
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise Unfit(f"{what} is no number of seconds")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise Unfit(f"{what} is no time that there is") from None
