"""Import then export of each format of files gives back what was there."""

import gzip
import json
import zipfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from chatkeep import ChatChanges, Database, NewMessage, NewUser, User
from chatkeep.database.creation import create_tables
from chatkeep.exchange import ExportOptions, export_conversations, import_conversations
from chatkeep.presets import deepsearch
from exchange.conftest import lines
from exchange.samples import chatgpt, fine_tuning, tree
from fixtures.servers import Databases, PgServer

Write = Callable[[str, object], Path]
TREES = files("chatkeep.demo").joinpath("oasst_en_100_tree.jsonl.gz")


def by_id(conversations: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return {one[name]: one for one in conversations}


async def test_the_real_trees_come_back_key_for_key(
    pg: PgServer, fresh_database: Callable[[PgServer], Databases], tmp_path: Path
):
    security: Any = "rls" if pg.version == "15" else None
    packed = tmp_path / "trees.jsonl.gz"
    packed.write_bytes(TREES.read_bytes())
    stored = [json.loads(line) for line in gzip.decompress(TREES.read_bytes()).splitlines()]
    role = "exchange_app" if security else None
    schema = deepsearch.schema(prefix="x_", security=security, app_role=role)
    url = await fresh_database(pg)()
    await create_tables(schema, url)
    async with Database(schema, url) as db:
        user = await db.users.create(NewUser(email="ada@example.com"))
        stranger = await db.users.create(NewUser(email="bob@example.com"))
        for conversations, messages in ((100, 1167), (0, 0)):
            report = await import_conversations(db, user.id, packed, "open-assistant")
            assert (report.conversations, report.messages) == (conversations, messages)
            assert report.there_already == 100 - conversations
        assert (await db.as_user(stranger.id).chats.list()).items == []
        report = await export_conversations(
            db, tmp_path / "out.jsonl.gz", "open-assistant", ExportOptions(user_id=user.id)
        )
        assert (report.conversations, report.messages) == (100, 1167)
        out = gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes())
        back = [json.loads(line) for line in out.splitlines()]
        assert by_id(back, "message_tree_id") == by_id(stored, "message_tree_id")
        # The same file is another user's as well: none of the two is in the other's way.
        report = await import_conversations(db, stranger.id, packed, "open-assistant")
        assert report.conversations == 100


async def test_a_tree_is_branched_and_shows_its_first_replies(
    db: Database, user: User, write: Write
):
    await import_conversations(db, user.id, write("t.jsonl", iter([tree()])), "open-assistant")
    mine = db.as_user(user.id)
    (chat,) = (await mine.chats.list()).items
    assert chat.title == "question 1"
    assert chat.revision == 1
    thread = await mine.chats.get(chat.id, messages=10)
    assert [(m.role, m.content) for m in thread.messages] == [
        ("user", "question 1"), ("assistant", "one"), ("user", "more"),
    ]  # fmt: skip
    assert thread.messages[1].metadata is not None
    assert thread.messages[1].metadata.model == "m"
    (added,) = await mine.messages.append(chat.id, NewMessage(role="assistant", content="new"))
    assert added.parent_id == thread.messages[-1].id


async def test_chatgpt_comes_back_as_the_same_json(
    db: Database, user: User, write: Write, tmp_path: Path
):
    odd = {"id": "only-id", "mapping": {"x": {"id": "x", "message": {
        "author": {"role": "user"}, "content": {"content_type": "text", "parts": ["a", "b"]}},
        "parent": None, "children": []}}, "title": None, "current_node": None}  # fmt: skip
    long = chatgpt(3, title="long " * 200, is_starred=True)
    theirs = [chatgpt(1), odd, long, chatgpt(2, title="")]
    source = write("conversations.json", theirs)
    report = await import_conversations(db, user.id, source, "chatgpt")
    assert report.conversations == 4
    out = tmp_path / "back.zip"
    await export_conversations(db, out, "chatgpt", ExportOptions(user_id=user.id))
    with zipfile.ZipFile(out) as archive:
        back = json.loads(archive.read("conversations.json"))
    assert by_id(back, "id") == by_id(theirs, "id")


