"""Ids and owners in the database of another product."""

from uuid import UUID, uuid5

from chatkeep.errors import ExchangeError
from chatkeep.exchange.model import Conversation

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


def chat_uuid(conversation: Conversation, own: str) -> UUID:
    """Give the UUID of a chat in a database whose format is `own`.

    Another format may have the same id for another conversation.
    """
    if conversation.format in ("", own):
        return uuid_of(conversation.id)
    return uuid5(_SPACE, f"{conversation.format}:{conversation.id}")


def message_uuid(chat_id: UUID, node_id: str) -> UUID:
    """Give the UUID of a message whose id is unique in its chat alone."""
    return uuid5(chat_id, node_id)


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
