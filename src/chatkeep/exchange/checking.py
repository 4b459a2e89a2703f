"""Whether a conversation can be stored: a sound tree, and every limit of our inputs."""

from collections.abc import Sequence
from datetime import datetime

from chatkeep.exchange.model import Conversation, Node
from chatkeep.inputs.text import MAX_ID, first_fault

TITLE_CHARACTERS = 80
MAX_TITLE = 500


class Unfit(Exception):  # noqa: N818 - a reason on its way to a BadRecord, never seen by callers
    """A conversation cannot be stored; the text says why, and repeats nothing of it."""


def check_tree(conversation: Conversation) -> None:
    """Refuse a conversation whose messages do not hang together.

    Raises:
        Unfit: A message has no place in the tree, or an id is none.
    """
    _check_id(conversation.id, "the id of the conversation")
    ids = {node.id for node in conversation.nodes}
    if len(ids) < len(conversation.nodes):
        raise Unfit("two of its messages have the same id")
    before: set[str] = set()
    for number, node in enumerate(conversation.nodes, 1):
        _check_id(node.id, f"the id of message {number}")
        if node.parent is not None and node.parent not in before:
            if node.parent not in ids:
                raise Unfit(f"message {number} follows one that is not there")
            raise Unfit(f"message {number} follows one that comes after it, or itself")
        before.add(node.id)
    if conversation.head is not None and conversation.head not in ids:
        raise Unfit("what it shows ends at a message that is not there")
    fault = first_fault(conversation.record)
    if fault is not None or first_fault(conversation.title) is not None:
        raise Unfit("its title or its facts hold a text or number that cannot be stored")


def in_order(nodes: Sequence[Node]) -> list[Node]:
    """Put each node behind its parent, siblings in the order given, branch after branch.

    Raises:
        Unfit: A parent is missing, or they follow one another in a circle.
    """
    children: dict[str | None, list[Node]] = {}
    ids = {node.id for node in nodes}
    for number, node in enumerate(nodes, 1):
        if node.parent is not None and node.parent not in ids:
            raise Unfit(f"message {number} follows one that is not there")
        children.setdefault(node.parent, []).append(node)
    ordered: list[Node] = []
    waiting = children.get(None, [])[::-1]
    while waiting:
        node = waiting.pop()
        ordered.append(node)
        waiting += children.pop(node.id, [])[::-1]
    if len(ordered) < len(nodes):
        raise Unfit("its messages follow one another in a circle")
    return ordered


def shown_title(conversation: Conversation) -> str:
    """Give the title that a chat gets: the source's, cut to what fits, or the first words."""
    title = conversation.title
    if not title.strip():
        said = (node.content for node in conversation.nodes if node.role == "user")
        return cut(next(said, ""))
    return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…"


def cut(text: str) -> str:
    """Cut a text to a title: one line, at a word's end."""
    line = " ".join(text.split())
    if len(line) <= TITLE_CHARACTERS:
        return line
    return line[: TITLE_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"


def check_time(moment: datetime | None, what: str) -> datetime | None:
    """Refuse a time without a zone.

    Raises:
        Unfit: It has none.
    """
    if moment is not None and moment.tzinfo is None:
        raise Unfit(f"the time of {what} has no zone")
    return moment


def _check_id(text: str, what: str) -> None:
    if not text or len(text) > MAX_ID:
        raise Unfit(f"{what} must have 1 to {MAX_ID} characters")
    if first_fault(text) is not None:
        raise Unfit(f"{what} holds a character that cannot be stored")
