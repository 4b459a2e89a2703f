"""Column types: PostgreSQL's, as drizzle spells them, to drizzle's builders."""

import re
from dataclasses import dataclass, field

from chatkeep.kit.drizzle.text import literal

_SAME = (
    "boolean char cidr date inet integer interval json jsonb line macaddr macaddr8 numeric"
    " point real serial smallint smallserial text time timestamp uuid varchar"
)
_PLAIN = {"double precision": "doublePrecision", **{name: name for name in _SAME.split()}}
_SIZED = re.compile(r"(varchar|char|bit|vector|halfvec|sparsevec)\((\d+)\)")
_NUMERIC = re.compile(r"numeric\((\d+)(?:, ?(-?\d+))?\)")
_CLOCK = re.compile(r"(time|timestamp)(?: ?\((\d)\))?( with time zone)?")
_INTERVAL = re.compile(r"interval(?: ([a-z ]+?))?(?:\((\d)\))?")
_BIG = {"bigint", "bigserial"}

TEXTUAL = frozenset({"text", "varchar", "char", "uuid", "numeric"})
"""Builders whose values, and so their defaults, are strings."""


@dataclass(frozen=True, slots=True)
class Builder:
    """A call that makes a column: `varchar("name", { length: 20 })`.

    Attributes:
        options: The second argument's members, in TypeScript.
    """

    function: str
    options: dict[str, str] = field(default_factory=dict[str, str])


def builder(type_: str, told: str | None) -> Builder | None:
    """Give drizzle's own builder of a type without brackets; None where drizzle has none.

    Args:
        type_: As drizzle's snapshot spells it.
        told: TypeScript type that the schema wants; decides on drizzle's `mode`.
    """
    return _with_mode(type_, told) or _plain(type_) or _numeric(type_) or _interval(type_)


def _plain(type_: str) -> Builder | None:
    if type_ in _PLAIN:
        return Builder(_PLAIN[type_])
    if match := _SIZED.fullmatch(type_):
        name, size = match.groups()
        return Builder(name, {"length" if name.endswith("char") else "dimensions": size})
    return None


def _numeric(type_: str) -> Builder | None:
    if (match := _NUMERIC.fullmatch(type_)) is None:
        return None
    precision, scale = match.groups()
    return Builder("numeric", {"precision": precision, **({"scale": scale} if scale else {})})


def _interval(type_: str) -> Builder | None:
    match = _INTERVAL.fullmatch(type_)
    if match is None or match.group(2) == "0":  # drizzle takes 0 for none
        return None
    fields, precision = match.groups()
    options = {"fields": literal(fields)} if fields else {}
    return Builder("interval", {**options, **({"precision": precision} if precision else {})})


def _with_mode(type_: str, told: str | None) -> Builder | None:
    if type_ in _BIG:
        return Builder(type_, {"mode": literal("bigint" if told == "bigint" else "number")})
    if type_ == "date" and told == "Date":
        return Builder("date", {"mode": literal("date")})
    if (match := _CLOCK.fullmatch(type_)) is None:
        return None
    name, precision, zone = match.groups()
    options: dict[str, str] = {}
    if name == "timestamp":
        options["mode"] = literal("string" if told == "string" else "date")
    if precision is not None:
        options["precision"] = precision
    if zone:
        options["withTimezone"] = "true"
    return Builder(name, options)


def settles_mode(type_: str, told: str) -> bool:
    """Say whether the wanted TypeScript type is one of drizzle's modes, so that no `$type` is due."""
    if type_ in _BIG:
        return told in {"number", "bigint"}
    return (type_.startswith("timestamp") or type_ == "date") and told in {"Date", "string"}


def data_of(type_: str) -> str:
    """Give the TypeScript type of values of a type that drizzle has no builder for."""
    base = type_.removesuffix("[]")
    if base in {"smallint", "integer", "real", "double precision", "oid", "bigint"}:
        found = "number"
    elif base == "boolean":
        found = "boolean"
    elif base == "bytea":
        found = "Uint8Array"
    elif base in {"json", "jsonb"}:
        found = "unknown"
    else:
        found = "string"  # what both drivers give for a type that they do not know
    return found + "[]" * type_.endswith("[]")


def split_array(type_: str) -> tuple[str, int]:
    """Part a type from its brackets, and count them."""
    base = re.sub(r"(\[\])+\Z", "", type_)
    return base, (len(type_) - len(base)) // 2
