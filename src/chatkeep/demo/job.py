"""The demo from start to end; it reports to a listener and prints nothing."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from sqlalchemy import func, select

from chatkeep.database import Database
from chatkeep.demo.importing import import_conversations
from chatkeep.demo.patterns import Measured, measure, reading_patterns
from chatkeep.demo.people import add_people
from chatkeep.demo.trees import conversation, trees
from chatkeep.demo.writing import remove_scratch_chats, writing_patterns
from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import Applied, migrate
from chatkeep.presets import deepsearch

DATABASE = "chatkeep_demo"
PREFIX = "ai-app-template_"


class Listener(Protocol):
    """Who is told how the demo goes."""

    def applied(self, migration: Applied) -> None:
        """A migration was applied."""
        ...

    def importing(self, total: int) -> None:
        """The import of so many conversations starts."""
        ...

    def imported_one(self) -> None:
        """One more conversation is in the database."""
        ...


class Outcome(NamedTuple):
    """What a run did.

    Attributes:
        migrations_applied: How many migrations this run applied; `migrations` are in the folder.
        messages_added: How many messages this run added; `messages` are in the database.
        seconds: Of migrating and importing.
    """

    migrations: int
    migrations_applied: int
    users: int
    users_added: int
    chats: int
    messages: int
    messages_added: int
    seconds: float
    measured: Sequence[Measured]


def migrations_folder() -> Path:
    """Give the migrations that come with the package: those of `examples/deepsearch`."""
    return Path(__file__).with_name("drizzle")


def demo_schema() -> deepsearch.Schema:
    """Give the schema of the demo's database: it is also written by code for the seed."""
    return deepsearch.schema(prefix=PREFIX, seed_writers=True)


async def run_demo(url: str, listener: Listener) -> Outcome:
    """Migrate the database, import the conversations, run each access pattern.

    Everything that is there already stays and is not added again, so a run that was killed is
    finished by the next one.

    Args:
        url: An existing database.
        listener: Told about progress.

    Raises:
        MigrationError: The database was migrated by something else.
        ConnectionFailedError: The server went away.
    """
    started = time.perf_counter()
    folder = Folder.read(migrations_folder())
    report = await migrate(folder, url, on_applied=listener.applied)
    schema = demo_schema()
    chats = [conversation(tree) for tree in trees()]
    async with Database(schema, url=url) as db:
        users, users_added = await add_people(db)
        await remove_scratch_chats(db, users[0])
        listener.importing(len(chats))
        messages_added = await import_conversations(db, users, chats, listener.imported_one)
        seconds = time.perf_counter() - started
        longest = max(chats[:: len(users)], key=lambda chat: len(chat.messages))
        patterns = [
            *reading_patterns(db, schema, users[0], longest.chat_id),
            *writing_patterns(db, users[0]),
        ]
        measured = [await measure(db, pattern) for pattern in patterns]
        await remove_scratch_chats(db, users[0])
        return Outcome(
            migrations=len(folder.migrations),
            migrations_applied=len(report.applied),
            users=await db.users.count(),
            users_added=users_added,
            chats=await db.chats.count(),
            messages=await db.scalar(select(func.count()).select_from(schema.messages)) or 0,
            messages_added=messages_added,
            seconds=seconds,
            measured=measured,
        )
