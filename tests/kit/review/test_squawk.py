"""squawk beside the measurement: merged, overruled, absent, and compared over all cases."""

import os
import re
from pathlib import Path

import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.review import Severity, review, squawk
from chatkeep.kit.review.finding import Measured
from chatkeep.kit.review.squawk import find_squawk, remarks
from chatkeep.kit.review.trace import trace
from chatkeep.kit.review.weighing import measured
from kit.review.base import BASE
from kit.review.cases import CASES

README = Path(__file__).resolve().parents[3] / "docs" / "rules" / "README.md"
ABOUT_LOCKS = {
    "require-concurrent-index-creation",
    "require-concurrent-index-deletion",
    "require-concurrent-reindex",
    "require-concurrent-partition-detach",
    "constraint-missing-not-valid",
    "adding-foreign-key-constraint",
    "adding-field-with-default",
    "adding-serial-primary-key-field",
    "adding-not-nullable-field",
    "changing-column-type",
    "disallowed-unique-constraint",
    "ban-alter-domain-with-add-constraint",
}
STRONG = ("SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE")
VIEWS = {"post_counts"}  # nobody writes to it, so only ACCESS EXCLUSIVE keeps anybody away


async def told(folder_of, scratch18, *texts: str):
    folder = Folder.read(folder_of(*texts))
    return await review(folder, scratch18, tags=[folder.migrations[-1].tag])


async def test_what_both_say_is_one_finding(folder_of, scratch18):
    found = await told(folder_of, scratch18, BASE, "CREATE INDEX i ON posts (title)")
    [finding] = [f for f in found.findings if f.severity is Severity.DANGER]
    assert finding.rule == "index-locks-writes"
    assert finding.also == ("require-concurrent-index-creation",)
    assert not [f for f in found.findings if f.source == "squawk"]


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("ALTER TABLE users ALTER COLUMN name TYPE varchar(200)", "changing-column-type"),
        ("ALTER TABLE users ALTER COLUMN name TYPE text", "changing-column-type"),
        ("ALTER TABLE posts ALTER COLUMN likes SET NOT NULL", "adding-not-nullable-field"),
    ],
)
async def test_the_measurement_overrules_a_feared_lock(sql, rule, folder_of, scratch18):
    found = await told(folder_of, scratch18, BASE, sql)
    [finding] = [f for f in found.findings if f.rule == f"squawk:{rule}"]
    assert finding.severity is Severity.NOTE
    assert "Measured: no rewrite and no scan" in finding.message
    assert not found.fails


async def test_what_squawk_alone_says_is_a_warning_of_its_own(folder_of, scratch18):
    sql = "\n\nALTER TABLE posts DROP CONSTRAINT posts_title_check"
    found = await told(folder_of, scratch18, BASE, sql)
    [finding] = [f for f in found.findings if f.source == "squawk"]
    assert (finding.rule, finding.severity) == ("squawk:ban-drop-constraint", Severity.WARNING)
    assert (finding.statement, finding.line, finding.page) == (1, 3, None)


async def test_without_squawk_a_line_says_so(folder_of, scratch18, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    found = await told(folder_of, scratch18, BASE, "CREATE INDEX i ON posts (title)")
    assert squawk.ABSENT in found.notes
    assert found.fails


async def test_a_broken_squawk_is_said_and_stops_nothing(
    folder_of, scratch18, monkeypatch, tmp_path
):
    broken = tmp_path / "squawk"
    broken.write_text("#!/bin/sh\necho not json\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    found = await told(folder_of, scratch18, BASE, "CREATE INDEX i ON posts (title)")
    assert "squawk could not be run: its opinion is missing." in found.notes
    assert found.fails


def waits(statement: Measured) -> bool:
    """Whether it does work that grows with the rows while others wait: the bare facts, no rule."""
    busy = {*statement.rewrites, *statement.scans}
    own = any(
        table in busy and lock in STRONG and (table not in VIEWS or lock == "ACCESS EXCLUSIVE")
        for table, lock in statement.locks.items()
    )
    return bool(busy) and (own or bool(statement.held))


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("CHATKEEP_FULL"), reason="runs every case once more")
async def test_the_written_comparison_is_true(playground18, migration_of, tmp_path):
    """docs/rules/README.md holds the figures of this run."""
    truth: dict[str, bool] = {}
    for number, case in enumerate(CASES):
        connection = await playground18(BASE)
        for at, sql in enumerate(case.files):
            done = await trace(connection, migration_of(sql, at))
        if done.failure is None:
            name = f"{number:04d}.sql"
            (tmp_path / name).write_text(case.files[-1] + ";\n")
            truth[name] = any(waits(measured(step)) for step in done.steps)
    binary = find_squawk()
    assert binary is not None
    paths = sorted(tmp_path.glob("*.sql"))
    heard = await remarks(binary, paths, version=18, in_transaction=True)
    assert heard is not None
    alarms = {Path(remark.file).name for remark in heard if remark.rule in ABOUT_LOCKS}
    any_rule = {Path(remark.file).name for remark in heard}
    right = sum(truth[name] and name in alarms for name in truth)
    false = sum(not truth[name] and name in alarms for name in truth)
    missed = [name for name in truth if truth[name] and name not in alarms]
    silent = sum(name not in any_rule for name in missed)
    figures = f"| squawk 2.70.0, its rules about locks | {right} | {false} | {len(missed)} |"
    said = re.sub(r" +", " ", README.read_text())
    assert figures in said, figures
    assert f"{silent} of these {len(missed)}" in said, (silent, len(missed))
    assert f"{len(truth)} sample migrations" in said, len(truth)
