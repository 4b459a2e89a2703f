"""Bring the conversations into the database: each whole or not at all, none twice."""

from collections.abc import Callable, Sequence

from chatkeep.demo.people import DemoDatabase
from chatkeep.demo.trees import Conversation
from chatkeep.inputs.deepsearch import NewChat
from chatkeep.records.deepsearch import User


async def import_conversations(
    db: DemoDatabase,
    owners: Sequence[User],
    chats: Sequence[Conversation],
    progress: Callable[[], None],
) -> int:
    """Give each owner their share of the conversations.

    A chat and its messages are one transaction, so a run that is killed leaves whole chats only,
    and the next run adds those that are missing.

    Args:
        db: An open database.
        owners: Conversation number n belongs to owner n modulo their number.
        chats: What to import.
        progress: Called after each conversation, added or already there.

    Returns:
        How many messages were added.
    """
    added = 0
    for number, chat in enumerate(chats):
        owner = owners[number % len(owners)]
        if await db.as_user(owner.id).chats.find(chat.chat_id) is None:
            added += await import_conversation(db, owner, chat)
        progress()
    return added


async def import_conversation(db: DemoDatabase, owner: User, chat: Conversation) -> int:
    """Store one chat with its messages, or nothing; gives the number of messages."""
    async with db.transaction() as tx:
        mine = tx.as_user(owner.id)
        await mine.chats.create(NewChat(id=chat.chat_id, title=chat.title))
        messages = await mine.messages.append(chat.chat_id, *chat.messages)
        if chat.shown != messages[-1].id:
            await mine.chats.move_head(chat.chat_id, chat.shown)
    return len(messages)
