"""Somebody finds a person and reads what was said, in a real browser."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from chatkeep.database import Database
from chatkeep.inputs.deepsearch import NewChat, NewMessage, NewUser
from fixtures.servers import Databases, PgServer
from fixtures.studio_world import (
    EVIL,
    EVIL_CHAT,
    LONG,
    LONG_CHAT,
    MAPS_SCHEMA,
    PREFIX,
    RICH_CHAT,
    SCHEMA,
    build_maps_world,
)

pytestmark = pytest.mark.needs("chromium")
Open = Callable[..., Any]


def asked(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def test_from_a_part_of_an_address_to_a_conversation_and_its_branches(
    world: str, open_studio: Open, visit: Open
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/people")
    await page.get_by_role("searchbox", name="Find somebody").fill("ada@ex")
    await page.get_by_role("link", name="grace@example.com").wait_for(state="detached")
    await page.get_by_role("link", name="ada@example.com").click()
    await page.get_by_role("heading", name="Ada Lovelace").wait_for()
    await visitor.shot("person")
    await page.get_by_role("link", name="Partial indexes in PostgreSQL").click()
    await page.get_by_role("heading", name="Partial indexes in PostgreSQL").wait_for()
    shown = page.get_by_role("article")
    await page.get_by_text("Show it in code, please.").wait_for()
    assert await shown.count() == 11
    await visitor.shot("transcript")

    # The other form of the second question, and back.
    before = page.url
    fork = shown.filter(has_text="Show it in code, please.")
    await fork.get_by_role("button", name="Show branch 1 of 2").click()
    await page.get_by_text("Show it in SQL.").wait_for()
    assert await shown.count() == 5
    assert asked(page.url)["branch"] == "msg_rich_q2"
    assert await page.get_by_text("a branch that the chat itself does not").is_visible()
    other = shown.filter(has_text="Show it in SQL.")
    assert await other.get_by_text("1 / 2").is_visible()
    assert await other.evaluate("node => node === document.activeElement")
    await page.go_back()
    await page.get_by_text("Show it in code, please.").wait_for()
    assert urlsplit(page.url).path == urlsplit(before).path
    assert await shown.count() == 11

    # A mark in the text leads to its source; the unsafe one is no link.
    answer = shown.filter(has_text="A partial index pays off")
    await answer.get_by_role("button", name="Source 1").first.click()
    source = answer.get_by_role("listitem", name="Source 1: Partial Indexes")
    assert await source.evaluate("node => node === document.activeElement")
    link = source.get_by_role("link", name="Partial Indexes")
    assert await link.get_attribute("rel") == "noopener noreferrer"
    unsafe = answer.get_by_role("listitem", name="Source 3: An unsafe source")
    assert await unsafe.get_by_role("link").count() == 0
    assert await unsafe.get_by_text("javascript:window.hacked=1").is_visible()
    manual = answer.get_by_role("link", name="EXPLAIN")
    assert await manual.get_attribute("rel") == "noopener noreferrer"
    assert await manual.get_attribute("target") == "_blank"
    assert await answer.get_by_text("812 in, 364 out").is_visible()
    assert await answer.get_by_text("Just what I needed.").is_visible()

    # A tool call is folded until somebody asks.
    call = shown.filter(has_text="query_sizes").first
    await call.get_by_text("Tool call").click()
    assert '"relation": "orders"' in await call.get_by_label("Arguments").inner_text()
    await answer.get_by_role("button", name="Copy sql code").click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("-- Only what is still open")


async def test_a_search_with_its_reasons_leads_to_the_message(
    world: str, open_studio: Open, visit: Open
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/search")
    await page.get_by_text("A search goes through the conversations of one person").wait_for()
    await page.get_by_role("searchbox", name="Find the person").fill("lovel")
    await page.get_by_role("button", name="grace@example.com").wait_for(state="detached")
    await page.get_by_role("button", name="ada@example.com").click()
    field = page.get_by_role("searchbox", name="Search for")
    await field.fill("partial ind* -mongodb")
    await field.press("Enter")
    results = page.get_by_role("list", name="What was found").get_by_role("listitem")
    await results.first.wait_for()
    marks = await results.first.locator("mark").all_inner_texts()
    assert marks == ["Partial", "indexes"]
    await page.get_by_text("Why this was found").click()
    why = page.get_by_role("group").filter(has_text="The query as it was read")
    assert await why.get_by_text("begins with", exact=True).is_visible()
    assert await why.get_by_text("!mongodb").is_visible()
    await page.get_by_role("button", name="Run it again").click()
    plan = page.get_by_label("Plan", exact=True)
    await plan.wait_for()
    assert "Execution Time" in await plan.inner_text()
    await visitor.shot("search")
    await page.get_by_label("Where").select_option("Messages")
    await page.get_by_text("Title", exact=True).wait_for(state="detached")
    hit = results.filter(has_text="When does a")
    await hit.get_by_role("link").click()
    chosen = page.get_by_role("article").filter(has_text="When does a partial index pay off?")
    await chosen.wait_for()
    assert asked(page.url)["message"] == "msg_rich_q"
    assert await chosen.evaluate("node => node === document.activeElement")


async def test_nothing_that_was_written_runs_or_is_loaded(
    world: str, open_studio: Open, visit: Open
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/people/demo-ada?trash=1")
    assert await page.get_by_role("link", name="A chat in the trash").is_visible()
    await visitor.go("/people/demo-ada")
    await page.get_by_role("link", name=EVIL).click()
    await page.get_by_role("heading", name=EVIL).wait_for()
    for fold in await page.locator("summary").all():
        await fold.click()
    for path in ("/search?user=demo-ada&q=hacked", f"/chats/{RICH_CHAT}?at=end"):
        shown = page.get_by_role("article").or_(page.get_by_role("listitem"))
        await shown.first.wait_for()
        assert await page.evaluate("window.hacked") is None
        addresses = await page.evaluate(
            "[...document.querySelectorAll('#content a[href]')].map(a => a.protocol)"
        )
        assert set(addresses) <= {"http:", "https:"}
        assert await page.evaluate("document.querySelectorAll('#content script').length") == 0
        await visitor.go(path)
    away = page.get_by_role("link", name="image: a tracker")
    assert (await away.get_attribute("href") or "").startswith("https://tracker.example.com/")
    own = page.get_by_role("img", name="ten pixels")
    assert await own.evaluate("node => node.naturalWidth") == 10
    await visitor.go("/chats/chat_trashed")
    assert await page.get_by_text("Forget this.").is_visible()
    assert await page.get_by_text("In the trash", exact=True).is_visible()
    await visitor.go(f"/chats/{EVIL_CHAT}?message=msg_evil_a")
    assert await page.evaluate("window.hacked") is None


async def test_two_thousand_messages_scroll_from_either_end(
    world: str, open_studio: Open, visit: Open
):
    visitor = await visit(await open_studio(world), height=700)
    page = visitor.page
    await visitor.go(f"/chats/{LONG_CHAT}")
    shown = page.get_by_role("article")
    assert 50 <= await shown.count() < LONG
    await page.get_by_role("button", name="Last message").click()
    last = page.get_by_text(f"Answer {LONG // 2}", exact=True)
    await last.wait_for()
    await page.wait_for_function(
        "() => { const m = document.getElementById('content');"
        " return m.scrollTop + m.clientHeight > m.scrollHeight - 60 }"
    )
    # Earlier ones come above without moving what is read.
    loaded = await shown.count()
    await shown.first.evaluate("node => { window.top_one = node; node.scrollIntoView() }")
    await page.wait_for_function(
        "before => document.querySelectorAll('[role=feed] article').length > before", arg=loaded
    )
    top = await page.evaluate(
        "window.top_one.getBoundingClientRect().top"
        " - document.getElementById('content').getBoundingClientRect().top"
    )
    assert abs(top) < 60
    await page.get_by_role("button", name="First message").click()
    await page.get_by_text("Question 1", exact=True).wait_for()
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    focused = await page.evaluate("document.activeElement.innerText")
    assert "Question 1\n" in focused + "\n"
    await page.keyboard.press("/")
    await page.get_by_role("searchbox", name="Search for").wait_for()


async def test_where_there_are_no_conversations_it_says_what_to_do(
    world: str,
    pg18: PgServer,
    fresh_database: Callable[[PgServer], Databases],
    open_studio: Open,
    visit: Open,
):
    connection = await asyncpg.connect(world)
    await connection.execute(f'alter table "{PREFIX}chat" drop column is_pinned')
    await connection.close()
    visitor = await visit(await open_studio(world))
    visitor.expected.append("409")
    await visitor.go("/people")
    refusal = visitor.page.get_by_role("alert")
    assert "chatkeep migrate" in await refusal.inner_text()

    url = await fresh_database(pg18)()
    await build_maps_world(url)
    visitor = await visit(await open_studio(url, schema=MAPS_SCHEMA))
    await visitor.go("/people?q=alan")
    await visitor.page.get_by_role("link", name="alan@example.com").click()
    await visitor.page.get_by_text("This schema keeps no conversations").wait_for()


async def test_ids_may_be_any_text(world: str, open_studio: Open, visit: Open):
    user, chat, first = "auth0|ü 50%?#&é", "chat 50%25?#&ü", "m 50%?#&ü"
    async with Database(SCHEMA, world) as db:
        await db.users.create(NewUser(id=user, email="odd+1@example.com"))
        mine = db.as_user(user)
        said = NewMessage(id=first, role="user", content="Odd words")
        await mine.chats.create(NewChat(id=chat, title="Odd"), first_message=said)
        await mine.messages.edit(first, NewMessage(role="user", content="Other words"))
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/people?q=odd%2B1")
    await page.get_by_role("link", name="odd+1@example.com").click()
    await page.get_by_role("link", name="Odd").click()
    await page.get_by_text("Other words").wait_for()
    await page.get_by_role("button", name="Show branch 1 of 2").click()
    await page.get_by_text("Odd words").wait_for()
    assert asked(page.url) == {"branch": first, "message": first}
    await page.get_by_role("link", name="Search this chat").click()
    await page.get_by_role("searchbox", name="Search for").fill("words")
    await page.keyboard.press("Enter")
    results = page.get_by_role("list", name="What was found").get_by_role("listitem")
    await results.nth(1).wait_for()
