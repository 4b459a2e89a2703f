"""Names and texts as SQL, and names as PostgreSQL itself prints them."""

import re

_BARE = re.compile(r"[a-z_][a-z0-9_$]*\Z")

_KEYWORDS = frozenset(
    [
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "asymmetric",
        "authorization",
        "between",
        "bigint",
        "binary",
        "bit",
        "boolean",
        "both",
        "case",
        "cast",
        "char",
        "character",
        "check",
        "coalesce",
        "collate",
        "collation",
        "column",
        "concurrently",
        "constraint",
        "create",
        "cross",
        "current_catalog",
        "current_date",
        "current_role",
        "current_schema",
        "current_time",
        "current_timestamp",
        "current_user",
        "dec",
        "decimal",
        "default",
        "deferrable",
        "desc",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "exists",
        "extract",
        "false",
        "fetch",
        "float",
        "for",
        "foreign",
        "freeze",
        "from",
        "full",
        "grant",
        "greatest",
        "group",
        "grouping",
        "having",
        "ilike",
        "in",
        "initially",
        "inner",
        "inout",
        "int",
        "integer",
        "intersect",
        "interval",
        "into",
        "is",
        "isnull",
        "join",
        "json_array",
        "json_arrayagg",
        "json_exists",
        "json_object",
        "json_objectagg",
        "json_query",
        "json_scalar",
        "json_serialize",
        "json_table",
        "json_value",
        "lateral",
        "leading",
        "least",
        "left",
        "like",
        "limit",
        "localtime",
        "localtimestamp",
        "merge_action",
        "national",
        "natural",
        "nchar",
        "none",
        "normalize",
        "not",
        "notnull",
        "null",
        "nullif",
        "numeric",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "out",
        "outer",
        "overlaps",
        "overlay",
        "placing",
        "position",
        "precision",
        "primary",
        "real",
        "references",
        "returning",
        "right",
        "row",
        "select",
        "session_user",
        "setof",
        "similar",
        "smallint",
        "some",
        "substring",
        "symmetric",
        "system_user",
        "table",
        "tablesample",
        "then",
        "time",
        "timestamp",
        "to",
        "trailing",
        "treat",
        "trim",
        "true",
        "union",
        "unique",
        "user",
        "using",
        "values",
        "varchar",
        "variadic",
        "verbose",
        "when",
        "where",
        "window",
        "with",
        "xmlattributes",
        "xmlconcat",
        "xmlelement",
        "xmlexists",
        "xmlforest",
        "xmlnamespaces",
        "xmlparse",
        "xmlpi",
        "xmlroot",
        "xmlserialize",
        "xmltable",
    ]
)
"""Words that PostgreSQL quotes when it prints them as names; a version may know fewer."""

_TOKEN = re.compile(
    r"""'(?:[^']|'')*'|\$((?:[A-Za-z_]\w*)?)\$.*?\$\1\$|"(?:[^"]|"")*"|"""
    r"""[A-Za-z_\x80-\U0010ffff][\w$]*|\s+|.""",
    re.DOTALL,
)


def ident(*parts: str) -> str:
    """Quote a name, dots between its parts."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: str) -> str:
    """Quote a text; assumes standard_conforming_strings, PostgreSQL's default."""
    return "'" + text.replace("'", "''") + "'"


def printed(name: str) -> str:
    """Give a name as PostgreSQL prints it: quoted only where it must be."""
    return name if _BARE.match(name) and name not in _KEYWORDS else ident(name)


def tokens_of(text: str) -> list[str]:
    """Cut SQL into names, literals (bodies between dollars too), spaces and single signs."""
    return [found.group() for found in _TOKEN.finditer(text)]


def replace_name(text: str, old: tuple[str, ...], new: tuple[str, ...]) -> str:
    """Put another name for a dotted one in a printed expression; literals stay as they are."""
    tokens = tokens_of(text)
    length = 2 * len(old) - 1
    out: list[str] = []
    at = 0
    while at < len(tokens):
        window = tokens[at : at + length]
        dotted = [plain(token) for token in window[::2]] == list(old)
        between = all(mark == "." for mark in window[1::2])
        called = tokens[at + length : at + length + 1] == ["("] and len(old) == 1
        if len(window) == length and dotted and between and not called:
            out.append(".".join(printed(part) for part in new))
            at += length
        else:
            out.append(tokens[at])
            at += 1
    return "".join(out)


def plain(token: str) -> str:
    """Give a name without its quotes."""
    if token.startswith('"'):
        return token[1:-1].replace('""', '"')
    return token
