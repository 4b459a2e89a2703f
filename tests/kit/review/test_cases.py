"""What is measured of each sample migration, and what the rules make of it."""

import os

import pytest

from chatkeep.kit.review.breaking import code_findings
from chatkeep.kit.review.draft import Desk
from chatkeep.kit.review.finding import Measured
from chatkeep.kit.review.forms import form_findings
from chatkeep.kit.review.locking import lock_findings
from chatkeep.kit.review.retyping import cut_findings
from chatkeep.kit.review.rowwork import row_findings
from chatkeep.kit.review.trace import Trace, trace
from chatkeep.kit.review.weighing import measured
from kit.review.base import BASE, ROWS
from kit.review.cases import CASES, Case

FULL = bool(os.environ.get("CHATKEEP_FULL"))
SAMPLE = CASES if FULL else CASES[::4]  # of what runs again, on 15 and with rows
NAMES = [case.name for case in CASES]


def does(statement: Measured) -> str:
    locks = [
        f"{t}: {lock}" for t, lock in sorted(statement.locks.items()) if lock != "ACCESS SHARE"
    ]
    parts = [", ".join(locks)] if locks else []
    parts += ["rewrites " + ", ".join(statement.rewrites)] if statement.rewrites else []
    parts += ["scans " + ", ".join(statement.scans)] if statement.scans else []
    return "; ".join(parts) or "nothing"


def found(done: Trace) -> tuple[str, ...]:
    desk = Desk(done)
    drafts = [
        *lock_findings(desk),
        *code_findings(desk),
        *row_findings(desk),
        *cut_findings(desk),
        *form_findings(desk, done.after),
    ]
    findings = [draft.finding for draft in drafts]
    return tuple(sorted(f"{f.statement or 0} {f.severity} {f.rule}" for f in findings))


async def run(
    case: Case, play, migration_of, script: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    connection = await play(script)
    for number, sql in enumerate(case.files):
        done = await trace(connection, migration_of(sql, number))
    return tuple(does(measured(step)) for step in done.steps), found(done)


def test_the_cases_are_many_and_of_each_kind():
    assert len(CASES) >= 130
    assert len(set(NAMES)) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
async def test_on_empty_tables(case: Case, playground18, migration_of):
    assert await run(case, playground18, migration_of, BASE) == (case.does, case.found)


@pytest.mark.parametrize(
    "case", [c for c in SAMPLE if c.with_rows], ids=[c.name for c in SAMPLE if c.with_rows]
)
async def test_rows_change_no_verdict(case: Case, playground18, migration_of):
    """The same locks, rewrites and findings; with rows a foreign key reads its target as well."""
    did, said = await run(case, playground18, migration_of, BASE + ROWS)
    assert said == case.found
    for line, empty in zip(did, case.does, strict=True):
        assert line.split("; scans ")[0] == empty.split("; scans ")[0]
        assert set(scanned(line)) >= set(scanned(empty))


def scanned(line: str) -> list[str]:
    return line.rpartition("scans ")[2].split(", ") if "scans " in line else []


@pytest.mark.needs("pg15")
@pytest.mark.parametrize(
    "case", [c for c in SAMPLE if c.since <= 15], ids=[c.name for c in SAMPLE if c.since <= 15]
)
async def test_on_15(case: Case, playground15, migration_of):
    assert await run(case, playground15, migration_of, BASE) == (case.does, case.found)
