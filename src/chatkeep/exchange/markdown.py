"""One chat as a document to read: title, roles, times, sources as footnotes. Export only.

Each message is a quotation, so that whatever it is made of ends with it. What reaches further, HTML,
definitions of links and footnotes, is escaped; the result is parsed, and a message that reaches out
of its place all the same is shown as plain text.
"""

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from typing import IO, Any

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token

from chatkeep.errors import ExchangeError
from chatkeep.exchange.checking import shown_title
from chatkeep.exchange.files import created
from chatkeep.exchange.model import Conversation, Format, Node, Options, Written
from chatkeep.exchange.thread import said, shown
from chatkeep.records.deepsearch import Source

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~&$^])")
_CODE_SPAN = re.compile(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_REACHES = re.compile(r"<|\[\^|^( {0,3}(?:> ?|[-*+] +|\d+[.)] +)*)\[", re.MULTILINE)
_FOOTNOTE = re.compile(r"(?<!\\)\[\^")

_parser = MarkdownIt("commonmark").enable("table")


def document(conversation: Conversation) -> str:
    """Give the document: the thread that the chat shows, without messages that are hidden or blank.

    It ends with how many messages other branches have.
    """
    path = said(conversation)
    lines = [f"# {_inline(shown_title(conversation)) or 'Chat'}", ""]
    if conversation.created_at is not None:
        lines += [f"{conversation.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC", ""]
    for number, node in enumerate(path, 1):
        lines += [*_message(number, node), ""]
    others = len(conversation.nodes) - len(shown(conversation))
    if others:
        them = "1 message" if others == 1 else f"{others} messages"
        lines += [f"Other branches of this chat, not shown here, have {them}.", ""]
    return "\n".join(lines)


def _message(number: int, node: Node) -> Iterator[str]:
    facts = [node.role.capitalize()]
    if node.created_at is not None:
        facts.append(f"{node.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    if node.metadata is not None and node.metadata.model:
        facts.append(_inline(node.metadata.model))
    if node.status != "complete":
        facts.append(node.status)
    yield f"## {number}. {', '.join(facts)}"
    yield ""
    yield from _quoted(node.content if node.content or node.parts is None else _json(node.parts))
    sources = node.sources or []
    if sources:
        yield ""
        yield "Sources: " + " ".join(f"[^{number}-{place}]" for place in range(1, len(sources) + 1))
        for place, source in enumerate(sources, 1):
            yield ""
            yield f"[^{number}-{place}]: {_source(source)}"


def _source(source: Source) -> str:
    url = re.sub(r"[\s<>\\]", lambda found: f"%{ord(found[0]):02X}", source.url)
    said = f": {_inline(source.snippet)}" if source.snippet else ""
    return f"[{_inline(source.title) or 'source'}](<{url}>){said}"


def _inline(text: str) -> str:
    """Write a text as one line in which nothing has a meaning."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _json(parts: object) -> str:
    text = msgspec.json.format(msgspec.json.encode(parts), indent=2).decode()
    return f"```json\n{text}\n```" if "```" not in text else text


def _quoted(content: str) -> Iterator[str]:
    lines = _escaped(content.splitlines() or [""])
    quotation = [f"> {line}".rstrip() for line in lines]
    if not _stays(quotation):
        fence = "`" * (max([2, *map(len, re.findall("`+", content))]) + 1)
        quotation = [f"> {line}" for line in (fence, *content.splitlines(), fence)]
    yield from quotation


def _escaped(lines: Sequence[str]) -> list[str]:
    """Escape what reaches out of a message, but leave code as it is."""
    code: set[int] = set()
    for token in _parser.parse("\n".join(lines)):
        if token.type in ("fence", "code_block") and token.map is not None:
            code.update(range(*token.map))
    return [line if n in code else _line(line) for n, line in enumerate(lines)]


def _line(line: str) -> str:
    done: list[str] = []
    at = 0
    for span in _CODE_SPAN.finditer(line):
        done += [_REACHES.sub(_escape, line[at : span.start()]), span[0]]
        at = span.end()
    return "".join([*done, _REACHES.sub(_escape, line[at:])])


def _escape(found: re.Match[str]) -> str:
    """Put a backslash before the bracket that would begin something."""
    return f"{found[0][:-1]}\\{found[0][-1]}" if found[0] != "[^" else "\\[^"


def _stays(quotation: Sequence[str]) -> bool:
    """Tell whether the text is one quotation and nothing else, without HTML or definitions."""
    env: dict[str, Any] = {}
    tokens = _parser.parse("\n".join(quotation), env)
    kinds = {each.type for token in tokens for each in (token, *(token.children or []))}
    tops = [token.type for token in tokens if token.level == 0]
    return (
        tops == ["blockquote_open", "blockquote_close"]
        and not kinds & {"html_block", "html_inline"}
        and not env.get("references")
        and not _has_footnote(tokens)
    )


def _has_footnote(tokens: Sequence[Token]) -> bool:
    """Tell whether the text that is no code has what readers of footnotes take for one."""
    lines = [token.content for token in tokens if token.type == "inline"]
    return any(_FOOTNOTE.search(_CODE_SPAN.sub("", line)) for line in lines)


class _Writer:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._is_written = False

    async def write(self, conversation: Conversation) -> Written:
        """Write the document.

        Raises:
            ExchangeError: It has one already.
        """
        if self._is_written:
            raise ExchangeError("A Markdown document holds one chat.", hint="Name it: `--chat ID`.")
        self._stream.write(document(conversation).encode("utf-8", "replace"))
        self._is_written = True
        thread = len(said(conversation))
        return Written(thread, len(conversation.nodes) - thread)


@asynccontextmanager
async def _create(target: str, _options: Options) -> AsyncGenerator[_Writer]:
    with created(target, "chat.md") as stream:
        yield _Writer(stream)


FORMAT = Format("markdown", writer=_create, holds="one")
