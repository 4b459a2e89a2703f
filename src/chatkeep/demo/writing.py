"""The two patterns of the seed that write, on chats that the demo removes again."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from chatkeep.demo.patterns import REPEATS, Pattern
from chatkeep.demo.people import DemoDatabase
from chatkeep.errors import ChatNotFoundError
from chatkeep.inputs.deepsearch import NewChat, NewMessage
from chatkeep.records.deepsearch import Message, User

GREETING = "Hello! How can I help you today?"


def scratch_id(number: int) -> str:
    """Give the id of a chat that is there only while the demo measures."""
    return f"chat_demo-scratch-{number}"


def writing_patterns(db: DemoDatabase, user: User) -> Sequence[Pattern[Any]]:
    """The patterns that write, for one user; `remove_scratch_chats` takes away what they leave."""
    mine = db.as_user(user.id)
    numbers = count()

    async def create_chat_with_first_message() -> list[Message]:
        async with db.transaction() as tx:
            chat = await tx.as_user(user.id).chats.create(
                NewChat(id=scratch_id(next(numbers)), title="New Chat")
            )
            return await tx.as_user(user.id).messages.append(
                chat.id, NewMessage(role="system", content=GREETING)
            )

    async def append_three() -> list[Message]:
        return await mine.messages.append(
            scratch_id(0),
            NewMessage(role="user", content="Question 1"),
            NewMessage(role="assistant", content="Answer 1"),
            NewMessage(role="user", content="Question 2"),
        )

    return [
        Pattern(
            "chat with first message",
            "async with db.transaction() as tx: ...",
            create_chat_with_first_message,
            lambda messages: f"one transaction, first message: {messages[0].role}",
        ),
        Pattern(
            "several messages at once",
            "mine.messages.append(chat_id, q1, a1, q2)",
            append_three,
            lambda messages: f"{len(messages)} messages, seq in the order given",
        ),
    ]


async def remove_scratch_chats(db: DemoDatabase, user: User) -> None:
    """Take away what the writing patterns left, of this run or of one that was killed.

    All or none: a run that is killed in here leaves no gap in the numbers.
    """
    async with db.transaction() as tx:
        mine = tx.as_user(user.id)
        for number in range(REPEATS + 1):
            try:
                await mine.chats.delete(scratch_id(number), hard=True)
            except ChatNotFoundError:
                return  # they are numbered in the order of their making: no later one is there
