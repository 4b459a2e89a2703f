"""Insight in a real browser: as somebody reads it who runs a product."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from playwright.async_api import expect

from chatkeep.database import Database
from chatkeep.database.creation import create_tables
from fixtures.servers import Databases, PgServer, start_server, stop_server
from fixtures.studio_world import ADA, MAPS_SCHEMA, PREFIX, SCHEMA, build_maps_world

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
async def connection(world: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(world)
    yield opened
    await opened.close()


async def test_usage_is_read_and_the_period_changed_by_keyboard(
    world: str,
    connection: asyncpg.Connection,
    open_studio: Callable[..., Any],
    visit: Callable[..., Any],
):
    await connection.execute(
        f"""insert into "{PREFIX}message_usage" (user_id, message_id, chat_id, model,
            prompt_tokens, completion_tokens, total_tokens, cost, created_at)
        select '{ADA}', 'old_' || n, 'c', 'old-model', 1000, 500, 1500, 0.25, now() - n * interval '10 days'
        from generate_series(1, 2) n"""
    )
    sums = await connection.fetch(
        f"""select count(*) filter (where d <= 7), count(*) from (select current_date
        - created_at::date + 1 as d from "{PREFIX}message_usage") u where d <= 30"""
    )
    week, month = sums[0]
    assert month - week == 2
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await page.keyboard.press("g")
    await page.keyboard.press("i")
    await visitor.settled()
    await expect(page.get_by_role("heading", name="Insight: Usage")).to_be_visible()
    tiles = page.locator("dl", has_text="Answers")
    await expect(tiles).to_contain_text(f"Answers{month}")
    models = page.get_by_role("table", name="By model")
    await expect(models.get_by_role("cell", name="old-model")).to_be_visible()
    await expect(models.locator("tr", has_text="old-model")).to_contain_text("0.50")
    people = page.get_by_role("table", name="By user")
    await expect(people.get_by_role("link", name="Ada Lovelace")).to_have_attribute(
        "href", re.compile(f"/people/{ADA}$")
    )
    # The picture's text alternative, by keyboard.
    summary = page.get_by_role("figure", name="Tokens by day").get_by_text("Numbers as a table")
    await summary.focus()
    await page.keyboard.press("Enter")
    table = page.get_by_role("table", name="Tokens by day")
    assert await table.get_by_role("row").count() == 31
    day = (datetime.now(UTC) - timedelta(days=10)).strftime("%b %-d, %Y")
    await expect(table.get_by_role("row", name=day)).to_have_text(f"{day}1,000500")
    # Sorted by a head: the order stands in the address.
    await models.get_by_role("button", name="Tokens").press("Enter")
    await expect(models.get_by_role("columnheader", name="Tokens")).to_have_attribute(
        "aria-sort", "descending"
    )
    assert "sort-model=-tokens" in page.url
    await page.get_by_role("button", name="7 days").focus()
    await page.keyboard.press("Enter")
    await visitor.settled()
    assert "days=7" in page.url
    await expect(tiles).to_contain_text(f"Answers{week}")
    await expect(models.get_by_role("cell", name="old-model")).to_have_count(0)
    await page.go_back()
    await expect(tiles).to_contain_text(f"Answers{month}")
    await page.get_by_role("button", name="Custom").click()
    first = (datetime.now(UTC) - timedelta(days=11)).date().isoformat()
    last = (datetime.now(UTC) - timedelta(days=9)).date().isoformat()
    await page.get_by_label("From", exact=True).fill(first)
    await page.get_by_label("To", exact=True).fill(last)
    await expect(tiles).to_contain_text("Answers1")
    assert f"since={first}" in page.url
    assert f"until={last}" in page.url
    await page.get_by_role("button", name="Look in metadata").click()
    await expect(page.get_by_text("No message of this period has tokens")).to_be_visible()


async def test_nothing_recorded_says_how_to_record(
    pg18: PgServer,
    fresh_database: Callable[[PgServer], Databases],
    open_studio: Callable[..., Any],
    visit: Callable[..., Any],
):
    url = await fresh_database(pg18).holding(SCHEMA)
    visitor = await visit(await open_studio(url))
    page = visitor.page
    await visitor.go("/insight")
    await expect(page.get_by_text("No usage was recorded in this period")).to_be_visible()
    await expect(page.get_by_text("usage.record(")).to_be_visible()
    await page.get_by_role("link", name="Activity").click()
    await expect(page.get_by_text("Nothing in this period")).to_have_count(4)
    await page.get_by_role("link", name="Search cache").click()
    await expect(page.get_by_text("search_cache.get_or_fetch")).to_be_visible()
    await expect(page.get_by_text("No entry is waiting to expire.")).to_be_visible()


async def test_a_database_without_conversations_says_what_it_lacks(
    pg18: PgServer,
    fresh_database: Callable[[PgServer], Databases],
    open_studio: Callable[..., Any],
    visit: Callable[..., Any],
):
    url = await fresh_database(pg18)()
    await build_maps_world(url)
    visitor = await visit(await open_studio(url, schema=MAPS_SCHEMA))
    page = visitor.page
    await visitor.go("/insight/usage")
    await expect(page.get_by_text("This database records no usage")).to_be_visible()
    await page.get_by_role("link", name="Search cache").click()
    await expect(page.get_by_text("This database has no search cache")).to_be_visible()
    await page.get_by_role("link", name="Activity").click()
    await expect(page.get_by_role("figure", name="New users by day")).to_be_visible()
    await expect(page.get_by_role("heading", name="Messages by day")).to_have_count(0)


async def test_the_cache_shows_its_hit_ratio(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    since = datetime.now(UTC) - timedelta(days=6)
    async with Database(SCHEMA, world) as db:
        stats = await db.search_cache.stats(since=since)
    assert stats.hit_rate is not None
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/insight/cache?days=7")
    tiles = page.locator("dl", has_text="Hit ratio")
    await expect(tiles).to_contain_text(f"Hit ratio{stats.hit_rate * 100:.1f} %of {stats.calls}")
    tiers = page.get_by_role("table", name="By tier")
    for tier in stats.tiers:
        name = {"redis": "Redis", "postgres": "PostgreSQL", "fetch": "fetched"}.get(
            tier.tier, tier.tier
        )
        await expect(tiers.get_by_role("row", name=name)).to_contain_text(f"{tier.calls}")
    popular = page.get_by_role("table", name="Searched for most")
    await expect(popular.get_by_role("row")).to_have_count(len(stats.queries) + 1)
    await visitor.shot("insight-cache")


async def test_a_figure_that_takes_too_long_blocks_no_other(
    world: str,
    connection: asyncpg.Connection,
    open_studio: Callable[..., Any],
    visit: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("chatkeep.studio.figures.asking.SECONDS", 0.3)
    site = await open_studio(world)
    visitor = await visit(site)
    page = visitor.page
    # The view takes the place of the table: reading it takes longer than may be.
    await connection.execute(
        f"""alter table "{PREFIX}chat" rename to hidden;
        create view "{PREFIX}chat" as select h.* from hidden h where pg_sleep(1) is not null"""
    )
    await visitor.go("/insight/activity")
    chats = page.get_by_role("region", name="New chats by day")
    await expect(chats.get_by_text("This took longer than 0.3 s")).to_be_visible()
    await expect(chats.get_by_text("CREATE INDEX CONCURRENTLY")).to_be_visible()
    await expect(page.get_by_role("figure", name="Messages by day")).to_be_visible()
    await connection.execute(
        f'drop view "{PREFIX}chat"; alter table hidden rename to "{PREFIX}chat"'
    )
    await chats.get_by_role("button", name="Estimate from a sample").click()
    await expect(page.get_by_role("figure", name="New chats by day")).to_be_visible()
    await expect(chats.get_by_role("button", name="Count exactly")).to_be_visible()


@pytest.fixture(scope="session")
def counting(pg18: PgServer) -> Iterator[PgServer]:
    """A server of its own that loads `pg_stat_statements`."""
    own = start_server(pg18.bin, shared_preload_libraries="pg_stat_statements")
    yield own
    stop_server(own)


async def test_a_slow_statement_is_found_once_they_are_counted(
    counting: PgServer,
    fresh_database: Callable[[PgServer], Databases],
    open_studio: Callable[..., Any],
    visit: Callable[..., Any],
):
    url = await fresh_database(counting)()
    await create_tables(SCHEMA, url)
    connection = await asyncpg.connect(url)
    visitor = await visit(await open_studio(url))
    page = visitor.page
    await visitor.go("/insight/statements")
    await expect(page.get_by_text("Statements are not counted in this database")).to_be_visible()
    await expect(page.get_by_text("CREATE EXTENSION pg_stat_statements;")).to_be_visible()
    await connection.execute("create extension pg_stat_statements")
    await connection.execute("select pg_sleep(0.4), 'SECRET' as the_slow_one")
    await visitor.go("/insight/statements?by=longest")
    slow = page.get_by_role("table", name="Statements that take the most")
    row = slow.get_by_role("row").nth(1)
    await expect(row).to_contain_text("the_slow_one")
    await expect(row).not_to_contain_text("SECRET")
    await page.get_by_label("Order by").select_option("mean")
    assert "by=mean" in page.url
    await slow.get_by_role("button", name="Longest").click()
    await expect(row).to_contain_text("the_slow_one")
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("select 'still open'")
    await page.get_by_role("button", name="Refresh").click()
    running = page.get_by_role("table", name="Running now")
    pid = str(connection.get_server_pid())
    await expect(running.get_by_role("row", name=pid)).to_contain_text("idle in transaction")
    await transaction.rollback()
    await connection.close()
    await visitor.shot("insight-statements")
    await page.set_viewport_size({"width": 360, "height": 900})
    await visitor.shot("insight-statements-360")
