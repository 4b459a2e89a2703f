"""Each rule has its page, the page says what the code says, and its SQL is tried."""

import re
from pathlib import Path

import asyncpg
import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.kit.review import RULES, Options, Severity, review
from kit.review.base import BASE

PAGES = Path(__file__).resolve().parents[3] / "docs" / "rules"
NEEDS_ROWS = {
    "nulls-in-column",
    "duplicates",
    "check-breached",
    "foreign-key-breached",
    "cast-fails",
}
AREAS = {
    "locks": "waiting",
    "code": "running code",
    "data": "stored rows",
    "form": "how it is written",
    "folder": "the files",
}
HEADINGS = ["What it is", "What happens to a live system", "The safe form", "Acknowledge it"]


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```sql {kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_rules_and_pages_are_the_same():
    assert {path.stem for path in PAGES.glob("*.md")} - {"README"} == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_page_says_what_the_code_says(rule: str):
    text = (PAGES / f"{rule}.md").read_text()
    flat = " ".join(text.split())
    known = RULES[rule]
    assert text.startswith(f"# {rule}\n")
    opening = f"{known.severity.capitalize()} at most, about {AREAS[known.area]}: {known.title}."
    assert opening in flat
    assert known.safe in flat
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert f"-- chatkeep:allow {rule} " in text or "No acknowledgment helps" in text


def test_the_index_names_every_rule_once():
    text = (PAGES / "README.md").read_text()
    for rule in RULES.values():
        assert f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {rule.title} |" in text
    assert len(re.findall(r"^\| \[", text, re.MULTILINE)) == len(RULES)


@pytest.mark.parametrize("rule", RULES)
async def test_the_page_shows_what_is_found_and_what_is_safe(
    rule: str, folder_of, scratch18, playground18, pg18
):
    text = (PAGES / f"{rule}.md").read_text()
    [found] = blocks(text, "found")
    for safe, sql in ((False, found), *((True, sql) for sql in blocks(text, "safe"))):
        files = sql.split("-- next migration\n")
        root = folder_of(BASE, *files)
        if rule == "down-loses-data":
            (root / "0001_step.down.sql").write_text("-- Loses data: column public.users.nick.\n")
        folder = Folder.read(root)
        url = None
        if rule in NEEDS_ROWS:
            connection = await playground18("")
            url = pg18.url(await connection.fetchval("SELECT current_database()"))
            await migrate(folder, url, to="0000")
            await connection.execute(blocks(text, "rows")[0])
        tags = [f"{number + 1:04d}" for number in range(len(files))]
        options = Options(small_bytes=0, use_squawk=False)
        told = await review(folder, scratch18, tags=tags, url=url, options=options)
        about = [each for each in told.findings if each.rule == rule]
        if safe:
            assert [each for each in about if each.severity is Severity.DANGER] == []
            assert about == [] or rule in NEEDS_ROWS
            assert [each.rule for each in told.findings if each.rule == "fails"] == []
        else:
            assert about, [each.rule for each in told.findings]
            assert max(each.severity == RULES[rule].severity for each in about)


async def test_an_acknowledged_danger_of_each_rule_fails_nothing(folder_of, scratch18):
    """One file for each rule that is a danger by itself, with the line that its page proposes."""
    files, rules = [], []
    for rule in RULES.values():
        text = (PAGES / f"{rule.id}.md").read_text()
        lines = re.findall(r"^    (-- chatkeep:allow .*)$", text, re.MULTILINE)
        if rule.severity is Severity.DANGER and rule.id not in NEEDS_ROWS and lines:
            files.append(f"{lines[0]}\n{blocks(text, 'found')[0]}")
            rules.append(rule.id)
    assert len(rules) > 15
    for rule, sql in zip(rules, files, strict=True):
        folder = Folder.read(folder_of(BASE, sql))
        told = await review(folder, scratch18, tags=["0001"], options=Options(use_squawk=False))
        own = [each for each in told.findings if each.rule == rule]
        assert all(each.acknowledged for each in own)
        assert own
        assert not any(each.fails for each in own)


async def test_every_connection_of_a_review_is_closed(folder_of, scratch18, playground18, pg18):
    connection = await playground18("")
    name = await connection.fetchval("SELECT current_database()")
    folder = Folder.read(folder_of("CREATE TABLE a (id bigint)"))
    await review(folder, scratch18, url=pg18.url(name))
    others = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'chatkeep review'"
    )
    assert others == 0
    assert isinstance(connection, asyncpg.Connection)
