"""Script and SQL wherever somebody else can write something: shown as text, never run."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from fixtures.studio_screens import SCREENS
from fixtures.studio_world import ADA, EVIL, EVIL_CHAT, PREFIX

pytestmark = pytest.mark.needs("chromium")

NAME = EVIL[:60]  # PostgreSQL cuts names at 63 bytes
LINKS = (
    "javascript:window.hacked=1",
    "https://evil.example/x.js",
    '"><script>window.hacked=1</script>',
)
# What a link of somebody else may bring into each address.
QUERIES = (
    "q",
    "user",
    "chat",
    "message",
    "saved",
    "panel",
    "filter",
    "sort",
    "focus",
    "tab",
    "column",
)


async def poison(url: str) -> None:
    """Write script into every name and text that a person may choose."""
    quoted = '"' + NAME.replace('"', '""') + '"'
    text = "'" + EVIL.replace("'", "''") + "'"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"""
            create table {quoted} (id int primary key default 1, {quoted} text default {text},
                json jsonb, constraint "c{NAME[:50].replace('"', '""')}" check (id > 0));
            insert into {quoted} (json) values (jsonb_build_object({text}, {text}));
            comment on table {quoted} is {text};
            comment on column {quoted}.{quoted} is {text};
            create index "i{NAME[:50].replace('"', '""')}" on {quoted} ({quoted});
            create view "v{NAME[:50].replace('"', '""')}" as select * from {quoted};
            update "{PREFIX}user" set name = {text}, image = 'javascript:window.hacked=1' where id = '{ADA}';
        """)
    finally:
        await connection.close()


# Screens that show nothing that somebody else can write, or the same as one below.
_SAME = {
    "table", "schema-table", "insight-activity", "insight-statements", "sql", "transcript",
    "migrations", "person-sessions",
}  # fmt: skip


def addresses() -> list[str]:
    table = quote(NAME, safe="")
    return [
        *(path for name, path in SCREENS.items() if name not in _SAME),
        f"/tables/public/{table}",
        f"/schema/public/{table}",
        f"/people/{quote(EVIL, safe='')}",
        f"/chats/{quote(EVIL, safe='')}",
        f"/search?user={ADA}&q={quote(EVIL)}",
        f"/sql?q={quote(EVIL)}",
        f"/{quote(EVIL, safe='')}",
        *(
            f"{path}?{'&'.join(f'{n}={quote(EVIL)}' for n in QUERIES)}"
            for path in ("/people", "/search")
        ),
        f"/chats/{EVIL_CHAT}?message={quote(EVIL)}&branch={quote(EVIL)}",
        f"/tables/public/{table}?filter={quote(EVIL)}&sort={quote(EVIL)}&q={quote(EVIL)}",
    ]


async def test_nothing_that_is_stored_or_linked_runs(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    await poison(world)
    site = await open_studio(world)
    visitor = await visit(site)
    visitor.expected.append(r"Failed to load resource: the server responded with a status of 4\d\d")
    seen = 0
    for path in addresses():
        await visitor.go(path)
        found = await visitor.page.evaluate("""() => ({
            hacked: window.hacked,
            scripts: [...document.scripts].filter((s) => !s.src.startsWith(location.origin)).length,
            handlers: [...document.querySelectorAll("*")].filter(
                (e) => [...e.attributes].some((a) => a.name.startsWith("on"))).length,
            frames: document.querySelectorAll("iframe, object, embed, form[action]").length,
            links: [...document.querySelectorAll("a")].map((a) => a.href)
                .filter((h) => !/^(https?:|mailto:|$)/.test(h)),
            foreign: [...document.querySelectorAll("a")]
                .filter((a) => a.href.startsWith("http") && a.origin !== location.origin)
                .filter((a) => !/noopener|noreferrer/.test(a.rel)).length,
            images: [...document.images].filter((i) => !/^(data:|blob:)/.test(i.src)).map((i) => i.src),
            shown: document.body.innerText.includes("<img src=x"),
        })""")
        seen += found.pop("shown")
        assert found.pop("hacked") is None, path
        assert found == {
            "scripts": 0, "handlers": 0, "frames": 0, "links": [], "foreign": 0, "images": [],
        }, path  # fmt: skip
    assert seen >= 8  # it was there to be seen, as text


async def test_sql_of_a_link_is_shown_and_not_run(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    """Also where changes are allowed: who follows a link has not decided to run what it brings."""
    site = await open_studio(world, write=True)
    visitor = await visit(site)
    asked: list[str] = []
    visitor.page.on("request", lambda r: asked.append(r.method) if "/api/" in r.url else None)
    sql = f'drop table "{PREFIX}message"'
    await visitor.go(f"/sql?q={quote(sql)}&write=1&run=1&all=1")
    await visitor.page.get_by_role("textbox").get_by_text("drop table").wait_for()
    assert set(asked) <= {"GET"}
    client = await site.client()
    assert (await client.get("/api/console/history")).json()["entries"] == []
    await client.aclose()


async def test_the_page_may_not_write_script_even_if_it_would(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    """What the policy is for: a mistake of ours does not become a way in."""
    visitor = await visit(await open_studio(world))
    visitor.expected += ["Content Security Policy", "Trusted", "violates", "Refused", "TrustedHTML"]
    tries = {
        "inline script": "document.body.append(Object.assign(document.createElement('script'), {text: 'window.hacked=1'}))",
        "handler": "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked=1\">')",
        "html": "document.body.innerHTML = '<b>x</b>'",
        "eval": "window.eval('window.hacked=1')",
        "function": "new Function('window.hacked=1')()",
        "foreign script": "document.body.append(Object.assign(document.createElement('script'), {src: 'https://evil.example/x.js'}))",
        "policy": "trustedTypes.createPolicy('evil', {createHTML: (x) => x})",
        "script link": "location.href = 'javascript:window.hacked=1'",
    }
    for name, source in tries.items():
        # What the debugger evaluates stands above the policy; what a timer calls does not.
        refused = await visitor.page.evaluate(
            "new Promise((done) => setTimeout(() => {"
            f" try {{ {source} }} catch (e) {{ done(true) }} done(false) }}))"
        )
        assert refused or name == "script link", name
    assert await visitor.page.evaluate("window.hacked") is None
