# ruff: noqa: RUF001 - letters of other scripts are meant
"""Snippets: a bounded part of the original around the hit, and where exactly the hits are."""

import os
import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chatkeep import Found, InvalidInputError
from chatkeep.access.search_folding import fold, folded, joins
from chatkeep.access.search_forms import locator, sieves
from chatkeep.access.search_queries import PIECE
from chatkeep.access.search_snippets import MAX_LENGTH, snippet_of
from chatkeep.access.search_terms import _TOKEN, read_query

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONG = "word " * 200


def shown(text: str, query: str, piece_from: int = 0) -> str:
    found = snippet_of(text, piece_from, read_query(query).wanted)
    record = Found("c", "t", None, None, NOW, found.text, found.highlights, 0.0)
    return record.marked("[", "]")


def test_hits_are_exact_in_the_original() -> None:
    assert shown("Das CAFÉ, die Straße; Cafe\u0301.", "cafe strasse") == (
        "Das [CAFÉ], die [Straße]; [Cafe\u0301]."
    )
    assert shown("ﾃﾞｰﾀﾍﾞｰｽ設計", "データベース") == "[ﾃﾞｰﾀﾍﾞｰｽ]設計"
    assert shown("하\u1102\u1161 서울", "서울") == "하\u1102\u1161 [서울]"
    assert shown("I ❤️ SQL", "❤") == "I [❤️] SQL"
    assert shown("ﷺ x", "x") == "ﷺ [x]"


def test_whole_words_are_hits_and_beginnings_where_asked() -> None:
    text = "post posting compost post-office"
    assert shown(text, "post") == "[post] posting compost [post]-office"
    assert shown(text, "post*") == "[post] [posting] compost [post]-office"
    assert shown(text, '"post office"') == "post posting compost [post-office]"
    assert shown("数据库的数据", "数据") == "[数据]库的[数据]"
    assert shown("PostgreSQL 查询性能 SQL", "PostgreSQL查询") == "[PostgreSQL 查询]性能 SQL"
    assert shown("aab ab", "ab") == "aab [ab]"


def test_hits_that_touch_are_one() -> None:
    assert shown("数据库", "数据 据库") == "[数据库]"


def test_html_is_escaped() -> None:
    assert (
        shown('<b>"index" & more</b>', "index")
        == "&lt;b&gt;&quot;[index]&quot; &amp; more&lt;/b&gt;"
    )


def test_a_long_text_is_cut_around_the_hit() -> None:
    text = f"{LONG}needle {LONG}"
    found = shown(text, "needle")
    assert re.fullmatch(r"…(word )+\[needle\]( word)+…", found)
    assert len(found) <= MAX_LENGTH
    assert shown(LONG, "nothing").startswith("word word")


def test_the_part_with_the_most_terms_is_shown() -> None:
    text = f"alpha {LONG} alpha beta {LONG} beta"
    assert "[alpha] [beta]" in shown(text, "beta alpha")


def test_a_cut_in_a_word_is_no_beginning_of_it() -> None:
    piece = "port and port" + " x" * PIECE
    assert shown(piece[: PIECE + 1], "port", piece_from=50).startswith("…port and [port]")


def test_a_long_hit_is_cut() -> None:
    found = snippet_of("数据" * 1000, 0, read_query("数据" * 400).wanted)
    assert len(found.text) <= MAX_LENGTH
    assert all(end <= len(found.text) for _, end in found.highlights)


def test_the_locator_finds_what_is_folded() -> None:
    for query, text in [
        ("resume", "my Résumé is"),
        ("resume", "my re\u0301sume\u0301"),
        ("елка", "тут ЁЛКА"),
        ("محمد", "قال مُحَمَّد"),
        ("数据库", "我的数据库"),
        ('"a b"', "x A - b c"),
        ("full", "Ｆｕｌｌ"),
    ]:
        assert re.search(locator(read_query(query).wanted[0]), text), query
    assert not re.search(locator(read_query("port").wanted[0]), "airport ports")


words = st.text(alphabet=st.sampled_from("aé中文 .ßＡ\u0301\u200d👍ﾞが"), min_size=1, max_size=400)


@given(words, st.sampled_from(["a", "e", "中文", "ss", "が", "👍", "a*", '"a 中"']))
def test_whatever_the_text_the_parts_fit(text: str, query: str) -> None:
    found = snippet_of(text, 0, read_query(query).wanted)
    assert len(found.text) <= MAX_LENGTH
    assert found.text.strip("…") in text
    ends = [0]
    for start, end in found.highlights:
        assert ends[-1] <= start < end <= len(found.text)
        ends.append(end)


FULL = bool(os.environ.get("CHATKEEP_FULL"))
USUAL = "ßẞæÆœŒþØéÅđłﬁﬂǆأإآےﺄﻻทำຳ①ⅴＡａﾃがｶ한ㄱμ"
CHANGED = [
    character
    for character in map(chr, (*range(1, 0xD800), *range(0xE000, 0x110000)))
    if fold(character) not in {character, character.lower()} or joins(character)
]


def test_every_form_of_a_letter_is_let_through_and_located() -> None:
    """A character is found by what it is folded to; only unusual ones need a look at the text."""
    missed: list[str] = []
    for character in CHANGED if FULL else (*CHANGED[::9], *USUAL):
        text = f"x, {character}a"
        try:
            (term,) = read_query(f'"{fold(character)}a"').wanted
        except InvalidInputError:
            continue
        assert all(re.search(sieve, text) for sieve in sieves([term])), hex(ord(character))
        found = re.search(locator(term), text)
        if term.find_in(folded(text).text) is None:
            assert found is None, hex(ord(character))
        elif found is None:
            missed.append(character)
    assert not set(USUAL) & set(missed)


@given(
    st.text(
        alphabet=st.sampled_from("aZß éÅﬁĳﷺ٤مُأंक़ำ한ㅎᄒﾃﾞがカ゚中㍿👩‍👍🏽❤️\u00ad\u0301\u0316\u200d½①.-")
        | st.characters(codec="utf-8", exclude_characters="\0"),
        min_size=1,
    ),
    st.integers(0),
    st.integers(1, 5),
)
def test_whatever_the_text_what_has_a_term_is_let_through(text: str, at: int, size: int) -> None:
    at %= len(text)
    try:
        terms = read_query(f'"{fold(text)[at : at + size]}"').wanted
    except InvalidInputError:
        return
    form = f" {' '.join(_TOKEN.findall(fold(text)))} "
    if terms[0].pattern[1:-1] in form:
        assert all(re.search(sieve, text) for sieve in sieves(terms))
