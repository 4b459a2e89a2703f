"""The thread that a conversation shows, for formats that know no branches."""

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
