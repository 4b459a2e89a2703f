"""Pieces of TypeScript: literals, templates of SQL, and names that are free."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

_RESERVED = """
abstract any arguments as asserts async await boolean break case catch class const continue
debugger declare default delete do else enum eval export extends false finally for from function
get if implements import in infer instanceof interface is keyof let module namespace never new
null number object of package private protected public readonly require return set static string
super switch symbol this throw true try type typeof undefined unknown var void while with yield
globalThis Object Array String Number Boolean Date Uint8Array Infinity NaN
Awaited Exclude Extract Map NonNullable Omit Partial Pick Promise Readonly ReadonlyArray Record
Required Set
"""  # JavaScript's words, and globals that the file itself or a type told by the schema may use
_WORDS = frozenset(_RESERVED.split())
"""What a variable of the module must not be called."""


def literal(text: str) -> str:
    """Give a string literal."""
    return json.dumps(text, ensure_ascii=False)


def template(sql: str) -> str:
    """Give drizzle's `sql` template that means exactly this text."""
    safe = sql.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")
    # JavaScript turns a carriage return inside a template into a line feed.
    return "sql`" + safe.replace("\r", "\\r") + "`"


def record(members: Mapping[str, str]) -> str:
    """Give an object literal on one line; the values are TypeScript."""
    return "{ " + ", ".join(f"{key_text(key)}: {value}" for key, value in members.items()) + " }"


def array(items: Iterable[str]) -> str:
    """Give an array literal on one line; the items are TypeScript."""
    return f"[{', '.join(items)}]"


def block(lines: Sequence[str]) -> str:
    """Give lines with a comma behind each, indented by two."""
    return "".join(f"  {line},\n" for line in lines)


def key_text(key: str) -> str:
    """Give a key as it stands in an object literal."""
    if key == "__proto__":
        return '["__proto__"]'  # without the brackets it would set the prototype
    return key if is_identifier(key) else literal(key)


def member(owner: str, key: str) -> str:
    """Give the access to a property."""
    return f"{owner}.{key}" if is_identifier(key) else f"{owner}[{literal(key)}]"


def comment(text: str) -> str:
    """Give a documentation comment with a line feed behind it."""
    lines = text.replace("*/", "*\u200b/").splitlines() or [""]
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"


def is_identifier(text: str) -> bool:
    """Say whether a text can stand as a property name without quotes."""
    return re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$]*", text) is not None


def camel(name: str) -> str:
    """Give a name of PostgreSQL in TypeScript's manner: `user_id` is `userId`.

    What cannot stand in an identifier parts two words; a name that begins with a digit gets `_`.
    """
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    if not words:
        return "_"
    first = words[0]
    first = first.lower() if first.isupper() else first[0].lower() + first[1:]
    joined = first + "".join(word[0].upper() + word[1:] for word in words[1:])
    return f"_{joined}" if joined[0].isdigit() else joined


def pascal(name: str) -> str:
    """Give the name of a type."""
    text = camel(name).lstrip("_")
    return text[:1].upper() + text[1:] or "_"


class Taken:
    """The names of one scope, so that no two things get the same."""

    def __init__(self, names: Iterable[str] = _WORDS) -> None:
        self._names = set(names)

    def give(self, wanted: str, suffix: str) -> str:
        """Give the wanted name, or one with the suffix and a number that is free; it is taken now."""
        found, number = wanted, 1
        while found in self._names:
            found = f"{wanted}{suffix}{number if number > 1 else ''}"
            number += 1
        self._names.add(found)
        return found
