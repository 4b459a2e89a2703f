# ruff: noqa: RUF001 - letters of other scripts are meant
"""60 queries in ten scripts, what each should find, and four ways of asking PostgreSQL."""

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Script:
    """Messages in one script, by name, and for each query the names of those that it is about."""

    name: str
    texts: dict[str, str]
    queries: dict[str, str]


def decomposed(text: str) -> str:
    """Write a text as macOS writes names of files."""
    return unicodedata.normalize("NFD", text)


SCRIPTS = (
    Script(
        "English",
        {
            "a": "How do I create an index in PostgreSQL for a large table?",
            "b": "The indexes were rebuilt; Postgres needs no downtime for that.",
            "c": "Naïve approaches to full-text search don't scale.",
            "d": "We met at the café, her résumé was great.",
            "e": "State-of-the-art models; don't trust the state of the union.",
            "f": "Catalogue of cats: concatenate strings, educate people.",
        },
        {
            "index postgresql": "a",
            "index*": "ab",
            "resume cafe": "d",
            '"state of the union"': "e",
            "search -index": "c",
            "naive": "c",
        },
    ),
    Script(
        "German",
        {
            "a": "Die Straße nach München ist gesperrt.",
            "b": "Größe und Gewicht der Äpfel",
            "c": "STRASSENBAHN fährt wieder",
            "d": "Donaudampfschifffahrtsgesellschaft sucht Kapitän",
            "e": "Er heißt Jürgen Müller-Lüdenscheidt",
        },
        {
            "strasse": "a",
            "GRÖSSE": "b",
            "munchen": "a",
            "straßen*": "c",
            "müller": "e",
            '"muller ludenscheidt"': "e",
        },
    ),
    Script(
        "Chinese",
        {
            "a": "我想学习数据库索引的原理",
            "b": "数据分析和机器学习",
            "c": "学生习惯用手机",
            "d": "如何优化 PostgreSQL 查询性能？",
            "e": "北京的天气很好，上海下雨",
            "f": "数据科学据说很难，库存不足",
        },
        {
            "数据库": "a",
            "数据": "abf",
            "学习": "ab",
            "PostgreSQL查询": "d",
            "雨": "e",
            "学习 -索引": "b",
        },
    ),
    Script(
        "Japanese",
        {
            "a": "データベースの検索を速くしたい",
            "b": "ﾃﾞｰﾀﾍﾞｰｽ設計の基本",
            "c": "東京タワーへ行きました",
            "d": "京都の東の寺",
            "e": decomposed("がっこうでべんきょうする"),
        },
        {
            "データベース": "ab",
            "検索": "a",
            "東京": "c",
            "京都": "d",
            "がっこう": "e",
            "データベース -設計": "a",
        },
    ),
    Script(
        "Korean",
        {
            "a": "데이터베이스 검색 기능을 추가했습니다",
            "b": "검색엔진의 색인",
            "c": "한국어 형태소 분석",
            "d": decomposed("서울 날씨"),
            "e": "사과와 배를 샀다",
        },
        {
            "검색": "ab",
            "데이터": "a",
            "서울": "d",
            "색인 검색엔진": "b",
            "사과": "e",
            "검색 -기능": "b",
        },
    ),
    Script(
        "Thai",
        {
            "a": "ฉันต้องการค้นหาข้อความในฐานข้อมูล",
            "b": "อากาศร้อนมากในกรุงเทพ",
            "c": "ข้อมูลส่วนบุคคลต้องปลอดภัย",
            "d": "รถไฟฟ้ามาแล้ว",
            "e": "น้ำใจงาม",
        },
        {
            "ค้นหา": "a",
            "ข้อมูล": "ac",
            "กรุงเทพ": "b",
            "รถไฟฟ้า": "d",
            "น้ำ": "e",
            "ข้อมูล -ฐาน": "c",
        },
    ),
    Script(
        "Arabic",
        {
            "a": "كيف أبحث في قاعدة البيانات؟",
            "b": "مُحَمَّدٌ يَكتُبُ رسالة",
            "c": "البحـــث عن كتاب",
            "d": "ﻗﻬﻮﺓ عربية",
            "e": "الكتاب على الطاولة",
        },
        {
            "قاعدة البيانات": "a",
            "محمد": "b",
            "البحث": "c",
            "قهوة": "d",
            "الكتاب": "e",
            "ابحث": "a",
        },
    ),
    Script(
        "Cyrillic",
        {
            "a": "Как ускорить поиск в базе данных?",
            "b": "ПОИСК РАБОТЫ В МОСКВЕ",
            "c": "Ёлка стоит в углу, ещё зелёная",
            "d": "базовый курс йоги",
            "e": "поисковик не индексирует сайт",
        },
        {
            "поиск": "ab",
            "москве": "b",
            "елка": "c",
            "поиск*": "abe",
            "зелёная": "c",
            "йоги -сайт": "d",
        },
    ),
    Script(
        "emoji",
        {
            "a": "Great job 🎉🎉 everyone",
            "b": "👩‍💻 writes code 🐍",
            "c": "I ❤️ SQL",
            "d": "🇩🇪 vs 🇫🇷 tonight ⚽",
            "e": "thumbs up 👍🏽",
        },
        {"🎉": "a", "🐍 code": "b", "❤": "c", "🇫🇷": "d", "👍": "e", "👩‍💻": "b"},
    ),
    Script(
        "code",
        {
            "a": "def parse_config(path: str) -> dict:",
            "b": "SELECT count(*) FROM user_settings WHERE user_id = $1;",
            "c": "npm install @types/node --save-dev",
            "d": "Error: ENOENT: no such file or directory, open '/etc/app.conf'",
            "e": "const fooBar = items.map((x) => x.id);",
            "f": "C:\\Users\\ada\\notes.txt",
        },
        {
            "parse_config": "a",
            "user_settings": "b",
            "@types/node": "c",
            "/etc/app.conf": "d",
            "items.map(": "e",
            "config": "a",
        },
    ),
)

_PIECE = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')


def pieces(query: str) -> list[tuple[bool, str]]:
    """Give the words and phrases of a query and whether each is excluded, for ILIKE."""
    return [
        (bool(minus), (phrase or word).rstrip("*")) for minus, phrase, word in _PIECE.findall(query)
    ]


def ilike(query: str, first: int) -> tuple[str, list[str]]:
    """Give the condition on `content` for ILIKE and its parameters, from `$first` on."""
    parts: list[str] = []
    values: list[str] = []
    for number, (is_excluded, text) in enumerate(pieces(query), first):
        parts.append(f"content {'NOT ' * is_excluded}ILIKE ${number}")
        escaped = re.sub(r"([\\%_])", r"\\\1", text)
        values.append(f"%{escaped}%")
    return " AND ".join(parts), values


def english(query: str, first: int) -> tuple[str, list[str]]:
    """Give the condition for the seed's index, repaired."""
    made = f"to_tsvector('english', content) @@ websearch_to_tsquery('english', ${first})"
    return made, [query]
