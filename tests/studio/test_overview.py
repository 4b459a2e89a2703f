"""The first page: what it shows of databases in every state."""

from collections.abc import Callable
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from playwright.async_api import expect

from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from fixtures.servers import PgServer
from fixtures.studio_world import FOLDER, MAPS_SCHEMA, PREFIX, RICH_CHAT, SCHEMA

MESSAGE = f"{PREFIX}message"


async def _run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _get(site: Any, path: str) -> Any:
    async with aclosing(await site.client()) as client:
        answer = await client.get(f"/api/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.needs("chromium")
async def test_a_world_at_one_look(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    figures = page.get_by_role("list", name="The database in figures")
    await expect(figures.get_by_role("link", name="Conversations")).to_contain_text("stored")
    await expect(figures.get_by_role("link", name="Migrations")).to_contain_text("all applied")
    await expect(page.get_by_text("Nothing that shows at one look.")).to_be_visible()
    largest = page.get_by_role("region", name="Largest tables")
    await expect(largest.get_by_role("rowheader").first).to_have_text(MESSAGE)
    await page.get_by_role("button", name="Let the doctor look").click()
    await page.get_by_role("link", name="The doctor found 2 errors").click()
    await expect(page.get_by_text("setting fsync")).to_be_visible()
    await page.go_back()
    recent = page.get_by_role("region", name="Recent conversations")
    chat = recent.get_by_role("link", name="Partial indexes in PostgreSQL")
    await expect(chat).to_have_attribute("href", f"/chats/{RICH_CHAT}")
    await visitor.shot("overview")
    await largest.get_by_role("link", name=MESSAGE, exact=True).click()
    await expect(page.get_by_role("heading", name=MESSAGE, level=1)).to_be_visible()


async def test_it_tells_where_the_database_is_and_never_the_password(
    world: str, open_studio: Callable[..., Any]
):
    host = urlsplit(world)
    url = world.replace("postgres@", "postgres:S3CRET-PASSWORD@", 1)
    site = await open_studio(url)
    for path in ("overview", "overview/glance", "overview/recent"):
        assert "S3CRET" not in str(await _get(site, path))
    about = await _get(site, "overview")
    assert about["place"].startswith(f"{about['database']} at /")
    assert about["role"] == "postgres"
    assert host.path == f"/{about['database']}"


async def test_what_was_migrated_in_a_terminal_is_seen_at_the_next_look(
    database_url: str, open_studio: Callable[..., Any]
):
    site = await open_studio(database_url)
    assert (await _get(site, "overview"))["problem"] is not None
    assert (await _get(site, "overview/recent"))["chats"] is None
    await migrate(Folder.read(FOLDER), database_url)
    assert (await _get(site, "overview"))["problem"] is None
    assert (await _get(site, "overview/recent"))["chats"] == []


@pytest.mark.needs("chromium")
async def test_pending_migrations_are_told_first(
    database_url: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    await migrate(Folder.read(FOLDER), database_url, to="0003_add_search_cache_and_user_settings")
    visitor = await visit(await open_studio(database_url))
    attention = visitor.page.get_by_role("region", name="Needs attention")
    await expect(attention.get_by_role("listitem").first).to_contain_text("chatkeep migrate")
    await expect(
        visitor.page.get_by_role("link", name="Migrations 4 pending, 4 applied")
    ).to_be_visible()
    await visitor.shot("overview-pending")
    await attention.get_by_role("link", name="4 migrations are pending").click()
    await expect(visitor.page.get_by_role("heading", name="Migrations", level=1)).to_be_visible()


@pytest.mark.needs("chromium")
async def test_an_empty_database_without_a_schema_says_what_to_do(
    database_url: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(database_url, schema=None))
    page = visitor.page
    await expect(page.get_by_text("This database has no tables yet")).to_be_visible()
    attention = page.get_by_role("region", name="Needs attention")
    await expect(attention).to_contain_text('Write schema = "package.module:name"')
    await expect(page.get_by_text("Conversations cannot be read yet")).to_be_visible()
    await expect(page.get_by_role("link", name="Conversations 0")).to_have_count(0)


@pytest.mark.needs("chromium")
async def test_the_maps_preset_has_people_and_no_conversations(
    pg18: PgServer,
    fresh_database: Callable[..., Any],
    open_studio: Callable[..., Any],
    visit: Callable[..., Any],
):
    url = await fresh_database(pg18).holding(MAPS_SCHEMA)
    visitor = await visit(await open_studio(url, schema=MAPS_SCHEMA))
    figures = visitor.page.get_by_role("list", name="The database in figures")
    await expect(figures.get_by_role("link", name="People 0")).to_be_visible()
    await expect(figures.get_by_role("link", name="Messages")).to_have_count(0)
    await expect(visitor.page.get_by_text("This schema has no conversations")).to_be_visible()


async def test_broken_indexes_and_untended_tables_are_told(
    pg: PgServer, fresh_database: Callable[..., Any], open_studio: Callable[..., Any]
):
    url = await fresh_database(pg)()
    await _run(
        url,
        "create table big (n int) with (autovacuum_enabled = off)",
        "insert into big select generate_series(1, 2000); select pg_stat_force_next_flush()",
        "create index broken on big (n)",
        "update pg_index set indisvalid = false where indexrelid = 'broken'::regclass",
        "create table parted (n int) partition by range (n)",
        "create table part partition of parted for values from (0) to (9)",
    )
    found = await _get(await open_studio(url, schema=None), "overview/glance")
    assert found["invalid"] == [{"schema": "public", "table": "big", "index": "broken"}]
    assert found["untended"] == [
        {"schema": "public", "table": "big", "rows": 2000, "vacuum": True, "analyze": True}
    ]
    assert [each["name"] for each in found["largest"]] == ["big", "parted"]
    assert found["connections"]["used"] >= 1


async def test_figures_are_estimates_where_there_are_statistics(
    world: str, open_studio: Callable[..., Any]
):
    site = await open_studio(world)
    counted = (await _get(site, "overview/glance"))["counts"]["messages"]
    assert (counted["estimated"], counted["more"]) == (False, False)
    await _run(world, f'analyze "{MESSAGE}"')
    estimated = (await _get(site, "overview/glance"))["counts"]["messages"]
    assert estimated == {"rows": counted["rows"], "more": False, "estimated": True}


async def test_a_locked_table_holds_up_no_glance(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world)
    blocker = await asyncpg.connect(world)
    try:
        async with blocker.transaction():
            await blocker.execute(f'lock table "{PREFIX}user" in access exclusive mode')
            found = await _get(site, "overview/glance")
    finally:
        await blocker.close()
    assert found["counts"]["users"]["rows"] is None
    assert found["counts"]["chats"]["rows"] > 0
    assert found["tables"] == len(SCHEMA.tables)


@pytest.mark.needs("chromium")
async def test_migrations_that_cannot_be_read_are_unknown(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    role = f"reader_{uuid4().hex[:8]}"
    await _run(
        world,
        f"create role {role} login",
        f"grant select on all tables in schema public to {role}",
    )
    connection = await asyncpg.connect(world)
    try:
        visitor = await visit(await open_studio(world.replace("postgres@", f"{role}@", 1)))
        figures = visitor.page.get_by_role("list", name="The database in figures")
        tile = figures.get_by_role("link", name="Migrations")
        await expect(tile).to_contain_text("unknown")
        await expect(tile).not_to_contain_text("applied")
    finally:
        await connection.execute(f"drop owned by {role}; drop role {role}")
        await connection.close()


@pytest.mark.needs("chromium")
async def test_one_try_again_asks_for_everything(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    visitor.expected += ["ERR_", "Failed to load"]
    await page.route("**/api/**", lambda route: route.abort())
    await visitor.go("/")
    await visitor.shot("overview-away")
    tile = page.get_by_role("list", name="The database in figures").get_by_role(
        "link", name="Migrations"
    )
    await expect(tile).to_contain_text("unknown")
    await page.unroute("**/api/**")
    await page.get_by_role("button", name="Try again").first.click()
    await expect(page.get_by_role("alert")).to_have_count(0)
    await expect(tile).to_contain_text("all applied")
    await expect(page.get_by_role("banner")).to_contain_text("PostgreSQL 18")
    await visitor.go("/insight")
    await page.route("**/api/**", lambda route: route.abort())
    await visitor.go("/insight")
    await page.unroute("**/api/**")
    await page.get_by_role("main").get_by_role("button", name="Try again").first.click()
    await expect(page.get_by_role("banner")).to_contain_text("PostgreSQL 18")
