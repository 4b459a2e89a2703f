"""The search of the hardened tables: two SQL functions, and the index that one of them feeds.

What a text is searched by is made in PostgreSQL, so that every writer's messages are found, those of
TypeScript code too, and the same on every server: nothing depends on its locale. Lexemes begin with a
key of the owner, so that the index holds one user's postings beside each other and a question, also
one for the beginning of a word, reads nobody else's. `chatkeep.access.search` asks with the same rules.

Rules (the canonical form of a text):

- NFKD, without accents and other marks (`DROPPED`), small letters (`CAPITALS`, `VARIANTS`), NFC;
- what is no part of a word (`SEPARATORS`) is a space;
- characters of scripts that put no spaces between words, and emoji, stand in runs of their own (`RUNS`);
- one space between words, one at each end.

The lexemes of it: each word, cut at {WORD} characters, and of each run all pairs of neighbours and
the characters at its ends: so each character of a run begins a lexeme.
"""

from typing import Any

from sqlalchemy import ColumnElement, Function, Table
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.sql.elements import quoted_name

from chatkeep.schema.extras import Extra
from chatkeep.schema.naming import Naming, quote_name, quote_text

Ranges = tuple[tuple[int, int], ...]

LEXEMES, TEXT = "search_lexemes", "search_text"
"""Names of the functions, without the prefix."""

LIMIT = 262_144
"""So many characters of a text are looked at; inputs allow a message 100,000."""
WORD = 64
KEY = 4
"""Characters of the owner's key, of 64 kinds: two owners with the same key cost a look at the rows."""
_MAX_BYTES = 1_000_000  # of lexemes, of PostgreSQL's 1,048,575

DROPPED: Ranges = (
    (0xAD, 0xAD),  # soft hyphen
    (0x300, 0x36F),  # accents
    (0x591, 0x5BD),  # Hebrew points
    (0x5BF, 0x5BF),
    (0x5C1, 0x5C2),
    (0x5C4, 0x5C5),
    (0x5C7, 0x5C7),
    (0x640, 0x640),  # Arabic tatweel and vowel marks
    (0x64B, 0x65F),
    (0x670, 0x670),
    (0x200C, 0x200D),  # joiners
    (0x2060, 0x2060),
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),
    (0xE0020, 0xE007F),  # tags of flags
)

# Marks, with some letters and free places between them: PostgreSQL normalizes a row of marks in
# quadratic time and cannot be interrupted, so no more than `STACK` stand behind each other.
MARKS: Ranges = (
    (0x300, 0x36F),
    (0x483, 0x489),
    (0x591, 0x5C7),  # Hebrew, Arabic
    (0x610, 0x61A),
    (0x64B, 0x65F),
    (0x670, 0x670),
    (0x6D6, 0x6ED),
    (0x711, 0x711),
    (0x730, 0xDFF),  # Syriac to Sinhala: longer than any word there
    (0xE38, 0xE3A),  # Thai
    (0xE48, 0xE4B),
    (0xEB8, 0xEBC),  # Lao
    (0xEC8, 0xECF),
    (0xF00, 0xFFF),  # Tibetan
    (0x1037, 0x103A),  # Myanmar
    (0x108D, 0x108D),
    (0x135D, 0x135F),
    (0x1700, 0x177F),
    (0x17D2, 0x17D3),  # Khmer
    (0x17DD, 0x17DD),
    (0x1800, 0x194F),
    (0x19E0, 0x1A1F),
    (0x1A60, 0x1A60),
    (0x1A75, 0x1A7F),
    (0x1AB0, 0x1CFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0x2CEF, 0x2CF1),
    (0x2D7F, 0x2D7F),
    (0x2DE0, 0x2DFF),
    (0x302A, 0x302F),
    (0x3099, 0x309A),
    (0xA66F, 0xA67D),
    (0xA69E, 0xA69F),
    (0xA6F0, 0xA6F1),
    (0xA800, 0xA95F),
    (0xA980, 0xABFF),
    (0xFB1E, 0xFB1E),
    (0xFE20, 0xFE2F),
    (0xFF9E, 0xFF9F),
    (0x101FD, 0x101FD),
    (0x102E0, 0x102E0),
    (0x10300, 0x11FFF),
    (0x16A00, 0x16FFF),
    (0x1BC00, 0x1EFFF),
)
STACK = 40