async def test_what_chatgpt_says_is_in_our_columns(db: Database, user: User, write: Write):
    await import_conversations(db, user.id, write("c.json", [chatgpt()]), "chatgpt")
    mine = db.as_user(user.id)
    (chat,) = (await mine.chats.list()).items
    assert (chat.title, chat.created_at.timestamp()) == ("Indexes 1", 1700000000.5)
    assert chat.updated_at.timestamp() == 1700000200.25
    thread = (await mine.chats.get(chat.id, messages=20)).messages
    assert [(m.role, m.content, m.status) for m in thread] == [
        ("system", "", "complete"), ("user", "What is an index?", "complete"),
        ("assistant", "A sorted copy.", "complete"), ("user", "And this?", "complete"),
        ("tool", "42", "complete"), ("assistant", "print(42)", "complete"),
        ("assistant", "", "complete"), ("user", "ありがとう 🙏", "complete"),
    ]  # fmt: skip
    answer = thread[2]
    assert answer.metadata is not None
    assert answer.metadata.model == "gpt-4o"
    assert [source.url for source in answer.sources or []] == ["https://example.com/a"]
    assert answer.created_at.timestamp() == 1700000000.123456
    assert thread[0].created_at == chat.created_at  # the system message has no time of its own
    shown = await mine.messages.siblings(answer.id)
    assert [m.content for m in shown] == ["I do not know", "A sorted copy."]
    assert shown[0].status == "interrupted"


async def test_what_was_changed_here_is_in_the_export(
    db: Database, user: User, write: Write, tmp_path: Path
):
    await import_conversations(db, user.id, write("c.json", [chatgpt()]), "chatgpt")
    mine = db.as_user(user.id)
    (chat,) = (await mine.chats.list()).items
    await mine.chats.update(chat.id, ChatChanges(title="Mine"))
    (added,) = await mine.messages.append(chat.id, NewMessage(role="assistant", content="Bitte"))
    thread = (await mine.chats.get(chat.id, messages=20)).messages
    await mine.messages.delete(thread[4].id)  # the tool's, in the middle
    await export_conversations(db, tmp_path / "o.json", "chatgpt", ExportOptions(chat_id=chat.id))
    (back,) = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))
    mapping = back["mapping"]
    assert "t1" not in mapping
    assert mapping["c1"]["parent"] == "p1"
    assert mapping["p1"]["children"] == ["c1"]
    assert mapping[added.id]["parent"] == "z1"
    assert mapping[added.id]["message"]["content"]["parts"] == ["Bitte"]
    assert mapping["z1"]["children"] == [added.id]
    assert (back["current_node"], back["title"]) == (added.id, "Mine")
    # What we write can be read again, by another user too.
    other = await db.users.create(NewUser(email="bob@example.com"))
    report = await import_conversations(db, other.id, tmp_path / "o.json", "chatgpt")
    assert (report.conversations, report.messages) == (1, len(mapping) - 2)


async def test_fine_tuning_comes_back_as_the_same_json(
    db: Database, user: User, write: Write, tmp_path: Path
):
    examples = fine_tuning()
    source = write("examples.jsonl", iter(examples))
    for conversations in (5, 0):
        report = await import_conversations(db, user.id, source, "fine-tuning")
        assert report.conversations == conversations
    await export_conversations(db, tmp_path / "o.jsonl", "fine-tuning")
    back = lines(tmp_path / "o.jsonl")
    assert sorted(json.dumps(one, sort_keys=True) for one in back) == sorted(
        json.dumps(one, sort_keys=True) for one in examples
    )
    # A longer file brings what is new in it, wherever that stands.
    source = write(
        "more.jsonl", iter([{"messages": [{"role": "user", "content": "!"}]}, *examples])
    )
    report = await import_conversations(db, user.id, source, "fine-tuning")
    assert (report.conversations, report.there_already) == (1, 5)


async def test_chats_of_our_own_are_put_into_each_format(db: Database, user: User, tmp_path: Path):
    mine = db.as_user(user.id)
    chat = await mine.chats.create(title="Ours")
    question, answer = await mine.messages.append(
        chat.id, NewMessage(role="user", content="Q"), NewMessage(role="assistant", content="A")
    )
    await mine.messages.append(
        chat.id, NewMessage(role="assistant", content="B", parent_id=question.id)
    )
    await mine.chats.create(title="Empty")
    for name in ("chatgpt", "open-assistant", "fine-tuning"):
        report = await export_conversations(db, tmp_path / name, name)
        assert report.conversations == 1
    (theirs,) = json.loads((tmp_path / "chatgpt").read_text())
    assert theirs["title"] == "Ours"
    assert theirs["mapping"][question.id]["children"][0] == answer.id
    (oasst,) = lines(tmp_path / "open-assistant")
    assert [reply["text"] for reply in oasst["prompt"]["replies"]] == ["A", "B"]
    assert lines(tmp_path / "fine-tuning") == [
        {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "B"}]}
    ]


