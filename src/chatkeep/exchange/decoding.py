"""JSON of a record to values, and why it cannot be one."""

import re

import msgspec

_AT = re.compile(r"\(byte (\d+)\)")


class NoJson(Exception):  # noqa: N818 - a value on its way to a BadRecord, never seen by callers
    """A record is no JSON; the text says why, and repeats nothing of it."""


def decoded(text: bytes | memoryview, start: int) -> object:
    """Decode a record.

    Args:
        text: The record.
        start: Offset of its first byte, for the reason.

    Raises:
        NoJson: It is none.
    """
    try:
        return msgspec.json.decode(text)
    except UnicodeDecodeError:
        raise NoJson(f"it is not UTF-8 at byte {start + _first_wrong(text)}") from None
    except RecursionError:
        raise NoJson("it is nested too deeply") from None
    except msgspec.ValidationError:
        raise NoJson("it holds a number that is out of range") from None
    except msgspec.DecodeError as exc:
        at = _AT.search(str(exc))
        if at is None:
            raise NoJson("it is no whole JSON value: it breaks off") from None
        raise NoJson(f"it is no JSON at byte {start + int(at[1])}") from None


def _first_wrong(text: bytes | memoryview) -> int:
    try:
        str(text, "utf-8")
    except UnicodeDecodeError as exc:
        return exc.start
    return 0  # half of a surrogate pair, as an escape: the text itself is right
