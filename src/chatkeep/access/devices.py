"""What browsers say of themselves, in the words of a list of devices."""

from datetime import datetime
from functools import lru_cache

from chatkeep.records.base import Record

_READ = 300  # characters that are looked at: a browser has 100 to 200, and time grows with them
_SHOWN = 100


class DeviceCount(Record, rename="camel"):
    """How many live sessions a user has on a kind of device.

    Attributes:
        device: Such as "Chrome on Windows"; None where the browser said nothing.
        sessions: How many.
        used_at: When one of them was last begun, extended or changed.
    """

    device: str | None
    sessions: int
    used_at: datetime


@lru_cache(maxsize=1024)
def device_of(user_agent: str | None) -> str | None:
    """Name browser and system: "Mobile Safari on iOS".

    Without `ua-parser` (`pip install chatkeep[auth]`), and where it knows neither, the text as it
    is, at most 100 characters of it; None where there is none.
    """
    text = (user_agent or "").strip()[:_READ]
    if not text:
        return None
    try:
        from ua_parser import parse  # noqa: PLC0415 - an extra, and 70 ms that few need
    except ImportError:
        return text[:_SHOWN]
    found = parse(text)
    parts = [part.family for part in (found.user_agent, found.os) if part is not None]
    return " on ".join(parts) or text[:_SHOWN]
