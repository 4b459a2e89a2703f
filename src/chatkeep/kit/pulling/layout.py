"""Python source, laid out so that a formatter finds nothing to do at 88 columns or more."""

from collections.abc import Iterable
from dataclasses import dataclass

WIDTH = 88  # ruff's and Black's own; a wider setting keeps calls that end with a comma


@dataclass(frozen=True, slots=True)
class Call:
    """A call, or a tuple where `name` is empty: `name(items…)`.

    Attributes:
        items: Each an expression as text, a call, or a keyword with either.
        open: Always one item a line.
    """

    name: str
    items: tuple["Item", ...]
    open: bool = False


@dataclass(frozen=True, slots=True)
class Keyword:
    """`name=value` in a call."""

    name: str
    value: "str | Call"


Item = str | Call | Keyword


def source(item: Item, *, before: str = "", after: str = "", indent: int = 0) -> str:
    """Give the source of an expression on one line, or one item a line where it is too long.

    Args:
        item: The expression.
        before: What stands before it on its first line, such as `users = `.
        after: What stands behind it on its last line.
        indent: Spaces before the first line.
    """
    if isinstance(item, Keyword):
        return source(item.value, before=f"{before}{item.name}=", after=after, indent=indent)
    space = " " * indent
    flat = _flat(item)
    line = f"{space}{before}{flat}{after}"
    if isinstance(item, str) or ("\n" not in flat and len(line) <= WIDTH and not item.open):
        return line
    inside = [source(each, after=",", indent=indent + 4) for each in item.items]
    return "\n".join([f"{space}{before}{item.name}(", *inside, f"{space}){after}"])


def _flat(item: Item) -> str:
    match item:
        case Keyword(name, value):
            return f"{name}={_flat(value)}"
        case Call(name, items):
            inside = ", ".join(map(_flat, items))
            return f"{name}({inside},)" if not name and len(items) == 1 else f"{name}({inside})"
        case _:
            return item


_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def text(value: str) -> str:
    """Give a string literal with the quotes that a formatter prefers."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    body = "".join(_character(mark, quote) for mark in value)
    return f"{quote}{body}{quote}"


def block(value: str) -> str:
    """Give a string literal of several lines where the value has them."""
    if "\n" not in value:
        return text(value)
    body = "".join(mark if mark == "\n" else _character(mark, "") for mark in value)
    lines = [_visible_end(line) for line in body.replace('"""', '\\"\\"\\"').split("\n")]
    whole = "\n".join(lines)
    if whole.endswith('"'):
        whole = whole[:-1] + '\\"'
    return f'"""{whole}"""'


def _visible_end(line: str) -> str:
    """Keep a space at a line's end from being taken away."""
    return line[:-1] + "\\x20" if line.endswith(" ") else line


def _character(mark: str, quote: str) -> str:
    if mark == quote:
        return "\\" + mark
    if mark in _ESCAPES:
        return _ESCAPES[mark]
    if mark.isprintable():
        return mark
    code = ord(mark)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def texts(values: Iterable[str]) -> str:
    """Give a list of string literals on one line."""
    return f"[{', '.join(map(text, values))}]"
