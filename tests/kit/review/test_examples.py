"""The hardening migrations of the examples, reviewed."""

from pathlib import Path

import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.review import Options, Severity, review

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"

DANGERS = {
    ("deepsearch", "harden_check"): {},
    ("deepsearch", "harden_expand"): {
        "column-type-rewrites": 4,
        "added-column-rewrites": 1,
        "unique-locks-table": 2,
        "foreign-key-scans": 2,
        "index-locks-writes": 7,
        "check-scans": 1,
    },
    ("deepsearch", "harden_backfill"): {},
    ("deepsearch", "harden_contract"): {
        "not-null-scans": 1,
        "unique-locks-table": 1,
        "check-scans": 2,
        "foreign-key-scans": 4,
        "index-locks-writes": 4,
    },
}


@pytest.mark.parametrize(("example", "name"), DANGERS, ids=[name for _, name in DANGERS])
async def test_dangers_of_a_hardening(example: str, name: str, scratch18):
    folder = Folder.read(EXAMPLES / example / "drizzle")
    [tag] = [m.tag for m in folder.migrations if m.tag.endswith(name)]
    found = await review(folder, scratch18, tags=[tag], options=Options(use_squawk=False))
    dangers = [f.rule for f in found.findings if f.severity is Severity.DANGER]
    assert {rule: dangers.count(rule) for rule in dangers} == DANGERS[example, name]
    if name == "harden_backfill":
        assert [f.rule for f in found.findings if f.severity is Severity.WARNING] == [
            "backfill-in-one-go"
        ] * 6


@pytest.mark.parametrize("example", ["maps", "extending", "deepsearch"])
async def test_every_example_can_be_reviewed_whole(example: str, scratch18):
    folder = Folder.read(EXAMPLES / example / "drizzle")
    found = await review(folder, scratch18)
    assert len(found.migrations) == len(folder.migrations)
    assert "fails" not in {f.rule for f in found.findings}
    assert all(each.statements for each in found.migrations)
