"""By which expression a change of a column's type makes the new values."""

from collections.abc import Iterator, Sequence

from chatkeep.kit.folder.tokens import Token
from chatkeep.kit.review.steps import Statement


def using_expression(statement: Statement, column: str) -> str | None:
    """Give the text behind USING for a column; None where the statement says none."""
    for action in _actions(statement.code):
        words = [token.text.upper() for token in action]
        if "USING" not in words or not _is_about(action, column):
            continue
        at = words.index("USING")
        first, last = action[at + 1], action[-1]
        start = statement.code[0].start
        return statement.sql[first.start - start : last.end - start]
    return None


def is_plain_cast(expression: str, column: str) -> bool:
    """Say whether an expression is nothing but the column cast to types."""
    head, *casts = expression.split("::")
    bare = head.strip().strip("()").strip().strip('"')
    return (
        bool(casts)
        and bare.lower() == column.lower()
        and not any("(" in c and "'" in c for c in casts)
    )


def _actions(code: Sequence[Token]) -> Iterator[list[Token]]:
    """Give what stands between the commas of an ALTER TABLE."""
    depth, action = 0, list[Token]()
    for token in code:
        if token.text == "," and depth == 0:
            yield action
            action = []
            continue
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        action.append(token)
    if action:
        yield action


def _is_about(action: Sequence[Token], column: str) -> bool:
    words = [token.text for token in action]
    upper = [word.upper() for word in words]
    places = [at for at, word in enumerate(upper) if word == "ALTER"]
    at = places[-1] + 1
    at += upper[at : at + 1] == ["COLUMN"]
    name = words[at] if at < len(words) else ""
    found = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
    return found == column
