"""The SQL screen, used as a person uses it."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

pytestmark = pytest.mark.needs("chromium")
WHOLE = pytest.mark.skipif(os.environ.get("CHATKEEP_FULL") != "1", reason="CHATKEEP_FULL=1")


async def write(page: Page, sql: str) -> None:
    """Replace what the editor holds."""
    await page.get_by_role("textbox", name="SQL to run").click()
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Delete")
    await page.keyboard.insert_text(sql)


async def test_a_query_is_run_and_its_rows_are_read_and_copied(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/sql")
    await write(page, "select n, null as none, 'a,b' as text from generate_series(1, 400) as n")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("400 rows")).to_be_visible()
    await expect(page.get_by_text("Read-only run")).to_be_visible()
    grid = page.get_by_role("grid", name="Rows of statement 1")
    await expect(grid.get_by_role("columnheader", name="none")).to_be_visible()
    await visitor.shot("sql-rows")
    assert await grid.get_by_role("row").count() < 60  # the rest is not in the page
    await grid.focus()
    await page.keyboard.press("Control+End")
    await expect(grid.get_by_role("rowheader", name="400", exact=True)).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="text, row 400")).to_contain_text("a,b")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Copy CSV").click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[:2] == ["n,none,text", '1,,"a,b"']
    await page.get_by_role("button", name="Copy JSON").click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert json.loads(copied)[399] == {"n": 400, "none": None, "text": "a,b"}
    await page.reload()
    await visitor.settled()
    await expect(page.get_by_role("textbox", name="SQL to run")).to_contain_text("generate_series")
    await write(page, "select 'a; b' as first; select 'second' as second")
    await page.keyboard.press("Home")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("gridcell", name="a; b")).to_be_visible()
    await expect(page.get_by_role("tab")).to_have_count(0)
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("tab")).to_have_count(2)


async def test_completion_offers_tables_and_columns(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/sql")
    await write(page, 'select  from "ai-app-template_message" m')
    await page.keyboard.press("Home")
    for _ in range(len("select ")):
        await page.keyboard.press("ArrowRight")
    await page.keyboard.type("upd")
    option = page.get_by_role("option", name="updated_at")
    await expect(option).to_be_visible()
    await visitor.shot("sql-completion")
    await option.click()
    await expect(page.get_by_role("textbox", name="SQL to run")).to_contain_text(
        "select updated_at"
    )
    await write(page, "select * from ai-app")
    await page.keyboard.press("Control+Space")
    await write(page, 'select m. from "ai-app-template_message" m')
    await page.keyboard.press("Home")
    for _ in range(len("select m.")):
        await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Control+Space")
    await expect(page.get_by_role("option", name="chat_id")).to_be_visible()


async def test_an_error_is_shown_at_its_place(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/sql")
    await write(page, "select 1;\nselect oid,\n  nowhere from pg_class;\nselect 3")
    await page.keyboard.press("Control+Shift+Enter")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text('column "nowhere" does not exist')
    await expect(alert).to_contain_text("Statement 2 of 3 failed · Line 3, column 3")
    await expect(alert).to_contain_text("1 after it did not run")
    await expect(page.locator(".cm-trouble")).to_have_text("nowhere")
    await visitor.shot("sql-error")
    await page.get_by_role("tab", name="Statement 1").click()
    await expect(page.get_by_text("1 row", exact=True).last).to_be_visible()
    # At the cursor, one statement alone is run; its error is marked at the same place.
    await page.get_by_role("tab", name="Statement 2").click()
    await page.get_by_role("button", name="Show in the editor").click()
    await page.keyboard.press("Control+Enter")
    await expect(alert).to_contain_text("Statement 1 of 1 failed")
    await expect(page.locator(".cm-trouble")).to_have_text("nowhere")


async def test_a_plan_is_read(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/sql")
    await write(
        page,
        "select a.n, count(*) from generate_series(1, 20000) as a(n)"
        " join generate_series(1, 300) as b(n) using (n) where a.n % 3 = 0 group by 1 order by 2",
    )
    await page.get_by_role("button", name="Explain").click()
    await expect(page.get_by_text("Estimated: nothing ran.")).to_be_visible()
    await page.get_by_role("button", name="Analyze").click()
    plan = page.get_by_role("region", name="Plan of the statement")
    await expect(plan).to_contain_text("planned in")
    await expect(plan).to_contain_text("Take rows of a function")
    await expect(plan).to_contain_text("rows read and thrown away")
    await visitor.shot("sql-plan")
    await write(page, "select * from \"ai-app-template_message\" where id = 'x'")
    await page.get_by_role("button", name="Explain").click()
    await expect(plan).to_contain_text("by index")


async def test_a_long_run_is_cancelled(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/sql")
    await page.get_by_label("Time-out").select_option("10 min")
    await write(page, "select pg_sleep(500)")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Running, ")).to_be_visible()
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("alert")).to_contain_text("The run was cancelled.")
    await expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()


async def test_queries_are_saved_and_found_again(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    site = await open_studio(world)
    visitor = await visit(site)
    page = visitor.page
    await visitor.go("/sql?q=select%2042%20as%20answer")
    editor = page.get_by_role("textbox", name="SQL to run")
    await expect(editor).to_contain_text("select 42")
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.get_by_role("gridcell", name="42")).to_be_visible()
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.get_by_label("Name").fill("The answer")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{site.url}/sql?saved=The+answer")
    assert (site.root / "chatkeep-queries" / "The answer.sql").read_text() == "select 42 as answer"
    await page.get_by_role("button", name="New query").click()
    await expect(editor).to_have_text("select …")
    await page.get_by_role("button", name="Saved", exact=True).click()
    await page.get_by_role("link", name="The answer").click()
    await expect(editor).to_contain_text("select 42 as answer")
    await visitor.shot("sql-saved")
    await editor.click()
    await page.keyboard.press("Control+End")
    await page.keyboard.type(" + 1")
    await page.reload()
    await visitor.settled()
    await expect(editor).to_contain_text("answer + 1")
    await expect(page.get_by_text("Changed")).to_be_visible()
    (site.root / "chatkeep-queries" / "The answer.sql").write_text("select 7")
    visitor.expected.append("409")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("another text under 'The answer'")
    library = page.get_by_role("complementary", name="Saved queries and history")
    await library.get_by_role("button", name="History").click()
    await expect(library.get_by_role("button", name="select 42 as answer")).to_be_visible()
    await library.get_by_label("Search").fill("zebra")
    await expect(library.get_by_text("Nothing found")).to_be_visible()
    await library.get_by_label("Search").fill("ANSWER")
    await library.get_by_role("button", name="select 42 as answer").click()
    await expect(page).to_have_url(f"{site.url}/sql?panel=history")
    await expect(editor).to_have_text("select 42 as answer")
    await page.go_back()
    await expect(page.get_by_role("heading", name="SQL")).to_be_visible()


async def test_everything_is_reached_by_keyboard(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world, write=True))
    page = visitor.page
    await visitor.go("/sql")
    await page.get_by_role("textbox", name="SQL to run").focus()
    await page.keyboard.type("-- g t ?\n")  # no command of the page
    await page.keyboard.insert_text("create table made (id int);\ninsert into made values (1)")
    await page.keyboard.press("Tab")  # writes, it does not leave
    await page.keyboard.press("Escape")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Run", exact=True)).to_be_focused()
    for _ in range(4):
        await page.keyboard.press("Tab")
    await expect(page.get_by_role("switch", name="Write")).to_be_focused()
    await page.keyboard.press("Space")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    await expect(page.get_by_role("button", name="Run all")).to_be_focused()
    await visitor.shot("sql-write")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("tab", name="Statement 2 1 row affected")).to_be_visible()
    await expect(page.get_by_text("Stored")).to_be_visible()
    bar = page.get_by_role("separator", name="Height of the editor")
    before = await bar.get_attribute("aria-valuenow")
    await bar.focus()
    await page.keyboard.press("ArrowDown")
    assert await bar.get_attribute("aria-valuenow") == str(int(before or 0) + 5)


async def test_secrets_are_hidden(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/sql")
    await write(page, "select 'ada' as name, rolpassword, rolname from pg_authid")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("columnheader", name="rolpassword")).to_contain_text("secret")
    await write(page, "select 1 from pg_authid where rolpassword like 'S%'")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("alert")).to_contain_text("pg_authid.rolpassword is secret")


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (360, "dark"),
        pytest.param(1280, "dark", marks=[pytest.mark.slow, WHOLE]),
        pytest.param(2560, "light", marks=[pytest.mark.slow, WHOLE]),
    ],
)
async def test_it_fits(
    world: str,
    open_studio: Callable[..., Any],
    visit: Callable[..., Any],
    width: int,
    theme: str,
):
    visitor = await visit(await open_studio(world, write=True), width=width, theme=theme)
    page = visitor.page
    await visitor.go("/sql")
    await write(page, 'select * from "ai-app-template_message";\nselect * from nowhere')
    await page.get_by_role("button", name="Run all").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await visitor.shot(f"sql-error-{width}-{theme}")
    await page.get_by_role("tab", name="Statement 1").click()
    await visitor.shot(f"sql-rows-{width}-{theme}")
    await page.get_by_role("button", name="History").first.click()
    await visitor.settled()
    await visitor.shot(f"sql-history-{width}-{theme}")
    beyond = "(e => e.scrollWidth > e.clientWidth)(document.getElementById('content'))"
    assert not await page.evaluate(beyond)
    await page.get_by_role("button", name="Close").click()
    await write(page, 'select * from "ai-app-template_message" order by content limit 5')
    await page.get_by_role("button", name="Analyze").click()
    await expect(page.get_by_role("region", name="Plan of the statement")).to_be_visible()
    await visitor.shot(f"sql-plan-{width}-{theme}")
    assert not await page.evaluate(beyond)
