"""The diagram, a table's page and the findings, used as a person would."""

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import asyncpg
import pytest
from playwright.async_api import Locator, Page, expect

from fixtures.studio_world import MAPS_SCHEMA, PREFIX, SCHEMA

pytestmark = pytest.mark.needs("chromium")

MESSAGE = f"{PREFIX}message"
TABLES = sorted(table.name for table in SCHEMA.metadata.tables.values())
EVIL = 'a"b<script>window.hacked=1</script>/%2F.?#&'
SVG = "{http://www.w3.org/2000/svg}"


async def _run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _node(page: Page, name: str) -> Locator:
    return page.get_by_label(f"Table {name}, ")


async def _middle(of: Locator) -> tuple[float, float]:
    box = await of.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def _until(page: Page, what: str, sign: str, value: float) -> None:
    """Wait until a side of the messages' box is so."""
    compare = {">": "a > b + 0.5", "<": "a < b - 0.5", "==": "Math.abs(a - b) < 0.5"}[sign]
    await page.wait_for_function(
        f"""([label, what, b]) => {{
            const a = document.querySelector(`[aria-label^="${{label}}"]`).getBoundingClientRect()[what];
            return {compare};
        }}""",
        arg=[f"Table {MESSAGE},", what, value],
    )


async def _save(page: Page, kind: str, folder: Path) -> bytes:
    async with page.expect_download() as started:
        await page.get_by_role("button", name=f"Save the diagram as {kind}").click()
    download = await started.value
    path = folder / download.suggested_filename
    await download.save_as(path)
    assert path.suffix == f".{kind.lower()}"
    return path.read_bytes()


def _texts(svg: bytes) -> list[str]:
    root = ET.fromstring(svg)
    return [each.text or "" for each in root.iter(f"{SVG}text")]


async def test_the_diagram_shows_all_tables_and_can_be_saved(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any], tmp_path: Path
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await page.get_by_role("navigation").get_by_role("link", name="Schema").click()
    await visitor.settled()
    assert await page.title() == "Schema · chatkeep studio"
    for name in TABLES:
        await expect(_node(page, name)).to_be_visible()
    listed = page.get_by_role("list", name="Tables and views").get_by_role("listitem")
    await expect(listed).to_have_count(len(TABLES))
    await expect(listed.filter(has_text="message_chunk")).to_contain_text(f"→ {MESSAGE}")
    await visitor.shot("schema")

    svg = await _save(page, "SVG", tmp_path)
    assert set(TABLES) <= set(_texts(svg))
    titles = [each.text or "" for each in ET.fromstring(svg).iter(f"{SVG}title")]
    assert f"{MESSAGE} (user_id, chat_id) refers to {PREFIX}chat" in titles
    png = await _save(page, "PNG", tmp_path)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    root = ET.fromstring(svg)
    assert (width, height) == (2 * int(root.attrib["width"]), 2 * int(root.attrib["height"]))
    assert len(png) > 100_000  # of one colour it would be a tenth of that