SEPARATORS: Ranges = (
    (0x01, 0x2F),
    (0x3A, 0x40),
    (0x5B, 0x60),
    (0x7B, 0xA9),
    (0xAB, 0xB1),
    (0xB4, 0xB4),
    (0xB6, 0xB8),
    (0xBB, 0xBB),
    (0xBF, 0xBF),
    (0xD7, 0xD7),
    (0xF7, 0xF7),
    (0x2C2, 0x2C5),
    (0x2D2, 0x2DF),
    (0x37E, 0x37E),
    (0x387, 0x387),
    (0x55A, 0x55F),  # Armenian
    (0x589, 0x58A),
    (0x5BE, 0x5BE),  # Hebrew
    (0x5C0, 0x5C0),
    (0x5C3, 0x5C3),
    (0x5C6, 0x5C6),
    (0x5F3, 0x5F4),
    (0x600, 0x60F),  # Arabic
    (0x61B, 0x61F),
    (0x66A, 0x66D),
    (0x6D4, 0x6D4),
    (0x700, 0x70D),
    (0x964, 0x965),  # Indic
    (0x970, 0x970),
    (0xDF4, 0xDF4),
    (0xE3F, 0xE3F),  # Thai
    (0xE4F, 0xE4F),
    (0xE5A, 0xE5B),
    (0xF04, 0xF14),  # Tibetan
    (0xF3A, 0xF3D),
    (0xF85, 0xF85),
    (0x104A, 0x104F),  # Myanmar
    (0x10FB, 0x10FB),
    (0x1360, 0x1368),  # Ethiopic
    (0x1400, 0x1400),
    (0x166E, 0x166E),
    (0x1680, 0x1680),
    (0x169B, 0x169C),
    (0x16EB, 0x16ED),
    (0x1735, 0x1736),
    (0x17D4, 0x17D6),  # Khmer
    (0x17D8, 0x17DB),
    (0x1800, 0x180A),
    (0x2000, 0x200B),
    (0x200E, 0x205F),
    (0x2061, 0x206F),
    (0x20A0, 0x20CF),
    (0x2190, 0x22FF),
    (0x2400, 0x25FF),
    (0x27C0, 0x2AFF),
    (0x2E00, 0x2E7F),
    (0x2FF0, 0x3004),
    (0x3008, 0x3020),
    (0x3030, 0x3030),
    (0x303D, 0x303F),
    (0x30A0, 0x30A0),
    (0x30FB, 0x30FB),
    (0xE000, 0xF8FF),
    (0xFE30, 0xFE6F),
    (0xFF00, 0xFF0F),
    (0xFFF0, 0xFFFF),
)

RUNS: Ranges = (
    (0xE01, 0xE3A),  # Thai
    (0xE40, 0xE4E),
    (0xE81, 0xECF),  # Lao
    (0x1000, 0x103F),  # Myanmar
    (0x1050, 0x108F),
    (0x109A, 0x109D),
    (0x1100, 0x11FF),  # Hangul
    (0x1780, 0x17D3),  # Khmer
    (0x17D7, 0x17D7),
    (0x17DC, 0x17DD),
    (0x1950, 0x19DF),  # Tai
    (0x1A20, 0x1AAD),
    (0x2300, 0x23FF),  # emoji
    (0x2600, 0x27BF),
    (0x2B00, 0x2BFF),
    (0x2E80, 0x2FDF),  # Chinese, Japanese, Korean
    (0x3005, 0x3007),
    (0x3021, 0x302F),
    (0x3031, 0x303C),
    (0x3041, 0x309F),
    (0x30A1, 0x30FA),
    (0x30FC, 0x4DBF),
    (0x4E00, 0xA4CF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0x1F000, 0x1FAFF),  # emoji
    (0x20000, 0x3FFFF),
)

