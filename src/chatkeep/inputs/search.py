"""Inputs of the search in conversations."""

from chatkeep.inputs.base import Input
from chatkeep.inputs.fields import Flag, Id, Text255, Time
from chatkeep.records.deepsearch import Role


class SearchFilter(Input):
    """What of a user's conversations is searched; all of it unless something is set.

    A title has no role and no model: with either, titles are not searched.

    Attributes:
        chat_id: In this chat alone.
        role: Messages of this role.
        since: Not before this time.
        until: Before this time.
        model: Answers for which usage of this model was recorded.
        titles: Whether titles are searched.
        messages: Whether messages are.
    """

    chat_id: Id | None = None
    role: Role | None = None
    since: Time | None = None
    until: Time | None = None
    model: Text255 | None = None
    titles: Flag = True
    messages: Flag = True
