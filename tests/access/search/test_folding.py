"""The canonical form is the same in Python and in PostgreSQL, for every character and any text."""

import random
import sys
import unicodedata
from itertools import pairwise

import asyncpg
from hypothesis import given
from hypothesis import strategies as st

from chatkeep.access.search_folding import SECONDS, fold, folded, is_separator, joins, key_of
from chatkeep.access.search_terms import _TOKEN
from chatkeep.presets.deepsearch.searching import RUNS, SEPARATORS

CODES = [code for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
# PostgreSQL 15 knows Unicode 14: what came later is no letter to it.
ASSIGNED = [code for code in CODES if unicodedata.category(chr(code)) not in {"Cn", "Co"}]
SCRIPTS = (
    *("aZß éÅﬁĳ", "αΩς ΐ", "йЁ Ґ", "Ժ և", "שָׁ ד", "مُـﻗ ﷺ", "क़ ज़ि्", "ค้นำ", "한글ㅎ ᄒ"),
    *("日本ﾃﾞがカ゚", "中文㍿", "🎉👩‍💻🏽❤️🇩🇪", "_.-,;!", " \n\t　", "09²½"),
)


def canonical(text: str) -> str:
    return f" {' '.join(_TOKEN.findall(fold(text)))} "


async def test_every_character_has_the_same_form(connection: asyncpg.Connection, way: str) -> None:
    """A letter stands before it and behind it, so that nothing is lost at an end."""
    if way == "18 rls":
        return  # the same functions
    tried = ASSIGNED if way == "18" else ASSIGNED[::5]
    given_ = [f"x{chr(code)}x" for code in tried]
    rows = await connection.fetch(
        'SELECT given, "x_search_text"(given) AS form FROM unnest($1::text[]) AS each (given)'
        ' WHERE "x_search_text"(given) IS DISTINCT FROM NULL',
        given_,
    )
    assert len(rows) == len(tried)
    version = await connection.fetchval("SHOW server_version_num")
    known = unicodedata.ucd_3_2_0 if int(version) < 160_000 else unicodedata
    different = [
        hex(ord(row["given"][1]))
        for row in rows
        if row["form"] != canonical(row["given"]) and known.category(row["given"][1]) != "Cn"
    ]
    assert not different


async def test_texts_have_the_same_form(connection: asyncpg.Connection) -> None:
    chances = random.Random(1)
    texts = [
        "".join(chances.choice(chances.choice(SCRIPTS)) for _ in range(chances.randint(1, 30)))
        for _ in range(3000)
    ]
    stacks = ["a\u0301", "\u0301\u0316", "\u05b0\u05bc", "\u064b\u0651", "\u0915\u094d", "\u3099か"]
    texts += [
        f"a{chances.choice(stacks) * 25}b {chances.choice(stacks) * chances.randint(15, 60)}é"
        for _ in range(200)
    ]
    texts += [unicodedata.normalize(form, text) for text in texts[:500] for form in ("NFD", "NFKD")]
    rows = await connection.fetch(
        'SELECT given, "x_search_text"(given) AS form FROM unnest($1::text[]) AS each (given)',
        texts,
    )
    assert [row["given"] for row in rows if row["form"] != canonical(row["given"])] == []


def test_a_row_of_marks_is_cut_where_hits_are_looked_for() -> None:
    text = f"né{'क्' * 30} x{chr(0x301) * 500}y"
    form = folded(text)
    assert form.text == f"ne{'क्' * 20} xy"
    place = form.text.index("xy")
    assert text[slice(*form.span(place, place + 2))] == f"x{chr(0x301) * 500}y"


async def test_the_key_of_an_owner_is_the_same(connection: asyncpg.Connection) -> None:
    for owner in ("u", "user_01", "Ünïcode", "名前", "x" * 255):
        lexemes = await connection.fetchval("""SELECT "x_search_lexemes"($1, 'word')""", owner)
        assert lexemes == f"'{key_of(owner)}word'"


def test_what_leans_on_the_character_before_is_known() -> None:
    composed = {
        unicodedata.normalize("NFD", chr(code))[-1]
        for code in CODES
        if len(unicodedata.normalize("NFD", chr(code))) > 1
        and unicodedata.normalize("NFC", unicodedata.normalize("NFD", chr(code))) == chr(code)
    }
    assert all(joins(second) for second in composed)
    assert {second for second in composed if unicodedata.combining(second) == 0} <= SECONDS


def test_no_character_is_in_two_kinds() -> None:
    for ranges in (RUNS, SEPARATORS):
        assert all(first <= last for first, last in ranges)
        assert all(one[1] < two[0] for one, two in pairwise(ranges))
    run = {code for first, last in RUNS for code in range(first, last + 1)}
    assert not any(code in run for one, two in SEPARATORS for code in range(one, two + 1))


@given(
    st.text(
        alphabet=st.sampled_from("".join(SCRIPTS))
        | st.characters(codec="utf-8", exclude_characters="\0")
    )
)
def test_places_lead_back_to_the_original(text: str) -> None:
    form = folded(text)
    spaced = "".join(" " if is_separator(letter) else letter for letter in fold(text))
    assert form.text == spaced
    for place in range(len(form.text)):
        start, end = form.span(place, place + 1)
        assert 0 <= start < end <= len(text)
        assert form.text[place] in folded(text[start:end]).text
