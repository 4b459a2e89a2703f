"""JSON as Node writes it, so that a file that we rewrite differs only where it changed."""

import json
import math

# An object key that JavaScript takes for an array index; such keys come first, in numeric order.
_MAX_INDEX = 2**32 - 2


def dumps(value: object) -> str:
    """Give the text of `JSON.stringify(value, null, 2)`: no trailing newline.

    Raises:
        TypeError: The value holds something that JSON does not have.
    """
    return _write(value, "\n")


def _write(value: object, line: str) -> str:
    match value:
        case None | bool() | str() | int():
            return json.dumps(value, ensure_ascii=False)
        case float():
            return _number(value)
        case dict():
            members = [
                f"{json.dumps(str(key), ensure_ascii=False)}: {_write(item, line + '  ')}"
                for key, item in sorted(value.items(), key=_place)
            ]
            return _block("{", members, "}", line)
        case list() | tuple():
            return _block("[", [_write(item, line + "  ") for item in value], "]", line)
        case _:
            raise TypeError(f"JSON has no {type(value).__name__}")


def _block(opening: str, members: list[str], closing: str, line: str) -> str:
    if not members:
        return opening + closing
    inner = line + "  "
    return opening + inner + f",{inner}".join(members) + line + closing


def _place(member: tuple[object, object]) -> tuple[int, int]:
    key = str(member[0])
    canonical = key.isascii() and key.isdecimal() and (key == "0" or key[0] != "0")
    if canonical and int(key) <= _MAX_INDEX:
        return (0, int(key))
    return (1, 0)  # sorted() is stable: the others keep their order


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "null"
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    power = int(exponent)
    if -7 < power < 0:  # JavaScript turns to exponents only below 1e-6
        return f"{value:.{len(mantissa.replace('.', '').lstrip('-')) - 1 - power}f}"
    return f"{mantissa}e{power:+d}"