async def test_a_search_brings_tables_to_the_middle_and_stands_in_the_address(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/schema")
    await page.get_by_label("Find a table or column").fill("verification")
    canvas = page.get_by_role("region", name="Diagram of the tables")
    token = _node(page, f"{PREFIX}verification_token")
    middle_x, middle_y = await _middle(canvas.locator(".schema-canvas"))
    await expect(page.get_by_role("status").filter(has_text="1 hit")).to_be_visible()
    await page.wait_for_function(
        """([label, x, y]) => {
            const box = document.querySelector(`[aria-label^="${label}"]`).getBoundingClientRect();
            return Math.hypot(box.x + box.width / 2 - x, box.y + box.height / 2 - y) < 4;
        }""",
        arg=[f"Table {PREFIX}verification_token,", middle_x, middle_y],
    )
    assert (await token.bounding_box())["width"] > 180
    assert page.url.endswith("/schema?q=verification")

    await page.get_by_label("Find a table or column").fill("latency_us")
    hits = page.get_by_role("list", name="Tables and views")
    await expect(hits.get_by_role("listitem")).to_have_count(2)
    await expect(hits.locator("mark").first).to_have_text("latency_us")
    await page.get_by_label("Find a table or column").fill("no such thing")
    await expect(page.get_by_text("No table and no column has this in its name.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("Find a table or column")).to_have_value("no such thing")


async def test_one_table_and_its_neighbours_and_back(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/schema?q=feedback")
    await page.get_by_role("button", name=f"Show only {PREFIX}message_feedback").click()
    await expect(page.get_by_role("group", name=re.compile("^Table "))).to_have_count(2)
    await expect(_node(page, MESSAGE)).to_be_visible()
    await page.get_by_label("Columns shown").select_option("Keys only")
    await expect(_node(page, MESSAGE).get_by_role("listitem")).to_have_count(3)
    assert "columns=keys" in page.url
    await page.go_back()
    await page.go_back()
    await expect(page.get_by_role("group", name=re.compile("^Table "))).to_have_count(len(TABLES))
    await page.go_forward()
    await page.get_by_role("button", name="Show all tables again").click()
    await expect(page.get_by_role("group", name=re.compile("^Table "))).to_have_count(len(TABLES))


async def test_the_diagram_obeys_keys_and_buttons(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/schema")
    node = _node(page, MESSAGE)

    readable = await node.bounding_box()
    await expect(_node(page, f"{PREFIX}user")).to_be_in_viewport()
    await visitor.shot("schema-begin")
    await page.get_by_role("button", name="Fit").click()
    await _until(page, "width", "<", readable["width"])
    for each in await page.get_by_role("group", name=re.compile("^Table ")).all():
        await expect(each).to_be_in_viewport(ratio=0.99)
    before = await node.bounding_box()
    await page.get_by_role("button", name="Zoom in").click()
    await _until(page, "width", ">", before["width"])
    await page.get_by_role("button", name="Zoom out").click()
    await page.get_by_role("button", name="Zoom out").click()
    await _until(page, "width", "<", before["width"])
    await page.get_by_role("button", name="Fit").click()
    await _until(page, "width", "==", before["width"])
    await node.focus()
    await page.keyboard.press("Enter")
    await expect(node).to_contain_class("selected")
    await page.keyboard.press("ArrowRight")
    await _until(page, "x", ">", before["x"])
    await page.get_by_role("button", name="Arrange").click()
    await _until(page, "x", "==", before["x"])
    await node.focus()
    await page.keyboard.press("Enter")
    await expect(node).to_contain_class("selected")
    await page.keyboard.press("Tab")
    await expect(node.get_by_role("link", name=MESSAGE)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name=MESSAGE, level=1)).to_be_visible()


async def test_the_page_of_messages_shows_indexes_with_their_use(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    await _run(
        world,
        "set enable_seqscan = off",
        f"select from \"{MESSAGE}\" where id = 'msg_rich_q'",
        "select pg_stat_force_next_flush()",
    )
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/schema")
    await page.get_by_role("link", name=f"Details of {MESSAGE}", exact=True).click()
    await expect(page.get_by_role("heading", name=MESSAGE, level=1)).to_be_visible()
    indexes = page.get_by_role("region", name=re.compile("^Indexes"))
    key = indexes.get_by_role("listitem").filter(has_text=f"{MESSAGE}_pkey")
    await expect(key).to_contain_text("of a constraint")
    await expect(key).to_contain_text(re.compile(r"[1-9]\d* uses?"))
    await expect(indexes.get_by_text("USING gin", exact=False).first).to_be_visible()
    await expect(page.get_by_role("region", name=f"SQL that makes {MESSAGE}")).to_contain_text(
        f'CREATE TABLE "public"."{MESSAGE}"'
    )
    await visitor.shot("schema-table")
    await (
        page.get_by_role("region", name="Referred to by")
        .get_by_role("link", name=f"{PREFIX}message_feedback")
        .click()
    )
    await expect(page.get_by_role("heading", name=f"{PREFIX}message_feedback")).to_be_visible()
    await page.get_by_role("link", name="In the diagram").click()
    await expect(page.get_by_text("message_feedback and its neighbours")).to_be_visible()


async def test_the_doctor_finds_a_bad_index_and_says_what_mends_it(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    await _run(world, f'create index "bad idx" on "{MESSAGE}" (user_id, chat_id)')
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go("/schema/findings")
    await expect(page.get_by_text("The doctor has not looked yet")).to_be_visible()
    await page.get_by_role("button", name="Let the doctor look").click()
    about = f'index "public"."bad idx" of table "public"."{MESSAGE}"'
    finding = page.get_by_role("listitem").filter(has_text=about)
    await expect(finding).to_contain_text("answers all that it does")
    mend = finding.get_by_role("region", name=f"Command that mends {about}")
    await expect(mend).to_have_text(re.compile(r'DROP INDEX CONCURRENTLY "public"."bad idx";'))
    await visitor.shot("schema-findings")
    await finding.get_by_role("button", name="Copy").click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == 'DROP INDEX CONCURRENTLY "public"."bad idx";'
    await finding.get_by_role("link", name=MESSAGE).click()
    own = page.get_by_role("region", name="Findings")
    await expect(own).to_contain_text("answers all that it does")
    badge = page.get_by_role("listitem").filter(has_text='CREATE INDEX "bad idx"')
    await expect(badge).to_contain_text("covered by")


async def test_names_of_any_kind_are_text_everywhere(
    database_url: str, open_studio: Callable[..., Any], visit: Callable[..., Any], tmp_path: Path
):
    name = '"' + EVIL.replace('"', '""') + '"'
    await _run(
        database_url,
        f"create schema {name}",
        f"create table {name}.{name} ({name} int primary key, up int references {name}.{name})",
        f"comment on table {name}.{name} is '{EVIL}'",
        'create table plain ("\x01\x1f\n" int)',
    )
    visitor = await visit(await open_studio(database_url, schema=None))
    page = visitor.page
    await visitor.go("/schema")
    await expect(_node(page, f"{EVIL}.{EVIL}")).to_be_visible()
    texts = _texts(await _save(page, "SVG", tmp_path))
    assert {f"{EVIL}.{EVIL}", EVIL, "plain"} <= set(texts)
    await page.get_by_role("link", name=f"Details of {EVIL}.{EVIL}").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"{EVIL}.{EVIL}")
    await expect(page.get_by_role("rowheader").filter(has_text=EVIL).first).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"{EVIL}.{EVIL}")
    assert page.url.endswith(f"/schema/{quote(EVIL, safe='')}/{quote(EVIL, safe='')}")
    assert await page.evaluate("window.hacked") is None


async def test_a_table_that_is_gone_is_told_kindly(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    visitor.expected.append("404")
    await visitor.go("/schema/public/gone")
    alert = visitor.page.get_by_role("alert")
    await expect(alert).to_contain_text("The database has no table public.gone.")


async def test_an_empty_database_says_what_to_do(
    database_url: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(database_url, schema=None))
    await visitor.go("/schema")
    await expect(visitor.page.get_by_text("This database has no tables yet")).to_be_visible()
    await visitor.page.get_by_role("main").get_by_role("link", name="Migrations").click()
    assert visitor.page.url.endswith("/migrations")


async def test_a_hundred_tables_are_drawn_and_saved(
    database_url: str, open_studio: Callable[..., Any], visit: Callable[..., Any], tmp_path: Path
):
    columns = ", ".join(f"c{n} text" for n in range(8))
    tables = [f"create table t{n} (id int primary key, {columns})" for n in range(110)]
    keys = [f"alter table t{n} add up int references t{n // 3}" for n in range(1, 90)]
    await _run(database_url, ";".join([*tables, *keys]))
    visitor = await visit(await open_studio(database_url, schema=None))
    page = visitor.page
    await visitor.go("/schema")
    await expect(page.get_by_role("group", name=re.compile("^Table "))).to_have_count(110)
    await visitor.shot("schema-hundred")
    texts = _texts(await _save(page, "SVG", tmp_path))
    assert {f"t{n}" for n in range(110)} <= set(texts)
    assert (await _save(page, "PNG", tmp_path))[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (360, "light"),
        pytest.param(1280, "dark", marks=pytest.mark.slow),
        pytest.param(2560, "light", marks=pytest.mark.slow),
    ],
)
async def test_pages_fit_every_window(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any], width: int, theme: str
):
    visitor = await visit(await open_studio(world), width=width, theme=theme)
    for name, path in (
        ("diagram", "/schema"),
        ("table", f"/schema/public/{MESSAGE}"),
        ("findings", "/schema/findings"),
    ):
        await visitor.go(path)
        wide = await visitor.page.evaluate(
            "(() => { const main = document.querySelector('main'); return main.scrollWidth - main.clientWidth })()"
        )
        assert wide == 0, name
        await visitor.shot(f"schema-{name}-{width}-{theme}")


async def test_the_maps_preset_has_its_diagram(
    pg18: Any,
    fresh_database: Callable[..., Any],
    open_studio: Callable[..., Any],
    visit: Callable[..., Any],
):
    url = await fresh_database(pg18).holding(MAPS_SCHEMA)
    visitor = await visit(await open_studio(url, schema=MAPS_SCHEMA))
    await visitor.go("/schema")
    count = len(MAPS_SCHEMA.tables)
    tables = visitor.page.get_by_role("group", name=re.compile("^Table "))
    await expect(tables).to_have_count(count)
