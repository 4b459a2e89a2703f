"""Where id and e-mail are found in a text, and where something longer is meant."""

import asyncpg
import pytest

from chatkeep.personal.person import PATTERN, Person, mentions, names

UUID = "c56d9b0d-2357-4481-b4cc-89907d8e8ba4"
NANOID = "V1StGXR8_Z5jdHi6B-myT"
MAIL = "a+b@x.org"

# What the person is called, and texts with nothing but that.
ALONE = [
    ("u1", MAIL, text)
    for text in (
        "a+b@x.org", "A+B@X.ORG", "<a+b@x.org>", "mail a+b@x.org.", "...a+b@x.org", "?m=a%2Bb%40x.org&",
        "%20a+b@x.org", r'"\na+b@x.org"', r'"\u000aa\u002bb\u0040x.org"', r"\\u0061+b@x.org",
        r"\303\251a+b@x.org", "a+b@x.org\nmore", "é a+b@x.org", "_a+b@x.org_", "*a+b@x.org*", "%a+b@x.org%",
        "-a+b@x.org", "a+b@x.org-", "a+b@x.org_backup", "avatars/a+b@x.org.png", "a+b@x.org.json.",
        "请发邮件到a+b@x.org谢谢", "メールa+b@x.org。", "a&#43;b&#x40;x.org", "m=a%252Bb%2540x.org", r"\u0041+b@x.org",
    )
] + [
    (UUID, MAIL, f"user_{UUID}x"), (UUID, MAIL, UUID.upper()), (NANOID, MAIL, f"user_{NANOID}"),
] + [
    ("u1", "jürgen@exämple.com", text)
    for text in (
        "JÜRGEN@EXÄMPLE.com", "j%C3%BCrgen%40ex%c3%a4mple.com", "J%C3%9CRGEN@ex%C3%84mple.com",
        r"j\u00fcrgen@ex\u00E4mple.com", r"j\303\274rgen@ex\303\244mple.com", "ju\u0308rgen@exa\u0308mple.com",
        r"ju\u0308rgen@exa\u0308mple.com",
    )
] + [("u1", "\U0001f600@x.org", r"\ud83d\uDE00@x.org")]  # fmt: skip
# The same where what is deleted must be surer: these may be addresses of others.
JOINED = [("u1", MAIL, text) for text in ("cache_a+b@x.org", "x-a+b@x.org", "a+b@x.org-old")]
# Within something longer: told, and neither replaced nor deleted.
WITHIN = [
    ("u1", MAIL, text)
    for text in ("na+b@x.org", "n.a+b@x.org", "c+a+b@x.org", "a+b@x.org.uk", "a+b@x.organ", "a+b@x.org-y.de", "éa+b@x.org")
] + [
    (NANOID, MAIL, f"a{NANOID}"), (NANOID, MAIL, f"{NANOID}0"),
    ("u1", MAIL, r"{\x612b6240782e6f7267}"), ("u1", "ü@x.org", r"\xC39C40782E6F7267"),
] + [("u1", MAIL, text) for text in ("u1", "<u1>", "id=u1;", "(u1,t)", "%20u1", "u1@x.org")]  # fmt: skip
NOWHERE = [
    ("u1", MAIL, text)
    for text in ("a-b@x.org", "aab@x.org", "a+b@xyorg", "u10", "au1", "u1-b", "a_u1", "xu1x", "")
]


@pytest.mark.parametrize(
    ("texts", "told", "replaced", "deleted"),
    [
        pytest.param(ALONE, True, True, True, id="alone"),
        pytest.param(JOINED, True, True, False, id="joined"),
        pytest.param(WITHIN, True, False, False, id="within"),
        pytest.param(NOWHERE, False, False, False, id="nowhere"),
    ],
)
async def test_texts(
    database_url: str,
    texts: list[tuple[str, str, str]],
    told: bool,
    replaced: bool,
    deleted: bool,
):
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("CREATE TEMP TABLE t (v text)")
        for id_, email, text in texts:
            person = Person(id_, (email,))
            await connection.execute("TRUNCATE t")
            await connection.execute("INSERT INTO t VALUES ($1)", text)
            replace = f"regexp_replace(v, {PATTERN}, '!', 'gi')"
            sql, arguments = person.bind(
                f"SELECT {names('lower(v)')}, {replace} <> v, {mentions('v')} FROM t"
            )
            found = await connection.fetchrow(sql, *arguments)
            assert tuple(found) == (told, replaced, deleted), text
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
