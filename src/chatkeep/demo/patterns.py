"""Each access pattern of the seed's section 7, run and timed."""

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import bindparam, select

from chatkeep.demo.people import DemoDatabase
from chatkeep.presets.deepsearch import Schema
from chatkeep.records.deepsearch import User

T = TypeVar("T")

REPEATS = 30


@dataclass(frozen=True)
class Pattern(Generic[T]):
    """One access pattern: what the seed calls it, the call as text, the call, a line on a result."""

    title: str
    code: str
    call: Callable[[], Awaitable[T]]
    show: Callable[[T], str]


class Measured(NamedTuple):
    """What one pattern gave.

    Attributes:
        statements: Number of statements that one call sent.
        median_ms: Median of REPEATS calls, in milliseconds.
    """

    pattern: Pattern[Any]
    result: str
    statements: int
    median_ms: float


async def measure(db: DemoDatabase, pattern: Pattern[Any]) -> Measured:
    """Run a pattern once for its result and its statements, then again for its time."""
    with db.statements() as sent:
        result = await pattern.call()
    times: list[float] = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        await pattern.call()
        times.append((time.perf_counter() - start) * 1000)
    return Measured(pattern, pattern.show(result), len(sent), statistics.median(times))


def reading_patterns(
    db: DemoDatabase, schema: Schema, user: User, chat_id: str
) -> Sequence[Pattern[Any]]:
    """The patterns that read, for one user and one of their chats."""
    mine = db.as_user(user.id)
    by_email = db.prepare(select(schema.users).where(schema.users.c.email == bindparam("email")))
    names = select(schema.users.c.id, schema.users.c.name).order_by(schema.users.c.id)
    return [
        Pattern(
            "user by e-mail",
            "db.users.find_by_email(email)",
            lambda: db.users.find_by_email(user.email),
            lambda found: f"{found.name}, {found.email}",
        ),
        Pattern(
            "user with accounts",
            "db.users.get(id, with_accounts=True)",
            lambda: db.users.get(user.id, with_accounts=True),
            lambda found: ", ".join(account.provider for account in found.accounts),
        ),
        Pattern(
            "chats of a user",
            "mine.chats.list(limit=50)",
            lambda: mine.chats.list(limit=50),
            lambda page: f"{len(page.items)} chats, newest: {clip(page.items[0].title)}",
        ),
        Pattern(
            "chat with messages",
            "mine.chats.get(chat_id, messages=100)",
            lambda: mine.chats.get(chat_id, messages=100),
            lambda chat: f"{len(chat.messages)} messages in {clip(chat.title)}",
        ),
        Pattern(
            "messages page by cursor",
            "mine.messages.list(chat_id, limit=2)",
            lambda: mine.messages.list(chat_id, limit=2),
            lambda page: f"{len(page.items)} newest, next_cursor {clip(str(page.next_cursor), 16)}",
        ),
        Pattern(
            "selected columns only",
            "db.all(select(users.c.id, users.c.name))",
            lambda: db.all(names),
            lambda rows: f"{len(rows)} rows of (id, name)",
        ),
        Pattern(
            "prepared statement",
            "by_email.first(email=email)",
            lambda: by_email.first(email=user.email),
            lambda found: f"{found.name}",
        ),
        Pattern(
            "several queries at once",
            "db.gather(users.get, chats.list, settings.get)",
            lambda: db.gather(db.users.get(user.id), mine.chats.list(), mine.settings.get()),
            lambda found: f"{found[0].name}, {len(found[1].items)} chats, theme {found[2].theme}",
        ),
    ]


def clip(text: str, width: int = 44) -> str:
    """Cut a text to a width for the report."""
    return text if len(text) <= width else text[: width - 1] + "…"
