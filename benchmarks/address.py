"""The parts of a database's URL, for tools that do not take it as it is."""

from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit


class Address(NamedTuple):
    """Where the database is."""

    host: str
    port: int
    user: str
    password: str | None
    database: str


def read(url: str) -> Address:
    """Take a URL apart; the host may be the folder of a Unix socket."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    host, _, port = place.rpartition(":") if place.rpartition(":")[2].isdigit() else (place, "", "")
    host = unquote(host).rstrip(",") or parse_qs(parts.query).get("host", ["localhost"])[0]
    return Address(
        host,
        int(port or 5432),
        unquote(parts.username or "postgres"),
        unquote(parts.password) if parts.password else None,
        unquote(parts.path.removeprefix("/")),
    )
