"""A person looks at migrations, reviews, applies and takes back, in a real browser."""

import re
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from playwright.async_api import Page, expect

pytestmark = pytest.mark.needs("chromium")


async def open_dialog(page: Page, button: str | re.Pattern[str]) -> Any:
    await page.get_by_role("button", name=button).click()
    return page.get_by_role("dialog")


async def test_review_a_pending_index_apply_it_and_take_it_back(
    own_project, until, database_url, rows, open_studio: Callable[..., Any], visit
):
    root = own_project()
    await until(root, database_url, "0001_fill")
    site = await open_studio(database_url, write=True, schema=None, root=root)
    visitor = await visit(site)
    page = visitor.page
    await visitor.go("/migrations")
    line = page.get_by_role("list", name="Migrations").get_by_role("listitem")
    await expect(line).to_have_count(3)
    await expect(line.first).to_contain_text("0002_views")
    await expect(line.first).to_contain_text("Pending")
    await visitor.shot("migrations_list")

    await page.get_by_role("tab", name="Review of what is pending").click()
    finding = page.get_by_role("article", name=re.compile("^index-locks-writes"))
    await expect(finding).to_contain_text("CREATE INDEX CONCURRENTLY")
    locks = page.get_by_role("row", name=re.compile("posts_body_idx"))
    await expect(locks).to_contain_text("SHARE")
    await expect(locks).to_contain_text("writes wait, reads go on")
    await expect(page.get_by_role("row", name=re.compile("ADD COLUMN"))).to_contain_text(
        "reads and writes wait"
    )
    await visitor.shot("migrations_review")
    await finding.get_by_role("button", name="Copy").click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith('CREATE INDEX CONCURRENTLY "posts_body_idx"')
    assert "view=review" in page.url

    database = database_url.partition("?")[0].rpartition("/")[2]
    dialog = await open_dialog(page, "Apply 1 migration…")
    await expect(dialog).to_contain_text(f"Database: {database}")
    await expect(
        dialog.get_by_role("region", name="What would be sent for 0002_views")
    ).to_be_visible()
    await visitor.shot("migrations_plan")
    await dialog.get_by_role("button", name=f"Apply 1 to {database}").click()
    await expect(dialog.get_by_role("status")).to_contain_text("Done")
    await expect(dialog.get_by_role("list", name="Migrations of this run")).to_contain_text("Done")
    await visitor.shot("migrations_done")
    assert await rows(database_url, "select count(*) from posts where views = 0") == [(200,)]
    await dialog.get_by_role("button", name="Close").last.click()
    await page.get_by_role("tab", name="Timeline").click()
    await expect(line.first).to_contain_text("Applied")

    dialog = await open_dialog(page, "Roll back…")
    await expect(dialog.get_by_role("group", name="Data goes")).to_contain_text(
        "column public.posts.views with its values (200 rows now)"
    )
    await visitor.shot("migrations_rollback")
    back = dialog.get_by_role("button", name=f"Take 1 back from {database}")
    await expect(back).to_be_disabled()
    await dialog.get_by_role("checkbox").check()
    await back.click()
    await expect(dialog.get_by_role("status")).to_contain_text("Done")
    await page.keyboard.press("Escape")
    await expect(line.first).to_contain_text("Pending")
    columns = await rows(database_url, "select count(*) from pg_attribute where attname = 'views'")
    assert columns == [(0,)]


async def test_one_migration_in_tabs_whose_state_is_the_address(
    own_project, until, database_url, open_studio, visit
):
    root = own_project()
    await until(root, database_url, "0002_views")
    site = await open_studio(database_url, schema=None, root=root)
    visitor = await visit(site)
    page = visitor.page
    await visitor.go("/migrations")
    await page.get_by_role("link", name="0002_views").focus()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("link", name="0001_fill")).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("0002_views")
    await expect(page.get_by_role("region", name="SQL of 0002_views.sql")).to_contain_text(
        "CREATE INDEX"
    )
    await visitor.shot("migrations_sql")

    await page.get_by_role("tab", name="SQL").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("tab", name="Changes")).to_be_focused()
    table = page.get_by_role("region", name="table public.posts")
    await expect(table.get_by_role("list")).to_contain_text("views")
    definition = table.get_by_role("region", name=re.compile("Definition of"))
    await expect(definition).to_contain_text('added "views" bigint DEFAULT 0 NOT NULL')
    await visitor.shot("migrations_changes")
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("article", name=re.compile("index-locks-writes"))).to_be_visible()
    await page.keyboard.press("End")
    await expect(page.get_by_role("region", name="SQL of 0002_views.down.sql")).to_be_visible()
    await expect(page.get_by_text("Written by hand")).to_be_visible()
    assert page.url.endswith("?tab=reverse")
    await page.reload()
    await expect(page.get_by_role("tab", name="Reverse")).to_have_attribute("aria-selected", "true")
    await page.get_by_role("link", name="Earlier").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("0001_fill")
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("0002_views")
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox").fill("Open 0001")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("0001_fill")