# Greek, Cyrillic, Armenian, which a database in the locale C would leave as they are; then Latin
# letters that decompose into nothing simpler.
CAPITALS = (
    "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩЂЄЅІЈЉЊЋЏ"
    "ѠѢѤѦѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨӶӺӼӾԀԂԄԆԈԊ"
    "ԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖÆŒÞẞŊƏ"
)
SMALL = (
    "абвгдежзиклмнопрстуфхцчшщъыьэюяαβγδεζηθικλμνξοπρστυφχψωђєѕіјљњћџ"
    "ѡѣѥѧѩѫѭѯѱѳѵѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӄӆӈӊӌӎӕәӡөӷӻӽӿԁԃԅԇԉԋ"
    "ԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆæœþßŋə"
)
VARIANTS = ("ØøĐđÐðĦħŁłŦŧıς", "ooddddhhllttiσ")  # noqa: RUF001 - Greek is meant
LONGER = (("ß", "ss"), ("æ", "ae"), ("œ", "oe"), ("þ", "th"))
"""Letters that become two, after the capitals became small."""


def bracket(ranges: Ranges) -> str:
    """Give the bracket expression of a PostgreSQL regular expression for ranges."""
    parts = (
        _escaped(first) + (f"-{_escaped(last)}" if last > first else "") for first, last in ranges
    )
    return f"[{''.join(parts)}]"


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


_CASED = r"[\u00c0-\u0556\u1e9e]"
# Variables compare and change case as the locale C does: ASCII only, whatever the database's own.
_DECLARED = """
    is_ascii boolean;
    has_runs boolean := false;
    mark CONSTANT text := '{marks}';
    dropped CONSTANT text := '{dropped}';
    separator CONSTANT text := '{separators}';
    run CONSTANT text := '{run}';
    words text COLLATE "C" := left(content, {limit});"""
# Whether a text is normalized is known sooner than its normal form.
_CANONICAL = """
    is_ascii := octet_length(words) = length(words);
    words := lower(words);
    IF is_ascii THEN
        words := regexp_replace(words, '[^a-z0-9]+', ' ', 'g');
    ELSE
        IF words ~ (mark || '{{{more_marks}}}') THEN
            words := regexp_replace(words, '(' || mark || '{{{stack}}})' || mark || '+', '\\1', 'g');
        END IF;
        IF words IS NOT NFKD NORMALIZED THEN
            words := lower(left(normalize(words, NFKD), {limit}));
        END IF;
        words := regexp_replace(words, dropped || '+', '', 'g');
        IF words IS NOT NFC NORMALIZED THEN
            words := normalize(words, NFC);
        END IF;
        words := regexp_replace(words, separator || '+', ' ', 'g');
        IF words ~ '{cased}' THEN
            words := translate(words, {capitals}, {small});
            {longer}
        END IF;
        has_runs := words ~ run;
        IF has_runs THEN
            words := regexp_replace(words, '(' || run || '+)', ' \\1 ', 'g');
            words := regexp_replace(words, ' +', ' ', 'g');
        END IF;
    END IF;
    words := ' ' || btrim(words) || ' ';"""
_MORE = """
    later text COLLATE "C";
    key text;"""
