"""What it costs to know who is calling: beside bare asyncpg, and by the place of a wrong byte.

    ./dev run python -m benchmarks.auth            prints the tables, about two minutes
    ./dev run python -m benchmarks.auth --write    and keeps them: benchmarks/AUTH.md
    ./dev run python -m benchmarks.auth --quick    a look, some seconds

**Look-ups.** One process, one connection, everything on one core, an embedded server with 100,000
sessions of 20,000 users. The bare driver sends the very statement that chatkeep sends, prepared, on
a connection of its own, and gives the row as it comes. Pieces of 50 ms by turns, in shuffled order;
a ratio is that of two turns of one round, and the table has the median of the rounds.

**Wrong signatures.** `benchmarks/auth_timing.py` says how.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import asyncpg
from benchmarks import auth_timing
from benchmarks.worker import settle_allocator

from chatkeep import AuthOptions, Database
from chatkeep.auth.hashing import kept, new_secret
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch, maps
from chatkeep.server import EmbeddedServer

if TYPE_CHECKING:
    from chatkeep.engine.observe import Observation

REPORT = Path(__file__).with_name("AUTH.md")
SECRET = "a-secret-of-the-benchmark-0123456789abcdef"
SESSIONS, USERS = 100_000, 20_000
TURN_SECONDS = 0.05
LIMIT = 1.15  # the access layer's promise beside the bare driver, for rows without JSON

Call = Callable[[Any], Awaitable[Any]]
_FIND, _CALLER = "`db.sessions.find`, {}", "`session_from_cookies`, {}"

_USERS = """
INSERT INTO {user} (id, email, name)
SELECT 'user' || n, 'user' || n || '@example.com', 'User ' || n FROM generate_series(1, {users}) AS n
"""
_DEEPSEARCH = """
INSERT INTO x_session (session_token, user_id, expires)
SELECT md5(n::text) || md5('x' || n), 'user' || 1 + n % {users}, now() + interval '20 days'
FROM generate_series(1, {sessions}) AS n
"""
_OWN = """
INSERT INTO x_session (session_token, user_id, expires)
SELECT own.token, x_session.user_id, now() + interval '30 days'
FROM unnest($1::text[], $2::text[]) AS own(token, other) JOIN x_session ON session_token = own.other
"""
_MAPS = """
INSERT INTO sessions (id, token, user_id, expires_at)
SELECT md5(n::text), md5(n::text), 'user' || 1 + n % {users}, now() + interval '20 days'
FROM generate_series(1, {sessions}) AS n
"""


@dataclass
class Case:
    """One look-up: ours, and what a program with the bare driver does for the same answer.

    Attributes:
        name: In the table.
        ours: Takes one of the arguments.
        bare: The statement alone; takes the token.
        arguments: Of ours, and the token.
        token_of: The token to ask for, worked out by hand; None where it is given.
        ends: The column with the end of the session, which a program looks at by hand.
    """

    name: str
    ours: Call
    bare: Call
    arguments: Sequence[tuple[Any, str]]
    token_of: Callable[[Any], str] | None = None
    ends: str = ""
    ratios: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    times: dict[str, list[float]] = field(default_factory=dict[str, list[float]])


def sign(token: str) -> str:
    """A cookie's value as Better Auth writes it."""
    digest = hmac.new(SECRET.encode(), token.encode(), hashlib.sha256).digest()
    return quote(f"{token}.{base64.b64encode(digest).decode()}", safe="")


