"""Where a database is, as its URL says: for reports. Connecting is the driver's."""

import os
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

_DEFAULT_PORT = 5432


@dataclass(frozen=True, slots=True)
class Address:
    """The server and the database that a URL names; never the user, never the password.

    Attributes:
        host: Name or address of the server, or the folder of its Unix socket; None where the
            driver was left to find it. Several hosts stand in one text, with commas, and with
            their ports where these differ.
        port: The port; None where several hosts have different ones.
        database: Name of the database; None where the driver was left to choose it.
    """

    host: str | None = None
    port: int | None = None
    database: str | None = None


NOWHERE = Address()
"""The address of a database that is not open yet."""


def address_of(url: str) -> Address:
    """Read a URL that `settings.check_url` has let through, as the driver will."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    database = (
        unquote(parts.path[1:])
        or query.get("dbname")
        or query.get("database")
        or os.environ.get("PGDATABASE")
    )
    places = parts.netloc.rpartition("@")[2] or query.get("host") or os.environ.get("PGHOST")
    if not places:
        return Address(database=database)
    ports = (query.get("port") or os.environ.get("PGPORT") or str(_DEFAULT_PORT)).split(",")
    pairs = [
        _place(place, ports[min(number, len(ports) - 1)])
        for number, place in enumerate(places.split(","))
    ]
    found = {port for _, port in pairs}
    if len(found) == 1:
        return Address(",".join(host for host, _ in pairs), found.pop(), database)
    return Address(",".join(f"{host}:{port}" for host, port in pairs), None, database)


def _place(text: str, port: str) -> tuple[str, int]:
    """Split `host:port`, `[::1]:port` or a folder."""
    text = unquote(text)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        own = rest.removeprefix(":")
    elif text.startswith("/"):
        host, own = text, ""
    else:
        host, _, own = text.partition(":")
    chosen = own or port
    return host, int(chosen) if chosen.isdigit() else _DEFAULT_PORT
