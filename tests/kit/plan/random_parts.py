"""Pieces of random schemas: types, sequences, functions, defaults, comments."""

from random import Random

INTEGERS = ("smallint", "integer", "bigint")
_TYPES = (
    "text",
    "text",
    "varchar(20)",
    "integer",
    "bigint",
    "boolean",
    "timestamptz",
    "timestamp",
    "numeric(10,2)",
    "jsonb",
    "uuid",
    "text[]",
)
DEFAULTS = {
    "text": "'x'",
    "varchar(20)": "'x'",
    "smallint": "3",
    "integer": "1",
    "bigint": "2",
    "boolean": "false",
    "timestamptz": "now()",
    "timestamp": "now()",
    "numeric(10,2)": "1.5",
    "jsonb": "'{}'",
    "uuid": "gen_random_uuid()",
    "text[]": "'{}'",
    "posint": "7",
    "label": "'l'",
    "pair": "row(1, 'y')::pair",
    "mood[]": "'{a}'",
}
CHECKS = {
    "text": "{c} <> ''",
    "varchar(20)": "{c} in ('a', 'b')",
    "integer": "{c} > 0",
    "bigint": "{c} between 1 and 9",
}


def plain_type(rng: Random, types: list[str]) -> str:
    """A type of PostgreSQL's, or one of those made."""
    return rng.choice(types) if types and rng.random() < 0.35 else rng.choice(_TYPES)


def literal_default(kind: str) -> str:
    """A default for a type that only this schema has."""
    return f"'a'::{kind}"


def sequence_words(rng: Random) -> str:
    """Options of an identity, or none."""
    if rng.random() < 0.6:
        return ""
    words = [
        f"increment {rng.choice([1, 5])}",
        f"start {rng.choice([1, 10])}",
        rng.choice(["cycle", "no cycle"]),
        f"cache {rng.choice([1, 4])}",
    ]
    return f" ({' '.join(word for word in words if rng.random() < 0.6)})".replace(" ()", "")


def free_objects(rng: Random) -> tuple[list[str], list[str]]:
    """Schemas, types, sequences and functions; and which types columns may have."""
    out, types = ["create schema app;"], list[str]()
    for name in ("mood", "role"):
        if rng.random() < 0.6:
            labels = ["a", *(label for label in "bcd" if rng.random() < 0.6)]
            rng.shuffle(labels)
            out.append(f"create type {name} as enum ({', '.join(map(repr, labels))});")
            types += [name, f"{name}[]"] if name == "mood" else [name]
    if rng.random() < 0.5:
        base = rng.choice(["integer", "bigint"])
        least = rng.choice([0, 1])
        out.append(f"create domain posint as {base} constraint positive check (value > {least});")
        types.append("posint")
    if rng.random() < 0.4:
        words = rng.choice(["", " not null", " default 'l'"])
        out.append(f"create domain label as text{words};")
        types.append("label")
    if rng.random() < 0.4:
        more = rng.choice(["", ", z boolean"])
        kind = rng.choice(["integer", "bigint"])
        out.append(f"create type pair as (x {kind}, y text{more});")
        if not more:
            types.append("pair")
    if rng.random() < 0.3:
        out.append("create type span as range (subtype = integer);")
        types.append("span")
        out[-1] += " comment on type span is 'span';" if rng.random() < 0.5 else ""
    if rng.random() < 0.5:
        words = sequence_words(rng).strip(" ()")
        out.append(f"create sequence counter {words};")
    out += _functions(rng)
    return out, [t for t in types if t != "span"]


def _functions(rng: Random) -> list[str]:
    tail = rng.choice(["", "::text"])
    out = [
        f"create function low(x text) returns text immutable language sql as 'select lower(x){tail}';",
        f"create function touch() returns trigger language plpgsql as '{_touch(rng)}';",
    ]
    if rng.random() < 0.5:
        result = rng.choice(["integer", "bigint"])
        default = rng.choice(["", " default 1"])
        out.append(
            f"create function twice(x integer{default}) returns {result} language sql as 'select (x * 2)::{result}';"
        )
        if rng.random() < 0.5:
            out.append(
                "create function atwice(x integer) returns text language sql as 'select twice(x)::text';"
            )
    if rng.random() < 0.3:
        out.append("create procedure work() language plpgsql as 'begin commit; end';")
    return out


def _touch(rng: Random) -> str:
    return f"begin {rng.choice(['', 'perform 1;'])} return new; end"


def comments(rng: Random, table: str, columns: list[str]) -> list[str]:
    """Comments on a table and some of its columns."""
    out: list[str] = []
    if rng.random() < 0.3:
        out.append(f"comment on table {table} is '{rng.choice(['one', 'two'])}';")
    said = [column for column in columns if rng.random() < 0.12]
    out += [f"comment on column {table}.\"{c}\" is '{rng.choice(['x', 'its'])}';" for c in said]
    return out
