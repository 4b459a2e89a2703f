"""One URL that every client takes, Unix socket and password included.

libpq (psql, psycopg), asyncpg, Node's `pg` and Node's `postgres` (postgres.js) share no documented
spelling of a socket: postgres.js 3.4 takes none at all from a URL, save by a detail of its parser.
When the decoded host holds a comma it takes the text for a list of hosts, keeps its slashes, and
so goes to `<host>/.s.PGSQL.<port>`. Hence the host is `%2F...%2Frun%2C`, and beside the socket's
folder `run` lies a link `run,` to it: postgres.js, pg and asyncpg go through the link, libpq cuts
at the comma and finds the folder itself. tests/server/test_url.py holds each client to it.
"""

import os
from urllib.parse import quote

from chatkeep.server.place import Place


def server_url(place: Place, database: str) -> str:
    """Give the URL of a database on this server, password included: never log it.

    Raises:
        ServerError: The password cannot be read.
    """
    login = f"postgresql://postgres:{quote(place.password(), safe='')}"
    port = place.port()
    host = f"127.0.0.1:{port}" if port else quote(os.fsencode(place.alias), safe="")
    return f"{login}@{host}/{quote(database, safe='')}"
