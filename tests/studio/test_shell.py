"""What stands around every screen: palette, keys, theme, menu."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
async def visitor(world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]) -> Any:
    return await visit(await open_studio(world))


async def test_the_palette_leads_to_a_table(visitor: Any):
    page = visitor.page
    await page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Go to or do")
    await expect(box).to_be_focused()
    await box.fill("template_message")
    await expect(page.get_by_role("option").first).to_contain_text("ai-app-template_message")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/tables/public/ai-app-template_message*")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_the_palette_finds_by_some_letters_and_walks_with_the_arrows(visitor: Any):
    page = visitor.page
    await page.get_by_role("button", name="Go to or do…").click()
    await page.keyboard.type("mgr")
    await expect(page.get_by_role("option").first).to_contain_text("Migrations")
    await page.keyboard.press("ArrowUp")  # from the first to the last
    await expect(page.get_by_role("option").last).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/migrations")


async def test_words_that_are_no_command_lead_to_people_and_chats(visitor: Any):
    page = visitor.page
    await page.keyboard.press("Control+k")
    await page.keyboard.type("chat_rich")
    await page.get_by_role("option", name="Open chat chat_rich").click()
    await page.wait_for_url("**/chats/chat_rich")


async def test_people_go_before_names_that_only_hold_the_letters(visitor: Any):
    page = visitor.page
    await page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Go to or do")
    for asked in ("ada", "alan", "ada@example.com"):
        await box.fill(asked)
        await expect(page.get_by_role("option").first).to_contain_text(f"Find people: {asked}")
    for asked, found in (("mess", "message"), ("dark", "Change the theme"), ("light", "theme")):
        await box.fill(asked)
        await expect(page.get_by_role("option").first).to_contain_text(found)


async def test_escape_closes_the_palette_and_gives_the_focus_back(visitor: Any):
    page = visitor.page
    opener = page.get_by_role("button", name="Go to or do…")
    await opener.focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(opener).to_be_focused()


async def test_two_keys_go_to_a_screen_and_back_goes_back(visitor: Any):
    page = visitor.page
    await page.keyboard.press("g")
    await page.keyboard.press("m")
    await page.wait_for_url("**/migrations")
    assert await page.evaluate("document.activeElement.id") == "content"
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


async def test_letters_are_text_where_somebody_writes(visitor: Any):
    page = visitor.page
    await visitor.go("/people")
    field = page.get_by_role("searchbox").first
    await field.fill("")
    await field.type("gm?")
    await expect(field).to_have_value("gm?")
    assert "/people" in page.url
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_the_question_mark_lists_the_keys(visitor: Any):
    page = visitor.page
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(dialog.get_by_text("Migrations")).to_be_visible()
    await expect(dialog.get_by_text("Open the command palette")).to_be_visible()


async def test_the_theme_is_kept_in_this_browser(visitor: Any):
    page = visitor.page
    back = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(back)
    await page.get_by_role("button", name="Theme: system").click()
    assert await page.evaluate(back) == light
    await page.get_by_role("button", name="Theme: light").click()
    dark = await page.evaluate(back)
    assert dark != light
    await page.reload()
    await expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert await page.evaluate(back) == dark


async def test_the_first_tab_skips_to_the_content(visitor: Any):
    page = visitor.page
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "content"


async def test_a_narrow_window_has_a_menu(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world), width=360, height=740)
    page = visitor.page
    link = page.get_by_label("Menu").get_by_role("link", name="Migrations")
    await expect(link).to_be_hidden()
    await page.get_by_role("button", name="Menu").click()
    await link.click()
    await page.wait_for_url("**/migrations")
    await expect(link).to_be_hidden()


async def test_an_unknown_address_says_so(visitor: Any):
    await visitor.go("/nonesuch")
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text("There is no such page")


async def test_a_server_that_went_away_is_told_with_what_to_do(visitor: Any):
    visitor.expected += ["ERR_", "Failed to load"]
    await visitor.page.route("**/api/**", lambda route: route.abort())
    await visitor.page.keyboard.press("g")
    await visitor.page.keyboard.press("p")
    alert = visitor.page.get_by_role("alert").first
    await expect(alert).to_contain_text("does not answer")
    await visitor.page.unroute("**/api/**")
    await alert.get_by_role("button", name="Try again").click()
    await expect(visitor.page.get_by_role("alert")).to_have_count(0)
