"""Where id and e-mail are found in a text, and where something longer is meant."""

import asyncpg
import pytest

from chatkeep.personal.person import PATTERN, Person, names

UUID = "c56d9b0d-2357-4481-b4cc-89907d8e8ba4"
NANOID = "V1StGXR8_Z5jdHi6B-myT"

FOUND = [
    ("u1", "a+b@x.org", text)
    for text in (
        "a+b@x.org", "A+B@X.ORG", "<a+b@x.org>", "mail a+b@x.org.", "...a+b@x.org", "?m=a%2Bb%40x.org&",
        "%20a+b@x.org", r'"\na+b@x.org"', r'"\u000aa\u002bb\u0040x.org"', r"\\u0061+b@x.org",
        r"\303\251a+b@x.org", "a+b@x.org\nmore", "é a+b@x.org", "u1", "<u1>", "id=u1;", "(u1,t)", "%20u1",
    )
] + [
    (UUID, "q@x.org", f"user_{UUID}x"), (UUID, "q@x.org", UUID.upper()),
    (NANOID, "q@x.org", f"user_{NANOID}"),
]  # fmt: skip
OTHERS = [
    ("u1", "a+b@x.org", text)
    for text in (
        "na+b@x.org", "n.a+b@x.org", "a+b@x.org.uk", "a+b@x.organ", "a-b@x.org", "aab@x.org",
        "a+b@xyorg", "u10", "au1", "u1-b", "a_u1", "xu1x", "", "%a+b@x.org",
    )
] + [(NANOID, "q@x.org", f"a{NANOID}"), (NANOID, "q@x.org", f"{NANOID}0")]  # fmt: skip


@pytest.mark.parametrize("is_found", [True, False])
async def test_texts(database_url: str, is_found: bool):
    connection = await asyncpg.connect(database_url)
    try:
        for id_, email, text in FOUND if is_found else OTHERS:
            person = Person(id_, (email,))
            await connection.execute("CREATE TEMP TABLE t (v text)")
            await connection.execute("INSERT INTO t VALUES ($1)", text)
            sql, arguments = person.bind(f"SELECT {names('v')} FROM t")
            assert await connection.fetchval(sql, *arguments) is is_found, text
            sql, arguments = person.bind(f"SELECT regexp_replace(v, {PATTERN}, '!', 'gi') FROM t")
            replaced = await connection.fetchval(sql, *arguments)
            assert (replaced != text) is is_found, text
            assert email.lower() not in replaced.lower() or not is_found
            await connection.execute("DROP TABLE t")
    finally:
        await connection.close()


async def test_one_without_e_mail_is_found_by_the_id_alone(database_url: str):
    connection = await asyncpg.connect(database_url)
    try:
        for what, expected in (("any", True), ("id", True), ("e-mail", False)):
            sql, arguments = Person("u1", ()).bind("SELECT " + names("'of u1'", what))  # type: ignore[arg-type]
            assert await connection.fetchval(sql, *arguments) is expected
    finally:
        await connection.close()
