"""`diagnose` through PgBouncer in transaction mode: everything is looked at, nothing stays behind."""

import json
from pathlib import Path

from chatkeep.doctor import CHECKS, Limits, Options, diagnose
from pooler.conftest import Place


async def test_a_database_behind_pgbouncer(place: Place):
    options = Options(skip=("durability-off", "unbounded-waits"), limits=Limits())
    report = await diagnose(place.schema, place.url, options)
    found = {finding.check: finding for finding in report.findings}
    assert set(found) == {"pooler", "pooler-prepared-statements"}
    assert report.is_healthy
    assert found["pooler"].mend == 'Database(schema, url, pooler="pgbouncer")'
    assert found["pooler-prepared-statements"].mend_with == "pgbouncer.ini"
    assert len(report.checked) == len(CHECKS) - 2
    assert {each.check for each in report.unseen} == {
        *("bookkeeping-missing", "migration-pending", "migration-broken-off"),
        *("migration-edited", "migration-missing"),
    }


async def test_no_statement_stays_prepared_there(place: Place):
    for _ in range(3):
        await diagnose(place.schema, place.url, Options(only=("pooler-prepared-statements",)))
    report = await diagnose(place.schema, place.url, Options(only=("pooler-prepared-statements",)))
    assert (len(report.findings), report.unseen) == (1, ())


async def test_a_missing_index_is_seen_through_it(place: Place):
    await place.witness.execute("DROP INDEX x_session_user_id_idx")
    report = await diagnose(place.schema, place.url, Options(only=("missing-index",)))
    assert [finding.check for finding in report.findings] == ["missing-index"]


async def test_the_bookkeeping_is_read_through_it(place: Place, tmp_path: Path):
    entry = {"idx": 0, "version": "7", "when": 100, "tag": "0000_step", "breakpoints": True}
    journal = {"version": "7", "dialect": "postgresql", "entries": [entry]}
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "_journal.json").write_text(json.dumps(journal))
    (tmp_path / "0000_step.sql").write_text("SELECT 1")
    options = Options(only=("bookkeeping-missing", "migration-edited"), folder=tmp_path)
    report = await diagnose(place.schema, place.url, options)
    assert [finding.check for finding in report.findings] == ["bookkeeping-missing"]
    assert report.unseen == ()
