"""Ids and owners in the database of another product."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID, uuid5

from chatkeep.errors import BadRecordError, ExchangeError
from chatkeep.exchange.model import Conversation

_SPACE = UUID("6f2f8b1e-5f0c-5c58-9a53-6a0d6f0f7d11")  # any fixed one: the same id again each time


_NAMED = 10  # so many ids are listed

_Id = TypeVar("_Id", UUID, str)


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


def only_account(ids: Sequence[_Id], where: str, table: str) -> _Id:
    """Give the id of the account that was named.

    Args:
        ids: Of all that the name fits.
        where: The database, for messages.
        table: Its table of accounts, for messages.

    Raises:
        ExchangeError: There is none, or more than one.
    """
    if not ids:
        raise ExchangeError(
            f"The database at {where} has no such account.",
            hint=f'Name it by the id or the e-mail of its row in "{table}".',
        )
    if len(ids) > 1:
        raise ExchangeError(
            f"The database at {where} has {len(ids):,} accounts with this e-mail, letter case "
            f"aside: {_listed(ids)}.",
            hint=f'Name it by the id of its row in "{table}", one after the other.',
        )
    return ids[0]


def only_owner(ids: Sequence[_Id]) -> _Id | None:
    """Give the id of the account with an owner's e-mail, or None.

    Raises:
        BadRecordError: There is more than one.
    """
    if len(ids) > 1:
        raise BadRecordError(
            f"The target has {len(ids):,} accounts with the owner's e-mail, letter case aside: "
            f"{_listed(ids)}.",
            hint="Name one of them by its id: `--account`.",
        )
    return ids[0] if ids else None


def _listed(ids: Sequence[_Id]) -> str:
    more = [f"and {len(ids) - _NAMED:,} more"] if len(ids) > _NAMED else []
    return ", ".join([*(str(each) for each in ids[:_NAMED]), *more])