# Pairs of neighbours: those that begin at the first, third ... character of a run, then the others.
_LEXEMES = """
    IF words = '  ' THEN
        RETURN '';
    END IF;
    IF has_runs THEN
        later := regexp_replace(words, '[^' || substr(run, 2) || '+', ' ', 'g');
        later := regexp_replace(later, ' (' || run || ')', ' \\1 ', 'g');
        words := words || later;
        words := regexp_replace(words, '(' || run || ')(' || run || ')', '\\1\\2 ', 'g');
        words := regexp_replace(words, ' +', ' ', 'g');
    END IF;
    IF words ~ '[^ ]{{{longer_word}}}' THEN
        words := regexp_replace(words, '([^ ]{{{word}}})[^ ]+', '\\1', 'g');
    END IF;
    key := left(encode(sha256(convert_to(owner, 'UTF8')), 'base64'), {key});
    words := key || replace(btrim(words), ' ', ' ' || key);
    IF octet_length(words) > {max_bytes} THEN
        words := (
            SELECT string_agg(word, ' ') FROM (
                SELECT word, sum(octet_length(word)) OVER (ORDER BY place) AS bytes FROM (
                    SELECT word, min(place) AS place
                    FROM unnest(string_to_array(words, ' ')) WITH ORDINALITY AS each (word, place)
                    GROUP BY word
                ) AS different
            ) AS counted
            WHERE bytes <= {max_bytes}
        );
    END IF;
    RETURN array_to_tsvector(string_to_array(words, ' '));"""


def search_extras(prefix: str) -> tuple[Extra, ...]:
    """Give the two functions."""
    naming = Naming(prefix)
    return (
        _function(
            naming.other(TEXT),
            "content text",
            "text",
            f"DECLARE{_DECLARED}\nBEGIN{_CANONICAL}\n    RETURN words;\nEND",
        ),
        _function(
            naming.other(LEXEMES),
            "owner text, content text",
            "tsvector",
            f"DECLARE{_DECLARED}{_MORE}\nBEGIN{_CANONICAL}{_LEXEMES}\nEND",
        ),
    )


def search_grants(prefix: str, role: str) -> tuple[Extra, ...]:
    """Let a role run the two functions, also where PUBLIC may not: every insert needs one."""
    naming = Naming(prefix)
    names = {naming.other(TEXT): "text", naming.other(LEXEMES): "text, text"}
    return tuple(
        Extra(
            "grant",
            f"{name}.{role}",
            f"GRANT EXECUTE ON FUNCTION {quote_name(name)}({types}) TO {quote_name(role)}",
            f"REVOKE EXECUTE ON FUNCTION {quote_name(name)}({types}) FROM {quote_name(role)}",
        )
        for name, types in names.items()
    )


def lexemes(messages: Table) -> ColumnElement[Any]:
    """Give what a message is searched by, as the index has it."""
    name = Naming(messages.name.removesuffix("message")).other(LEXEMES)
    return Function[Any](
        quoted_name(name, quote=True), messages.c.user_id, messages.c.content, type_=TSVECTOR()
    )


def _function(name: str, takes: str, gives: str, body: str) -> Extra:
    quoted = quote_name(name)
    types = ", ".join(argument.split()[1] for argument in takes.split(", "))
    filled = body.format(
        limit=LIMIT,
        marks=bracket(MARKS),
        stack=STACK,
        more_marks=STACK + 1,
        dropped=bracket(DROPPED),
        cased=_CASED,
        capitals=quote_text(CAPITALS + VARIANTS[0]),
        small=quote_text(SMALL + VARIANTS[1]),
        longer="\n            ".join(
            f"words := replace(words, {quote_text(one)}, {quote_text(two)});" for one, two in LONGER
        ),
        separators=bracket(SEPARATORS),
        run=bracket(RUNS),
        word=WORD,
        longer_word=WORD + 1,
        key=KEY,
        max_bytes=_MAX_BYTES,
    )
    # The cost keeps the planner from asking each row where the index can answer. RESTRICTED keeps it
    # from starting workers for a search, which costs ten times what the search does.
    return Extra(
        "function",
        name,
        f"CREATE OR REPLACE FUNCTION {quoted}({takes}) RETURNS {gives}\n"
        "LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED COST 10000\n"
        f"SET search_path = pg_catalog, pg_temp AS $chatkeep$\n{filled}\n$chatkeep$",
        f"DROP FUNCTION IF EXISTS {quoted}({types})",
        before_tables=True,
    )
