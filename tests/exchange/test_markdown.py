"""A chat as a document: readable, and nothing in it gets out of its place."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from chatkeep import Database, MessageMetadata, NewChat, NewMessage, Source, User
from chatkeep.errors import ConfigError, ExchangeError
from chatkeep.exchange import ExportOptions, export_conversations
from chatkeep.exchange.markdown import document
from chatkeep.exchange.model import Conversation, Node

Write = Callable[[str, object], Path]
AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PARSER = MarkdownIt("commonmark").enable("table")


def chat(*contents: str, title: str = "Title") -> Conversation:
    nodes = [
        Node(str(n), str(n - 1) if n else None, "user", content, created_at=AT)
        for n, content in enumerate(contents)
    ]
    return Conversation("c", title, nodes, created_at=AT)


def headings(text: str) -> list[str]:
    """Those of the document itself, not those inside of messages."""
    tokens = PARSER.parse(text)
    return [
        tokens[place + 1].content
        for place, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0
    ]


def assert_contained(text: str, messages: int) -> None:
    env: dict[str, object] = {}
    tokens = PARSER.parse(text, env)
    inner = [each for token in tokens for each in (token, *(token.children or []))]
    assert not {"html_block", "html_inline"} & {each.type for each in inner}
    assert not env.get("references")
    tops = [token.type for token in tokens if token.level == 0]
    assert tops.count("blockquote_open") == messages
    assert {"fence", "code_block", "hr", "bullet_list_open"} & set(tops) == set()
    assert len(headings(text)) == messages + 1


HOSTILE = [
    "# A heading\n\n## 2. Assistant",
    "```\nnever closed",
    "<!-- never closed",
    "<script>alert(1)</script>",
    "a <b>bold</b> word, <i",
    "<details>\n\n</details>",
    "[Title]: https://example.com",
    "> [Title]: https://example.com",
    "- [Title]:\n  https://example.com",
    "[^1-1]: not a source",
    "see [^1-1]",
    "`code <b>` and \\`<b>`",
    "``a ` <b>``",
    "    indented <b>",
    "a\n---",
    "---",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "\r\n\x0b\x0c\u2028\u2029x",
    "",
    "<https://example.com> & &lt;b&gt;",
    "<?php x ?> <![CDATA[ x ]]> <!X y>",
    "\\<b>\\\\<b>",
    "`" * 7 + "\n<b>\n",
    "~~~\n</blockquote>\n~~~",
]


@pytest.mark.parametrize("content", HOSTILE)
def test_a_message_ends_where_it_ends(content: str):
    # A blank one is left out.
    assert_contained(document(chat("before", content, "after")), 2 + bool(content.strip()))


def test_no_mixture_of_such_contents_gets_out():
    chance = random.Random(5)
    pieces = [*HOSTILE, "\n", "\n\n", " ", "`", "\\", "<", "[", "]", ":", "^", "> ", "- ", "\t"]
    for _ in range(300):
        content = "".join(chance.choices(pieces, k=chance.randint(1, 8)))
        assert_contained(document(chat("before", content, "after")), 2 + bool(content.strip()))


def test_code_is_left_as_it_is():
    code = "Do `a < b` so:\n\n```html\n<b>[^1]</b>\n```\n\n    [x]: <y>"
    text = document(chat(code))
    assert "> Do `a < b` so:" in text
    assert "> <b>[^1]</b>" in text
    assert ">     [x]: <y>" in text


@pytest.mark.parametrize("title", ["# a\n\n<b> *b* [c](d) `e`", " ", "\n[x]: y"])
def test_a_title_is_one_heading(title: str):
    found = headings(document(chat("hello *you*", title=title)))
    assert len(found) == 2
    assert found[1] == "1. User, 2026-11-21 09:30 UTC"


async def test_a_document_has_title_roles_times_and_sources(
    db: Database, user: User, tmp_path: Path
):
    mine = db.as_user(user.id)
    made = await mine.chats.create(NewChat(title="Indexes"))
    sources = [
        Source("Docs *of* it", "https://example.com/a b>", "A <b>snippet</b>"),
        Source("", "https://example.org", ""),
    ]
    question, _ = await mine.messages.append(
        made.id,
        NewMessage(role="user", content="What is an index?"),
        NewMessage(
            role="assistant",
            content="A **sorted** copy.",
            sources=[Source("Docs *of* it", "https://example.com/a%20b", "A <b>snippet</b>")],
            metadata=MessageMetadata(model="gpt-4o"),
        ),
    )
    assert sources
    await mine.messages.append(
        made.id, NewMessage(role="tool", content="", parts={"rows": 1}, parent_id=question.id)
    )
    path = tmp_path / "chat.md"
    await mine.chats.move_head(made.id, (await mine.messages.list(made.id)).items[0].id)
    report = await export_conversations(db, path, "markdown", ExportOptions(chat_id=made.id))
    assert report.conversations == 1
    text = path.read_text(encoding="utf-8")
    assert headings(text)[0] == "Indexes"
    assert "> What is an index?" in text
    assert '>   "rows": 1' in text
    assert "Other branches of this chat, not shown here, have 1 message." in text
    node = Node("1", None, "assistant", "x", sources=sources, created_at=AT)
    text = document(Conversation("c", "t", [node], created_at=AT))
    assert "Sources: [^1-1] [^1-2]" in text
    assert r"[^1-1]: [Docs \*of\* it](<https://example.com/a%20b%3E>): A \<b\>snippet\</b\>" in text
    assert "[^1-2]: [source](<https://example.org>)" in text


async def test_a_document_holds_one_chat_and_no_file_is_written_over(
    db: Database, user: User, tmp_path: Path
):
    with pytest.raises(ConfigError, match="holds one chat"):
        await export_conversations(db, tmp_path / "x", "markdown", ExportOptions(user_id=user.id))
    (tmp_path / "x").write_text("mine")
    made = await db.as_user(user.id).chats.create(NewChat(title="Indexes"))
    await db.as_user(user.id).messages.append(made.id, NewMessage(role="user", content="Q"))
    with pytest.raises(ExchangeError, match="is there already"):
        await export_conversations(db, tmp_path / "x", "markdown", ExportOptions(chat_id=made.id))
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
