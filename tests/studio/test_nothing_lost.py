"""Nobody loses what they typed, the place of the keyboard, or the truth of what is shown."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from fixtures.studio_world import LONG_CHAT, PREFIX

pytestmark = pytest.mark.needs("chromium")

MESSAGES = f"/tables/public/{PREFIX}message"


async def focused(page: Page) -> str:
    """What the keyboard is at: name of its element, and its id or label."""
    found: str = await page.evaluate(
        "(({ tagName, id, ariaLabel, textContent }) =>"
        " `${tagName} ${id || ariaLabel || textContent}`)(document.activeElement)"
    )
    return found


async def test_what_is_being_typed_stays_while_one_scrolls_or_presses_beside_it(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world, write=True))
    page = visitor.page
    await visitor.go(MESSAGES)
    grid = page.get_by_role("grid")
    await page.get_by_role("gridcell", name="assistant", exact=True).first.dblclick()
    field = page.get_by_label("New value of role")
    await field.fill("half a wo")
    for by in (2400, -2400):
        await grid.evaluate("(grid, by) => grid.scrollBy(0, by)", by)
        await page.get_by_text("loaded" if by > 0 else "assistant").first.wait_for()
    await expect(field).to_have_value("half a wo")
    await expect(field).to_be_focused()
    await field.press("Escape")

    # The value of a whole row stands in a large field, whose dialog a press beside it would close.
    await page.get_by_role("button", name="Open the row").first.click()
    await page.get_by_role("button", name="Edit content").click()
    large = page.get_by_role("textbox", name="New value of content")
    await large.fill("a long text, nearly done")
    await page.mouse.click(5, 5)
    await expect(large).to_have_value("a long text, nearly done")
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_the_keyboard_goes_on_where_what_it_pressed_is_gone(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world, write=True))
    page = visitor.page
    await visitor.go(f'{MESSAGES}?filter=[{{"column":"role","op":"%3D","value":"user"}}]')
    await page.get_by_role("button", name="Remove").press("Enter")
    assert await focused(page) == "BUTTON + Filter"
    await page.get_by_role("gridcell", name="user", exact=True).first.click()
    await page.keyboard.press("Delete")
    await page.keyboard.press("Space")
    await page.get_by_role("button", name="Delete row").press("Enter")
    assert (await focused(page)).startswith("DIV Rows of")
    await page.get_by_role("button", name="Discard").press("Enter")
    assert (await focused(page)).startswith("DIV Rows of")

    await visitor.go("/people")
    await page.get_by_role("link", name="ada@example.com").press("Enter")
    await expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    assert await focused(page) == "MAIN content"
    await page.get_by_role("link", name="Sessions").press("Enter")
    await expect(page.get_by_role("link", name="Sessions")).to_have_attribute(
        "aria-current", "page"
    )
    assert await focused(page) == "A Sessions"


async def test_nothing_is_called_well_before_it_was_read(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    asked, answered = asyncio.Event(), asyncio.Event()

    async def slowly(route: Route) -> None:
        asked.set()
        await answered.wait()
        await route.abort()

    visitor.expected.append("ERR_FAILED")
    await page.route("**/api/migrations", slowly)
    await page.goto(visitor.site.url)
    await asked.wait()
    await expect(page.get_by_text("The doctor has not looked yet")).to_be_visible()
    await expect(page.get_by_text("Nothing that shows")).to_have_count(0)
    answered.set()
    await expect(page.get_by_text("migrations could not be read")).to_be_visible()
    await expect(page.get_by_text("Nothing that shows")).to_have_count(0)


async def test_a_date_is_typed_without_asking_for_every_year_on_the_way(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/insight")
    await page.get_by_role("button", name="Custom").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    since = page.get_by_label("From", exact=True)
    await since.press_sequentially("01022026")
    await expect(since).to_have_value("2026-01-02")
    await visitor.settled()
    assert {url.split("since=")[1][:4] for url in asked if "since=" in url} == {"2026"}
    await page.go_back()
    await expect(page.get_by_role("button", name="30 days")).to_have_attribute(
        "aria-pressed", "true"
    )


async def test_a_place_in_a_long_conversation_outlives_a_failure(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go(f"/chats/{LONG_CHAT}")
    asked: list[str] = []

    async def refuse(route: Route) -> None:
        asked.append(route.request.url)
        await route.abort()

    visitor.expected.append("ERR_FAILED")
    await page.route("**/messages?*after=*", refuse)
    last = page.get_by_role("article").last
    await last.scroll_into_view_if_needed()
    failure = page.get_by_role("alert")
    await expect(failure).to_contain_text("does not answer")
    shown = await page.get_by_role("article").count()
    assert shown > 10
    # Asked once, and not again and again as long as its place is in view.
    await page.mouse.wheel(0, -200)
    await page.mouse.wheel(0, 400)
    await visitor.settled()
    assert len(asked) == 1
    await page.unroute("**/messages?*after=*")
    await failure.get_by_role("button", name="Try again").click()
    await expect(failure).to_have_count(0)
    await expect(page.get_by_role("article").nth(shown)).to_be_attached()


async def test_a_run_whose_cancelling_fails_leaves_the_console_ready(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/sql?q=select+pg_sleep(30)")
    await page.get_by_role("button", name="Run", exact=True).click()
    visitor.expected.append("ERR_FAILED")
    await page.route("**/cancel", lambda route: route.abort())
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()


async def test_who_is_searched_is_chosen_and_chosen_anew_by_keyboard(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/search")
    await page.get_by_role("button", name="ada@example.com").press("Enter")
    query = page.get_by_role("searchbox", name="Search for")
    await expect(query).to_be_focused()
    await page.get_by_role("button", name="Another person").press("Enter")
    await expect(page.get_by_role("searchbox")).to_be_focused()


async def test_at_twice_the_size_there_is_room_to_write_and_a_text_begins_where_it_is_read(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world), width=640, height=400)
    page = visitor.page
    await visitor.go("/sql?q=select+repeat('%D7%A9%D7%9C%D7%95%D7%9D+',99),'a'||chr(10)||'b'")
    editor = await page.get_by_role("textbox", name="SQL").bounding_box()
    assert editor is not None
    assert editor["height"] >= 60
    await page.get_by_role("button", name="Run", exact=True).click()
    cell = page.get_by_role("gridcell").first
    assert await cell.evaluate("(cell) => getComputedStyle(cell).direction") == "rtl"
    await expect(page.get_by_role("gridcell").last).to_have_text("a ↵ b")
