"""What cannot be loaded or drawn says so, and the rest of the page goes on."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
async def visitor(world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]) -> Any:
    return await visit(await open_studio(world))


async def test_a_screen_that_cannot_be_loaded_says_so_and_comes_when_asked_again(visitor: Any):
    visitor.expected += ["ERR_", "Failed to", "does not answer"]
    page = visitor.page
    await page.route("**/*", lambda route: route.abort())
    await page.keyboard.press("g")
    await page.keyboard.press("m")
    alert = page.get_by_role("main").get_by_role("alert")
    await expect(alert).to_contain_text("The studio's server does not answer.")
    again = alert.get_by_role("button", name="Try again")
    async with page.expect_request(visitor.site.url + "/"):
        await again.click()
    await expect(alert).to_contain_text("does not answer")  # and no page of the browser's own
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    await page.go_back()
    await page.unroute("**/*")
    await again.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Migrations")


async def test_a_screen_that_breaks_down_leaves_the_way_to_the_others(visitor: Any):
    visitor.expected += ["TypeError", "not iterable", "null", "undefined"]
    page = visitor.page
    await page.route("**/api/migrations", lambda route: route.fulfill(json={"migrations": 7}))
    await visitor.go("/migrations")
    alert = page.get_by_role("main").get_by_role("alert")
    await expect(alert).to_contain_text("This page broke down.")
    await page.keyboard.press("g")
    await page.keyboard.press("p")
    await expect(page.get_by_role("heading", level=1)).to_have_text("People")
    await page.go_back()
    await page.unroute("**/api/migrations")
    await visitor.go("/migrations")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Migrations")
