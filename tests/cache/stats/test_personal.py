"""Statistics of searches where they are somebody's: exported, erased, and gone with a day's sum."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cache.stats.conftest import SCHEMA, World, key
from chatkeep import NewUser
from chatkeep.personal.erasing import erase_person
from chatkeep.personal.exporting import ExportOptions, export_person
from chatkeep.personal.sweeping import sweep

EMAIL = "ada@example.com"


def rows(path: Path, table: str) -> list[dict[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        text = archive.read(f"{table}.jsonl").decode()
    return [json.loads(line) for line in text.splitlines()]


async def test_a_persons_searches_are_exported_and_erased(world: World, tmp_path: Path):
    ada = await world.db.users.create(NewUser(email=EMAIL))
    events = world.events(record_users=True)
    events.saw(key("her own"), "hit", "memory", 0, 1, user_id=ada.id)
    events.saw(key(f"who is {EMAIL.upper()}"), "hit", "memory", 0, 1)
    events.saw(key("of nobody"), "hit", "memory", 0, 1, f"mail {EMAIL}")
    events.saw(key("of nobody"), "hit", "memory", 0, 1)
    await events.flush()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    await world.event(yesterday, f"{EMAIL} phone")
    await world.event(yesterday, "other")
    await sweep(SCHEMA, world.url)

    report = await export_person(world.url, SCHEMA, EMAIL, tmp_path / "ada.zip", ExportOptions())
    exported = rows(tmp_path / "ada.zip", "x_search_event")
    assert [row["query"] for row in exported] == ["her own"]
    assert report.quoted == {"x_search_event": 2, "x_search_day": 1}

    erased = await erase_person(world.url, SCHEMA, EMAIL)
    assert erased.is_clean
    assert await world.all("search_event", "query, user_id, user_group") == [
        ("of nobody", None, "")
    ]
    assert await world.all("search_day", "query, calls, day") == [("other", 1, yesterday.date())]


async def test_a_days_sum_does_not_say_who_asked(world: World):
    ada = await world.db.users.create(NewUser(email=EMAIL))
    events = world.events(record_users=True)
    events.saw(key("a"), "hit", "memory", 0, 1, user_id=ada.id)
    await events.flush()
    await world.sql.execute("update x_search_event set created_at = now() - interval '2 days'")
    await sweep(SCHEMA, world.url)
    ((day, *rest),) = await world.all("search_day", "*")
    assert day == (datetime.now(UTC) - timedelta(days=2)).date()
    assert ada.id not in map(str, rest)
    assert await world.all("search_event") == []
