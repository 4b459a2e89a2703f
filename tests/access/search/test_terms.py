"""What somebody types is read into terms: sensibly, or refused with one clear error."""

import random

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep import InvalidInputError
from chatkeep.access.search_folding import is_separator
from chatkeep.access.search_terms import MAX_QUERY, MAX_TERMS, read_query


def read(query: str) -> tuple[list[str], list[str]]:
    terms = read_query(query)
    patterns = ([term.pattern for term in part] for part in (terms.wanted, terms.excluded))
    wanted, excluded = patterns
    return wanted, excluded


@pytest.mark.parametrize(
    ("query", "wanted", "excluded"),
    [
        ("postgres index", ["% postgres %", "% index %"], []),
        ("  Postgres\n\tINDEX ", ["% postgres %", "% index %"], []),
        ('"postgres index"', ["% postgres index %"], []),
        ("“postgres index” «x y»", ["% postgres index %", "% x y %"], []),
        ('"not closed', ["% not closed %"], []),
        ("post*", ["% post%"], []),
        ('"of the un*"', ["% of the un%"], []),
        ('a -b -"c d" -e*', ["% a %"], ["% b %", "% c d %", "% e%"]),
        ("-b a", ["% a %"], ["% b %"]),
        ("a - b -- c", ["% a %", "% b %", "% c %"], []),
        ("state-of-the-art", ["% state of the art %"], []),
        ("foo.bar(snake_case)", ["% foo bar snake case %"], []),
        ("C++ C#", ["% c %"], []),
        ("AND or NOT & | ! <->", ["% and %", "% or %", "% not %"], []),
        ("100% \\ ' _", ["% 100 %"], []),
        ("Straße CAFÉ", ["% strasse %", "% cafe %"], []),
        ("数据库 查询", ["%数据库%", "%查询%"], []),
        ("雨", ["%雨%"], []),
        ("数据*", ["%数据%"], []),
        ("PostgreSQL查询", ["% postgresql 查询%"], []),
        ("查询PostgreSQL", ["%查询 postgresql %"], []),
        ("👍🏽", ["%👍🏽%"], []),
        ("x" * 70, [f"% {'x' * 64}%"], []),
        ("twice twice", ["% twice %"], []),
    ],
)
def test_a_query_is_read(query: str, wanted: list[str], excluded: list[str]) -> None:
    assert read(query)[0] == list(dict.fromkeys(wanted))
    assert read(query)[1] == excluded


@pytest.mark.parametrize(
    "query",
    [
        *(
            "",
            " ",
            "\n",
            "-",
            "- -",
            '"',
            '""',
            "!!!",
            "*",
            "-word",
            '-"a b"',
            "…",
            "\u200d",
            "\ufe0f",
        ),
        "x" * (MAX_QUERY + 1),
        " ".join(f"w{n}" for n in range(MAX_TERMS + 1)),
        "a\0b",
        "a\ud800",
        None,
        5,
        b"bytes",
        ["list"],
    ],
    ids=str,
)
def test_what_cannot_be_searched_for_is_refused(query: object) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_query(query)
    assert refused.value.field == "query"
    assert str(query) not in str(refused.value) or len(str(query)) < 5


def test_the_index_is_asked_for_pairs_words_and_beginnings() -> None:
    terms = read_query('word pre* 中文测试 雨 "a b" -no -中文 -"x y"')
    key = "C/6T"
    assert terms.tsquery("u").replace(key, "") == (
        "'word' & 'pre':* & '中文' & '文测' & '测试' & '雨':* & 'a' & 'b' & !'no' & !'中文'"
    )
    assert terms.checks() == (["%中文测试%", "% a b %"], ["% x y %"])


def test_every_character_that_is_a_term_alone_can_be_counted() -> None:
    """A mark that separates may be a letter when it is decomposed; the rank divides by its bytes."""
    alone: list[str] = []
    for character in filter(is_separator, map(chr, range(1, 0x110000))):
        try:
            (term,) = read_query(character).wanted
        except (InvalidInputError, ValueError):
            continue
        assert term.typed, hex(ord(character))
        alone.append(character)
    assert {"①", "Ⓐ", "₨"} <= set(alone)


anything = st.text(max_size=60) | st.text(
    alphabet=st.sampled_from(list("ab 中文อ👍\"“”*-'\\:&|!<>()%_\t\u0301\u200d")), max_size=60
)


@given(anything)
def test_any_text_is_read_or_refused(query: str) -> None:
    try:
        terms = read_query(query)
    except InvalidInputError:
        return
    assert terms.wanted
    for term in (*terms.wanted, *terms.excluded):
        assert all(token.text for token in term.tokens)
        assert term.typed


async def test_postgresql_takes_whatever_is_read(connection: asyncpg.Connection) -> None:
    chances = random.Random(2)
    letters = "ab 中文อ👍\"“”*-'\\:&|!<>()%_\t\u0301\u200déßØﷺ゙ﾞ"
    queries: list[str] = []
    while len(queries) < 2000:
        text = "".join(chances.choices(letters, k=chances.randint(1, 40)))
        try:
            queries.append(read_query(text).tsquery("it's \\ me"))
        except InvalidInputError:
            continue
    empty = await connection.fetchval(
        "SELECT count(*) FROM unnest($1::text[]) AS q WHERE numnode(q::tsquery) = 0", queries
    )
    assert empty == 0