async def test_edited_file_is_shown_and_a_read_only_studio_offers_no_change(
    own_project, until, database_url, open_studio, visit
):
    root = own_project()
    await until(root, database_url, "0001_fill")
    (root / "drizzle" / "0001_fill.sql").write_text("SELECT 1;\n")
    visitor = await visit(await open_studio(database_url, schema=None, root=root))
    page = visitor.page
    await visitor.go("/migrations")
    await page.get_by_role("button", name="To look at 1").click()
    items = page.get_by_role("list", name="Migrations").get_by_role("listitem")
    await expect(items).to_have_count(1)
    await expect(items).to_contain_text("the file changed after being applied")
    await expect(items).to_contain_text("Bring the old content back")
    assert "state=look" in page.url
    await expect(page.get_by_role("button", name=re.compile("Apply|Roll back"))).to_have_count(0)
    await expect(page.get_by_text("This studio only looks")).to_be_visible()
    await visitor.go("/migrations?show=rollback")
    visitor.expected.append("400")
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("changed after")
    await expect(page.get_by_role("button", name=re.compile("Take"))).to_have_count(0)


async def test_failing_migration_is_told_whole_and_two_tabs_run_once(
    own_project, until, database_url, rows, open_studio, visit
):
    root = own_project(
        views='CREATE TABLE "waits" ("id" int);',
        bad='ALTER TABLE "posts" ADD COLUMN "late" int;--> statement-breakpoint\nSELECT 1/0;\n',
    )
    await until(root, database_url, "0001_fill")
    site = await open_studio(database_url, write=True, schema=None, root=root)
    first = await visit(site)
    second = await visit(site)
    second.expected.append("409")
    dialogs = []
    for visitor in (first, second):
        await visitor.go("/migrations?show=apply")
        dialogs.append(visitor.page.get_by_role("dialog"))
        go = dialogs[-1].get_by_role("button", name=re.compile("Apply 2 to"))
        await expect(go).to_be_enabled()
    blocker = await asyncpg.connect(database_url)
    try:
        transaction = blocker.transaction()
        await transaction.start()
        await blocker.execute("lock table posts in access exclusive mode")
        await dialogs[0].get_by_role("button", name=re.compile("Apply 2 to")).click()
        steps = dialogs[0].get_by_role("list", name="Migrations of this run")
        await expect(steps.get_by_role("listitem").nth(0)).to_contain_text("Done")
        await dialogs[1].get_by_role("button", name=re.compile("Apply 2 to")).click()
        await expect(dialogs[1].get_by_role("alert")).to_contain_text("A run is under way")
        await dialogs[1].get_by_role("button", name="Look at it").click()  # the same run
        await expect(dialogs[1].get_by_role("log")).to_contain_text("gave way to")
        await first.page.close()  # which stops nothing
        await transaction.rollback()
    finally:
        await blocker.close()
    await expect(dialogs[1].get_by_role("status")).to_contain_text("Failed")
    failure = dialogs[1].get_by_role("alert")
    await expect(failure).to_contain_text("0003_bad.sql: statement 2 of 2")
    await expect(failure).to_contain_text("left nothing behind")
    states = dialogs[1].get_by_role("list", name="Migrations of this run").get_by_role("listitem")
    await expect(states.nth(0)).to_contain_text("Done")
    await expect(states.nth(1)).to_contain_text("nothing of it stays")
    await second.shot("migrations_failed")
    assert await rows(database_url, "select to_regclass('waits') is not null") == [(True,)]
    assert await rows(database_url, "select 1 from pg_attribute where attname = 'late'") == []


async def test_conversations_open_once_their_tables_are_there(database_url, open_studio, visit):
    site = await open_studio(database_url, write=True)
    visitor = await visit(site)
    page = visitor.page
    client = await site.client()
    assert (await client.get("/api/overview")).json()["problem"] is not None
    await visitor.go("/migrations?show=apply")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name=re.compile(r"Apply \d+ to")).click()
    await expect(dialog.get_by_role("status")).to_contain_text("Done")
    assert (await client.get("/api/overview")).json()["problem"] is None
    await client.aclose()
