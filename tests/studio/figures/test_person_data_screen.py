"""A person's sessions and personal data in a real browser."""

import asyncio
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playwright.async_api import expect

from fixtures.studio_world import ADA, PREFIX

pytestmark = pytest.mark.needs("chromium")

TESTS = Path(__file__).parents[2]


async def test_a_session_is_revoked_and_gone(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    connection = await asyncpg.connect(world)
    count = f"""select count(*) from "{PREFIX}session" where user_id = '{ADA}'"""
    of_others = f"""select count(*) from "{PREFIX}session" where user_id <> '{ADA}'"""
    before, others = await connection.fetchval(count), await connection.fetchval(of_others)
    visitor = await visit(await open_studio(world, write=True))
    page = visitor.page
    await visitor.go(f"/people/{ADA}/sessions")
    table = page.get_by_role("table", name="Sessions of this person")
    await expect(table.get_by_role("row")).to_have_count(before + 1)
    button = table.get_by_role("button", name="Revoke the session on Safari on Mac OS X")
    await button.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Revoke this session?")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    assert await connection.fetchval(count) == before
    await button.click()
    await dialog.get_by_role("button", name="Revoke").press("Enter")
    await expect(page.get_by_text("1 session was revoked.")).to_be_visible()
    await expect(table.get_by_role("row")).to_have_count(before)
    assert await connection.fetchval(count) == before - 1
    await connection.execute(f"""update "{PREFIX}session" set user_agent = null""")
    await visitor.go(f"/people/{ADA}/sessions")
    await table.get_by_role("button", name="Revoke this session").first.click()
    await expect(dialog).to_contain_text("This session ends at once")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Revoke all").click()
    everywhere = page.get_by_role("dialog", name="Revoke all sessions?")
    await everywhere.get_by_role("button", name="Revoke all").click()
    await expect(page.get_by_text("This person has no sessions")).to_be_visible()
    assert await connection.fetchval(count) == 0
    assert await connection.fetchval(of_others) == others
    await connection.close()


async def test_read_only_shows_sessions_and_no_way_to_end_them(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    visitor = await visit(await open_studio(world))
    page = visitor.page
    await visitor.go(f"/people/{ADA}/sessions")
    await expect(page.get_by_role("table", name="Sessions of this person")).to_be_visible()
    await expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
    await expect(page.get_by_text("Start the studio with --write")).to_be_visible()


async def test_what_erasing_would_touch_is_what_the_command_says(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any], tmp_path: Path
):
    (tmp_path / "chatkeep.toml").write_text('schema = "fixtures.studio_world:SCHEMA"\n')
    site = await open_studio(world, write=True)
    visitor = await visit(site)
    page = visitor.page
    await visitor.go(f"/people/{ADA}/personal")
    rows = page.get_by_role("table", name="What erasing would do").get_by_role("row")
    cells = [await row.get_by_role("cell").all_inner_texts() for row in await rows.all()]
    shown = [(row[0], row[2], row[1].replace(",", "")) for row in cells if row]
    command = (
        await page.locator("dd", has_text="chatkeep erase --user")
        .first.locator("code")
        .inner_text()
    )
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", *command.split(), "--json", "--url", world],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(ran.stdout)
    assert shown == [(each["table"], each["rule"], str(each["rows"])) for each in told["steps"]]
    gone = sum(each["rows"] for each in told["steps"] if each["rule"] == "delete")
    await expect(page.get_by_text(f"{gone:,} rows would be deleted")).to_be_visible()
    await page.get_by_role("button", name="Look for traces").click()
    read = f"{told['proof']['tables']} tables with {told['proof']['rows']:,} rows read"
    await expect(page.get_by_text(read)).to_be_visible()
    await page.get_by_role("button", name="Download the export").click()
    dialog = page.get_by_role("dialog", name="Download everything about this person?")
    async with page.expect_download() as downloading:
        await dialog.get_by_role("button", name="Download the export").click()
    path = await (await downloading.value).path()
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        assert json.loads(archive.read("manifest.json"))["person"]["id"] == ADA
    await page.get_by_role("button", name="Copy the command: Erase, and prove it").click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == f"chatkeep erase --user {ADA} --yes"
