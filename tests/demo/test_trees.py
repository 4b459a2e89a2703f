"""The demo's conversations: what the file holds, and the path of the first replies."""

import gzip
import json
from importlib.resources import files

from chatkeep.demo.trees import conversation, conversations, title


def test_the_package_ships_100_conversations():
    chats = list(conversations())
    assert len(chats) == 100
    assert len({chat.chat_id for chat in chats}) == 100
    assert sum(len(chat.turns) for chat in chats) == 323


def test_each_turn_answers_the_one_before():
    for chat in conversations():
        roles = [turn.role for turn in chat.turns]
        assert roles == [("user", "assistant")[i % 2] for i in range(len(roles))]


def test_the_path_takes_the_first_reply_at_each_fork():
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
    assert [turn.id for turn in chat.turns] == ["msg_1", "msg_2", "msg_4"]
    assert [turn.model for turn in chat.turns] == [None, "m", None]


def test_text_is_byte_true():
    packed = files("chatkeep.demo").joinpath("oasst_en_100_tree.jsonl.gz").read_bytes()
    trees = [json.loads(line) for line in gzip.decompress(packed).decode().splitlines()]
    assert [chat.turns[0].content for chat in conversations()] == [
        tree["prompt"]["text"] for tree in trees
    ]


def test_a_long_title_ends_at_a_word():
    cut = title("word " * 40)
    assert len(cut) <= 80
    assert cut.endswith("word…")
    assert title("short\n one") == "short one"
