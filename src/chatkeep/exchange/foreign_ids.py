"""Ids and owners in the database of another product."""

from collections.abc import Iterator
from uuid import UUID, uuid5

from chatkeep.errors import ExchangeError
from chatkeep.exchange.model import Conversation, Node

_SPACE = UUID("6f2f8b1e-5f0c-5c58-9a53-6a0d6f0f7d11")  # any fixed one: the same id again each time


def uuid_of(text: str) -> UUID:
    """Give the UUID that an id is or holds behind its prefix; of any other id always the same."""
    for candidate in (text, text.partition("_")[2]):
        if len(candidate) == 36:
            try:
                return UUID(candidate)
            except ValueError:
                continue
    return uuid5(_SPACE, text)


def branch(conversation: Conversation) -> list[Node]:
    """Give the messages that the conversation shows, the first one first."""
    nodes = {node.id: node for node in conversation.nodes}
    return list(_up(nodes, conversation.head or next(reversed(nodes), None)))[::-1]


def _up(nodes: dict[str, Node], tip: str | None) -> Iterator[Node]:
    while tip is not None:
        yield nodes[tip]
        tip = nodes[tip].parent


def owner_of(conversation: Conversation) -> str:
    """Give the e-mail of the account that a conversation goes to.

    Raises:
        ExchangeError: Nobody said it.
    """
    if conversation.owner is None:
        raise ExchangeError(
            "It is not known whose the conversations are to be.",
            hint="Name an account of the target, by id or e-mail.",
        )
    return conversation.owner
