"""Cursors: exact, opaque, good for one list only."""

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatkeep.access.paging import check_limit, read_cursor, write_cursor
from chatkeep.errors import InvalidCursorError, InvalidInputError

MOMENTS = st.datetimes(timezones=st.just(UTC))
IDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=255)


@given(MOMENTS, IDS)
def test_a_place_comes_back_exactly(moment: datetime, row_id: str) -> None:
    cursor = write_cursor("chats:u", moment, row_id)
    assert read_cursor(cursor, "chats:u", (datetime, str)) == [moment, row_id]
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?# ")


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_sequence_number_is_never_rounded(seq: int) -> None:
    assert read_cursor(write_cursor("m", seq), "m", (int,)) == [seq]


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidCursorError):
        read_cursor(write_cursor("messages:chat_1", 7), "messages:chat_2", (int,))


@given(st.text(max_size=60))
def test_no_text_gets_through(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        read_cursor(text, "messages:chat_1", (int,))


@given(st.data())
def test_a_changed_cursor_is_refused(data: st.DataObject) -> None:
    cursor = write_cursor("messages:chat_1", 123456789)
    place = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(st.sampled_from("ABCXYZabcxyz019-_"))
    changed = cursor[:place] + letter + cursor[place + 1 :]
    assume(changed != cursor)
    with pytest.raises(InvalidCursorError):
        read_cursor(changed, "messages:chat_1", (int,))


@pytest.mark.parametrize("limit", [0, -1, 1001, True, 1.5, "10", None])
def test_a_limit_out_of_bounds_is_refused(limit: object) -> None:
    with pytest.raises(InvalidInputError, match="1 to 1000") as caught:
        check_limit(limit)
    assert caught.value.field == "limit"
