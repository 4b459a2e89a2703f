"""The thread that a conversation shows, for formats that know no branches."""

from typing import Any, cast

from chatkeep.exchange.model import Conversation, Node


def shown(conversation: Conversation) -> list[Node]:
    """Give the nodes from the first message to the head; none where it has no messages."""
    if not conversation.nodes:
        return []
    by_id = {node.id: node for node in conversation.nodes}
    node = by_id.get(conversation.head or "", conversation.nodes[-1])
    path = [node]
    while node.parent is not None:
        node = by_id[node.parent]
        path.append(node)
    return path[::-1]


def said(conversation: Conversation) -> list[Node]:
    """Give those of the shown thread that somebody reads: without hidden ones and blank ones."""
    return [n for n in shown(conversation) if not (_is_hidden(conversation, n) or _is_blank(n))]


def _is_hidden(conversation: Conversation, node: Node) -> bool:
    """Tell whether ChatGPT hides it: what it tells its model about a user, and the like."""
    message = node.record.get("message") if conversation.format == "chatgpt" else None
    facts = cast("dict[str, Any]", message).get("metadata") if message else None
    if not isinstance(facts, dict):
        return False
    return cast("dict[str, Any]", facts).get("is_visually_hidden_from_conversation") is True


def _is_blank(node: Node) -> bool:
    return not node.content.strip() and not node.sources and _says_nothing(node.parts)


def _says_nothing(part: object) -> bool:
    """Tell whether a JSON value has nothing but names of types and empty texts."""
    if isinstance(part, dict):
        fields = cast("dict[str, object]", part)
        return all(n in ("type", "content_type") or _says_nothing(v) for n, v in fields.items())
    if isinstance(part, list):
        return all(map(_says_nothing, cast("list[object]", part)))
    return part is None or (isinstance(part, str) and not part.strip())
