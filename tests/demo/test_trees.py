"""The demo's conversations: what the file holds, all branches, and the thread that is shown."""

import gzip
import json
from importlib.resources import files

from chatkeep.demo.trees import Conversation, conversation, title, trees


def conversations() -> list[Conversation]:
    return [conversation(tree) for tree in trees()]


def shown(chat: Conversation) -> list[str]:
    """Ids of the messages that the chat shows, the first one first."""
    parents = {message.id: message.parent_id for message in chat.messages}
    path = [chat.shown]
    while (parent := parents[path[0]]) is not None:
        path.insert(0, parent)
    return path


def test_the_package_ships_100_conversations():
    chats = conversations()
    assert len({chat.chat_id for chat in chats}) == 100
    assert sum(len(chat.messages) for chat in chats) == 1167
    assert sum(len(shown(chat)) for chat in chats) == 323


def test_each_message_answers_the_one_that_it_follows():
    for chat in conversations():
        roles = {message.id: message.role for message in chat.messages}
        for message in chat.messages:
            before = "assistant" if message.parent_id is None else roles[message.parent_id]
            assert {message.role, before} == {"user", "assistant"}


def test_the_first_reply_is_shown_at_each_fork_and_all_are_kept():
    tree = {
        "message_tree_id": "t",
        "prompt": {
            "message_id": "1", "text": "question", "role": "prompter",
            "replies": [
                {"message_id": "2", "text": "first", "role": "assistant", "model_name": "m",
                 "replies": [{"message_id": "4", "text": "more", "role": "prompter", "replies": []}]},
                {"message_id": "3", "text": "second", "role": "assistant", "replies": []},
            ],
        },
    }  # fmt: skip
    chat = conversation(tree)
    assert shown(chat) == ["msg_1", "msg_2", "msg_4"]
    assert [message.id for message in chat.messages] == ["msg_1", "msg_2", "msg_4", "msg_3"]
    models = [message.metadata and message.metadata.model for message in chat.messages]
    assert models == [None, "m", None, None]


def test_text_is_byte_true():
    packed = files("chatkeep.demo").joinpath("oasst_en_100_tree.jsonl.gz").read_bytes()
    stored = [json.loads(line) for line in gzip.decompress(packed).decode().splitlines()]
    assert [chat.messages[0].content for chat in conversations()] == [
        tree["prompt"]["text"] for tree in stored
    ]


def test_a_long_title_ends_at_a_word():
    cut = title("word " * 40)
    assert len(cut) <= 80
    assert cut.endswith("word…")
    assert title("short\n one") == "short one"