async def test_a_fork_of_an_imported_chat_is_a_chat_of_its_own(
    db: Database, user: User, write: Write, tmp_path: Path
):
    await import_conversations(db, user.id, write("c.json", [chatgpt()]), "chatgpt")
    mine = db.as_user(user.id)
    (chat,) = (await mine.chats.list()).items
    fork = await mine.chats.fork(chat.id)
    untouched = await mine.chats.fork(chat.id, title="Untouched")
    await mine.messages.append(fork.id, NewMessage(role="user", content="Only in the fork"))
    out = tmp_path / "o.json"
    await export_conversations(db, out, "chatgpt", ExportOptions(user_id=user.id))
    back = by_id(json.loads(out.read_text(encoding="utf-8")), "id")
    assert back.keys() == {"conv-1", fork.id, untouched.id}
    assert back["conv-1"] == chatgpt()
    for one in (fork, untouched):
        assert back[one.id]["current_node"] in back[one.id]["mapping"]
    assert not back["conv-1"]["mapping"].keys() & back[fork.id]["mapping"].keys()
    other = await db.users.create(NewUser(email="bob@example.com"))
    report = await import_conversations(db, other.id, out, "chatgpt")
    assert (report.conversations, report.there_already) == (3, 0)


async def test_an_example_has_what_is_said_and_ends_with_an_answer(
    db: Database, user: User, write: Write, tmp_path: Path
):
    kept = {"q1", "sys1", "b1", "gap1", "root1"}
    plain = chatgpt(current_node="b1")
    plain["mapping"] = {key: node for key, node in plain["mapping"].items() if key in kept}
    plain["mapping"]["q1"]["children"], plain["mapping"]["b1"]["children"] = ["b1"], []
    await import_conversations(db, user.id, write("c.json", [plain, chatgpt(2)]), "chatgpt")
    mine = db.as_user(user.id)
    asked = await mine.chats.create(title="No answer")
    await mine.messages.append(asked.id, NewMessage(role="user", content="Anybody?"))
    blank = await mine.chats.create(title="A blank answer")
    await mine.messages.append(
        blank.id,
        NewMessage(role="user", content="Hello?"),
        NewMessage(role="assistant", content=" ", parts=[{"type": "text", "text": ""}]),
    )
    options = ExportOptions(user_id=user.id, on_error="skip")
    report = await export_conversations(db, tmp_path / "o.jsonl", "fine-tuning", options)
    assert lines(tmp_path / "o.jsonl") == [
        {
            "messages": [
                {"role": "user", "content": "What is an index?"},
                {"role": "assistant", "content": "A sorted copy."},
            ]
        }
    ]
    assert (report.conversations, report.messages, report.not_shown) == (1, 2, 1)
    assert sorted(bad.problem.partition(";")[0] for bad in report.errors) == [
        "A fine-tuning example ends with an answer, and this chat does not",
        "A fine-tuning example ends with an answer, and this chat does not",
        "A fine-tuning example names the call that a tool answers",
    ]


NUMBERS = [
    "1e300", "1.7976931348623157e308", "5e-324", "-0.0", "0.1", "1.0", "1e15", "1e16", "1e22",
    "18446744073709551616", "123456789012345678901234567890", "0.12345678901234567890123",
]  # fmt: skip


async def test_json_comes_back_as_the_same_values(
    db: Database, user: User, write: Write, tmp_path: Path
):
    odd = [
        "",
        "\u2028 / \\ \U0001f600 e\u0301",
        {"": None, "b": 1, "a": []},
        {},
        [],
        [[None]],
        True,
    ]
    text = json.dumps([chatgpt(1, odd=odd, numbers="@", twice="@")])
    text = text.replace('"@"', f"[{','.join(NUMBERS)}]", 1).replace('"@"', '{"a": 1, "a": 2}')
    await import_conversations(db, user.id, write("c.json", text.encode()), "chatgpt")
    await export_conversations(db, tmp_path / "o.json", "chatgpt")
    (back,) = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"), parse_int=str)
    assert back["odd"] == json.loads(json.dumps(odd), parse_int=str)
    # Numbers are the same in double precision, whole ones to the last digit.
    assert [float(number) for number in back["numbers"]] == list(map(float, NUMBERS))
    assert back["numbers"][-3:-1] == NUMBERS[-3:-1]
    assert len(back["numbers"][0]) == 301
    assert back["twice"] == {"a": "2"}
