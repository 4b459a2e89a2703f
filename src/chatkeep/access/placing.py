"""What a call of `append` asks for: which statement, and the values of its parameters."""

from collections.abc import Sequence
from typing import NamedTuple, cast

from chatkeep.access.appending import Form
from chatkeep.access.rows import Rows, Values
from chatkeep.errors import InvalidInputError
from chatkeep.inputs.deepsearch import NewMessage
from chatkeep.records.deepsearch import Message

_SAME = ("id", "role", "content", "sources", "metadata", "status")


class Placed(NamedTuple):
    """Messages on their way into a chat.

    Attributes:
        form: Which statement.
        values: Its parameters, but for the chat and its user.
        ids: Of the messages, in their order.
        parents: Messages of the chat that they follow, where the caller named some; or the one
            that they stand beside.
    """

    form: Form
    values: Values
    ids: list[str]
    parents: list[str]


def placed(
    rows: Rows[Message],
    messages: Sequence[NewMessage],
    expected_revision: int | None,
    beside: str | None = None,
) -> Placed:
    """Say how messages go into a chat: each follows the one before it, or whom it names.

    Args:
        rows: Their table.
        messages: At least one.
        expected_revision: Of the chat.
        beside: The message that has the same parent, where the first one is to stand beside one.

    Raises:
        InvalidInputError: One of them is no message.
    """
    each = [rows.new_values(message, "messages") for message in messages]
    named = [_names_parent(message) for message in messages]
    for values in each:
        values.pop("parent_id", None)
    ids = [message.id for message in messages]
    parents = _outside(messages, named)
    form = Form(
        _columns(each),
        has_expected=expected_revision is not None,
        has_ids=any("id" in message.model_fields_set for message in messages),
        has_parents=any(named),
        is_beside=beside is not None,
    )
    values = dict(each[0]) if len(each) == 1 else _arrays(form, each, messages, named)
    values["head"] = ids[-1]
    if form.has_expected:
        values["expected_revision"] = expected_revision
    if form.has_ids:
        values["ids"] = ids
    if form.has_parents:
        values["parents"] = parents
        values["first_parent_id"] = messages[0].parent_id
    if beside is not None:
        values["beside"] = beside
        parents = [beside]
    return Placed(form, values, ids, parents)


def is_same(stored: Message, message: NewMessage) -> bool:
    """Tell whether a stored message is the one that is to be stored, as after a retry."""
    if _names_parent(message) and stored.parent_id != message.parent_id:
        return False
    same = all(getattr(stored, name) == getattr(message, name) for name in _SAME)
    return same and _is_same_json(stored.parts, message.parts)


def _is_same_json(stored: object, given: object) -> bool:
    """Compare as JSON does: a tuple is stored as a list, and True is no 1."""
    if isinstance(stored, dict) and isinstance(given, dict):
        old, new = cast("dict[str, object]", stored), cast("dict[str, object]", given)
        return old.keys() == new.keys() and all(_is_same_json(old[key], new[key]) for key in old)
    if isinstance(stored, list) and isinstance(given, list | tuple):
        items, others = cast("list[object]", stored), cast("Sequence[object]", given)
        return len(items) == len(others) and all(map(_is_same_json, items, others))
    return isinstance(stored, bool) == isinstance(given, bool) and stored == given


def check_revision(expected: object) -> int | None:
    """Refuse an expected revision that is no number.

    Raises:
        InvalidInputError: It is none.
    """
    if expected is None or (isinstance(expected, int) and not isinstance(expected, bool)):
        return expected
    raise InvalidInputError("expected_revision is a whole number.", field="expected_revision")


def _names_parent(message: NewMessage) -> bool:
    return "parent_id" in message.model_fields_set


def _columns(each: Sequence[Values]) -> tuple[str, ...]:
    names = tuple(each[0])
    if any(values.keys() != each[0].keys() for values in each):
        names = tuple(dict.fromkeys(name for values in each for name in values))
    return names


def _outside(messages: Sequence[NewMessage], named: Sequence[bool]) -> list[str]:
    """Give the parents that are not among the messages before their children."""
    earlier: set[str] = set()
    found: dict[str, None] = {}
    for message, is_named in zip(messages, named, strict=True):
        if is_named and message.parent_id is not None and message.parent_id not in earlier:
            found[message.parent_id] = None
        earlier.add(message.id)
    return list(found)


def _arrays(
    form: Form, each: Sequence[Values], messages: Sequence[NewMessage], named: Sequence[bool]
) -> Values:
    values: Values = {name: [row.get(name) for row in each] for name in form.names}
    previous = [None, *(message.id for message in messages[:-1])]
    parents = [
        message.parent_id if is_named else before
        for message, is_named, before in zip(messages, named, previous, strict=True)
    ]
    values["parent_id"] = parents
    if form.has_parents:
        values["is_placed"] = named[0]
        values["is_branching"] = parents[1:] != previous[1:]
    return values
