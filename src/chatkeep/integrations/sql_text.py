"""SQL without the values that somebody wrote into its text."""

import re
from functools import lru_cache

# In PostgreSQL's lexical order. What stands in a group called `kept` stays as it is; a comment goes;
# everything else is a literal.
_TOKEN = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*\*/ )                    # greedy: comments nest
    | (?P<kept> "(?:[^"]|"")*" | \$\d+ )                  # quoted names and parameters
    | [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)                     # text with escapes
    | (?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|\Z)            # text, bits, bytes
    | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)  # dollar-quoted text
    | (?P<word> [^\W\d][\w$]* )                           # keywords and names, digits included
    | 0[xXoObB][\da-fA-F_]+
    | (?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=1000)
def without_literals(sql: str) -> str:
    """Give the SQL with `?` for every text and number in it; `$1` and the names stay."""
    return _TOKEN.sub(_shown, sql).strip()


def _shown(match: re.Match[str]) -> str:
    if match["kept"] or match["word"]:
        return match[0]
    return " " if match["comment"] else "?"
