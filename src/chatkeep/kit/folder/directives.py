"""What a migration file says to chatkeep: `-- chatkeep:<word> …` on a line of its own.

Every other tool reads such a line as a comment.
"""

import re
from dataclasses import dataclass

from chatkeep.kit.folder.tokens import tokens

_SIGN = "chatkeep:"
_LINE = re.compile(
    r"--[ \t]*chatkeep:(?P<word>[a-z][a-z-]*)(?:[ \t]+(?P<arguments>.*))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Directive:
    """One line of a file that is meant for chatkeep.

    Attributes:
        word: What is said, such as `no-transaction`.
        arguments: The rest of the line, without spaces around it; "" when there is none.
        line: Where it stands in the text, from 1.
    """

    word: str
    arguments: str
    line: int


def directives(sql: str) -> tuple[Directive, ...]:
    """Give the directives of a text in their order.

    A line inside a literal, a function's body or a block comment is none, and neither is one that
    stands behind a statement on its line.
    """
    if _SIGN not in sql:
        return ()
    text = sql.removeprefix("\ufeff")
    found: list[Directive] = []
    for token in tokens(text):
        if token.kind != "note":
            continue
        match = _LINE.fullmatch(token.text.rstrip())
        if match is None or text[text.rfind("\n", 0, token.start) + 1 : token.start].strip():
            continue
        line = text.count("\n", 0, token.start) + 1
        found.append(Directive(match["word"], (match["arguments"] or "").strip(), line))
    return tuple(found)
