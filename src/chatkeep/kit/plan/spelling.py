"""Names in SQL that PostgreSQL printed, spelled as it prints them after a rename.

It prints every name with its schema, since the facts are read with an empty search path. The
bodies of functions are texts of their owner: nothing in them follows a rename, here or there.
"""

from collections.abc import Callable
from typing import NamedTuple

from chatkeep.kit.plan.quoting import literal, plain, printed, tokens_of


class Around(NamedTuple):
    """What stands around a name.

    Attributes:
        before: The word or sign before it, spaces apart; empty at the start.
        after: What follows at once; empty at the end.
        then: What follows that.
        inside: `regclass`, `regtype` and so on, where the name is a constant; else empty.
    """

    before: str
    after: str
    then: str
    inside: str


Fits = Callable[[Around], bool]
"""Says whether it is the name that changes, or only looks like it."""


def respell(text: str, old: tuple[str, ...], new: tuple[str, ...], fits: Fits) -> str:
    """Put the new name where the old one is meant."""
    if not all(part in text for part in old):
        return text
    return _respell(tokens_of(text), old, new, fits)


def _respell(
    tokens: list[str], old: tuple[str, ...], new: tuple[str, ...], fits: Fits, inside: str = ""
) -> str:
    length = 2 * len(old) - 1
    out: list[str] = []
    before, at = "", 0
    while at < len(tokens):
        token, end = tokens[at], at + length
        after, then = [*tokens[end : end + 2], "", ""][:2]
        around = Around(before, after, then, inside)
        if _is_dotted(tokens[at:end], old) and fits(around):
            token = ".".join(printed(part) for part in new)
            at = end - 1
        elif token.startswith("'") and (type_ := _registered(tokens[at + 1 : at + 4])):
            content = tokens_of(token[1:-1].replace("''", "'"))
            token = literal(_respell(content, old, new, fits, type_))
        out.append(token)
        before = before if token.isspace() else token
        at += 1
    return "".join(out)


def _is_dotted(window: list[str], name: tuple[str, ...]) -> bool:
    between = all(mark == "." for mark in window[1::2])
    return between and [plain(token) for token in window[::2]] == list(name)


def _registered(tokens: list[str]) -> str:
    """Give the type of a constant that follows a rename, such as `regclass`; else nothing."""
    is_cast = tokens[:2] == [":", ":"] and len(tokens) == 3
    return tokens[2] if is_cast and tokens[2].startswith("reg") else ""


def is_place(around: Around) -> bool:
    """Say whether a relation or type is meant, and not a function."""
    if around.before == ".":
        return False
    if around.inside:
        known = around.inside in ("regclass", "regtype", "regprocedure")
        return known and around.after != "("
    return around.after != "(" or around.before.upper() == "REFERENCES"


def is_function(around: Around) -> bool:
    """Say whether a function is meant, and not a relation or type."""
    if around.before == ".":
        return False
    if around.inside:
        signed = around.inside == "regprocedure" and around.after == "("
        return around.inside == "regproc" or signed
    return around.after == "(" and around.before.upper() != "REFERENCES"


def is_constant(around: Around) -> bool:
    """Say whether a sequence is meant, which expressions name in constants only."""
    return around.inside == "regclass" and around.before != "."


def is_qualifier(around: Around) -> bool:
    """Say whether the name of a relation stands before a column's, without its schema."""
    return around.after == "." and around.before != "." and not around.inside
