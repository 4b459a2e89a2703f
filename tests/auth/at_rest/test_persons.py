"""A sealed token is a secret like a plain one: no export holds it, and an erasure takes it along."""

import zipfile
from pathlib import Path

import asyncpg
import pytest

from auth.at_rest.conftest import BOTH, DEEPSEARCH, MAPS, MARK, a_user, account_of, opened
from auth.at_rest.test_provider_tokens import a_maps_account
from chatkeep.auth.resealing import reseal
from chatkeep.personal.erasing import erase_person
from chatkeep.personal.exporting import ExportOptions, export_person


def whole(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())


@pytest.mark.parametrize("keys", [BOTH, {}])
async def test_no_export_holds_a_token(
    url: str, bare: asyncpg.Connection, tmp_path: Path, keys: dict[str, bytes]
):
    async with opened(url, keys) as db:
        await db.accounts.create(account_of(await a_user(db), scope="mail"))
    out = tmp_path / "ada.zip"
    await export_person(url, DEEPSEARCH, "ada@example.com", out, ExportOptions(actor="desk"))
    text = whole(out)
    assert '"mail"' in text
    assert MARK not in text
    assert "chatkeep:v1:" not in text
    report = await erase_person(url, DEEPSEARCH, "ada@example.com")
    assert report.is_clean
    assert MARK not in repr(report)
    assert await bare.fetchval("select count(*) from x_account") == 0


async def test_nor_one_of_maps(maps_url: str, tmp_path: Path):
    async with opened(maps_url, BOTH, MAPS) as db:
        await a_maps_account(db, maps_url)
    await reseal(MAPS, maps_url, keys=BOTH)
    out = tmp_path / "ada.zip"
    await export_person(maps_url, MAPS, "ada@example.com", out, ExportOptions(actor="desk"))
    assert '"google"' in whole(out)
    assert "chatkeep:v1:" not in whole(out)