def better_auth_by_hand(cookies: Mapping[str, str]) -> str:
    """The token of a signed cookie: the least that a program must do before it asks."""
    value = unquote(cookies["better-auth.session_token"])
    token, _, signature = value.rpartition(".")
    digest = hmac.new(SECRET.encode(), token.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(base64.b64encode(digest).decode(), signature):
        raise ValueError("signature")
    return token


def auth_js_by_hand(cookies: Mapping[str, str]) -> str:
    """The token, which is the cookie."""
    return unquote(cookies["authjs.session-token"])


def own_by_hand(cookies: Mapping[str, str]) -> str:
    """The token's hash, as it is stored."""
    digest = hashlib.sha256(cookies["chatkeep.session"].encode()).digest()
    return "sha256:" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def statement_of(db: Database[Any, Any, Any, Any], call: Callable[[], Awaitable[Any]]) -> str:
    """The SQL that a call of ours sends; it must be one statement."""
    told: list[Observation] = []
    with db.observe(told.append):
        assert await call() is not None
    (one,) = told
    return one.sql


async def turn(call: Call, arguments: Sequence[Any], seconds: float) -> float:
    """Call one after the other for so long; give the median of a call in microseconds."""
    times: list[float] = []
    clock = time.perf_counter
    end = clock() + seconds
    settled = end - 0.75 * seconds  # caches are cold after another's turn
    while True:
        for argument in arguments:
            start = clock()
            await call(argument)
            done = clock()
            if start >= settled:
                times.append((done - start) * 1e6)
            if done > end and len(times) > 3:
                return statistics.median(times)


async def measure(cases: Sequence[Case], rounds: int) -> None:
    """Take turns; the first round is not counted."""
    draw = random.Random(7)
    for number in range(rounds + 1):
        for case in draw.sample(cases, len(cases)):
            await _round(case, draw, is_counted=number > 0)


async def _round(case: Case, draw: random.Random, *, is_counted: bool) -> None:
    some = draw.sample(case.arguments, 200)
    ours, theirs = [one for one, _ in some], [two for _, two in some]

    async def by_hand(cookies: Any) -> Any:
        assert case.token_of is not None
        row = await case.bare(case.token_of(cookies))
        return None if row is None or row[case.ends] <= datetime.now(UTC) else row

    turns: dict[str, tuple[Call, Sequence[Any]]] = {
        "ours": (case.ours, ours),
        "bare": (case.bare, theirs),
    }
    if case.token_of is not None:
        turns["by hand"] = (by_hand, ours)
    took: dict[str, float] = {}
    for name in draw.sample(list(turns), len(turns)):
        took[name] = await turn(*turns[name], TURN_SECONDS)
    if is_counted:
        for name, value in took.items():
            case.times.setdefault(name, []).append(value)
            if name != "ours":
                case.ratios.setdefault(name, []).append(took["ours"] / value)


async def deepsearch_cases(server: EmbeddedServer) -> list[Case]:
    """`db.sessions.find`, and Auth.js's session in the database."""
    schema = deepsearch.schema(prefix="x_")
    url, connection = await _filled(server, "auth_js", schema, _DEEPSEARCH, "x_user")
    tokens = await _tokens(connection, "SELECT session_token FROM x_session")
    db = await Database(schema, url, auth=AuthOptions(auth_secrets=(SECRET,))).open()
    own = [new_secret() for _ in tokens]
    hashes = [kept(token) for token in own]
    await connection.execute(_OWN, hashes, tokens)
    await connection.execute("VACUUM ANALYZE")
    call = db.auth.session_from_cookies
    find = await _case(_FIND.format("deepsearch"), db, connection, db.sessions.find, tokens, tokens)
    cookies = [{"authjs.session-token": token} for token in tokens]
    theirs = await _case(
        _CALLER.format("Auth.js database session"), db, connection, call, cookies, tokens
    )
    theirs.token_of, theirs.ends = auth_js_by_hand, "expires"
    cookies = [{"chatkeep.session": token} for token in own]
    ours = await _case(
        _CALLER.format("a session of our own"), db, connection, call, cookies, hashes
    )
    ours.token_of, ours.ends = own_by_hand, "ends_at"
    return [find, theirs, ours]


async def maps_cases(server: EmbeddedServer) -> list[Case]:
    """`db.sessions.find`, and Better Auth's signed cookie."""
    schema = maps.schema()
    url, connection = await _filled(server, "better_auth", schema, _MAPS, "users")
    tokens = await _tokens(connection, "SELECT token FROM sessions")
    db = await Database(schema, url, auth=AuthOptions(better_auth_secrets=(SECRET,))).open()
    call = db.auth.session_from_cookies
    find = await _case(_FIND.format("maps"), db, connection, db.sessions.find, tokens, tokens)
    cookies = [{"better-auth.session_token": sign(token)} for token in tokens]
    signed = await _case(
        _CALLER.format("Better Auth signed cookie"), db, connection, call, cookies, tokens
    )
    signed.token_of, signed.ends = better_auth_by_hand, "expires_at"
    return [find, signed]


async def _filled(
    server: EmbeddedServer, name: str, schema: Any, sessions: str, user: str
) -> tuple[str, asyncpg.Connection]:
    admin = await asyncpg.connect(server.url())
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    url = server.url(name)
    await create_tables(schema, url)
    connection = await asyncpg.connect(url)
    await connection.execute(_USERS.format(user=user, users=USERS))
    await connection.execute(sessions.format(users=USERS, sessions=SESSIONS))
    await connection.execute("VACUUM ANALYZE")
    return url, connection


async def _tokens(connection: asyncpg.Connection, sql: str) -> list[str]:
    rows = await connection.fetch(f"{sql} ORDER BY md5(user_id || created_at) LIMIT 2000")
    return [row[0] for row in rows]


async def _case(
    name: str,
    db: Database[Any, Any, Any, Any],
    connection: asyncpg.Connection,
    ours: Call,
    given: Sequence[Any],
    tokens: Sequence[str],
) -> Case:
    sql = await statement_of(db, lambda: ours(given[0]))
    statement = await connection.prepare(sql)
    assert await statement.fetchrow(tokens[0]) is not None
    arguments = [(one, token) for one, token in zip(given, tokens, strict=True)]
    return Case(name, ours, statement.fetchrow, arguments)


def place(server: EmbeddedServer, core: int) -> None:
    """Put this process and every process of the server on one core."""
    pid = server.status().pid
    assert pid is not None
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    for one in (0, pid, *map(int, children)):
        os.sched_setaffinity(one, {core})


def table(cases: Sequence[Case]) -> str:
    """The look-ups."""
    lines = [
        "| look-up | chatkeep, p50 | the bare statement | ratio | the same by hand | ratio |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for case in cases:
        cells = [case.name, _time(case, "ours"), _time(case, "bare"), _ratio(case, "bare")]
        if case.token_of is not None:
            cells += [_time(case, "by hand"), _ratio(case, "by hand")]
        else:
            cells += ["", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _time(case: Case, name: str) -> str:
    return f"{statistics.median(case.times[name]):.1f} µs"


def _ratio(case: Case, name: str) -> str:
    ratios = sorted(case.ratios[name])
    low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
    return f"**{statistics.median(ratios):.2f}** ({low:.2f} to {high:.2f})"


async def lookups(rounds: int) -> tuple[str, str]:
    """Measure all look-ups; give the table and PostgreSQL's version."""
    with tempfile.TemporaryDirectory(prefix="chatkeep-auth-") as folder:
        server = EmbeddedServer(Path(folder))
        server.start()
        before = os.sched_getaffinity(0)
        try:
            cases = [*await deepsearch_cases(server), *await maps_cases(server)]
            place(server, min(before))
            await measure(cases, rounds)
            admin = await asyncpg.connect(server.url())
            version = await admin.fetchval("SHOW server_version")
            await admin.close()
        finally:
            os.sched_setaffinity(0, before)
            server.stop()
    return table(cases), version


def report(looked: str, timing: str, machine: str) -> str:
    """Give the page."""
    return f"""# Who is calling: what it costs, and what its time tells

Written by `./dev run python -m benchmarks.auth --write`; its text says what is measured.
{machine}.

## Look-ups beside the bare driver

Promised of the access layer: at most {LIMIT} times the bare driver's time for the same statement. In
brackets: the middle four fifths of the rounds. Who knows a caller by a cookie has more to do than to
send a statement: the last two columns have a program that does by hand, on the bare driver, the
least that there is: it takes the cookie by its one name, checks it (percent signs, HMAC-SHA256 and
`compare_digest`; or SHA-256), sends the same statement, and looks whether the session has ended.

{looked}

## Wrong signatures, by the place of the wrong byte

{timing}
"""


async def main() -> None:
    """Measure, print, and keep it if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    settle_allocator()
    looked, version = await lookups(10 if args.quick else 100)
    print(looked, flush=True)
    timing = await auth_timing.measured(2_000 if args.quick else 50_000)
    print(timing)
    if args.write:
        machine = (
            f"PostgreSQL {version}; Linux on 2 cores, Python {platform.python_version()}, "
            f"asyncpg {asyncpg.__version__}"
        )
        REPORT.write_text(report(looked, timing, machine), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
