"""`diagnose` through PgBouncer in transaction mode: everything is looked at, nothing stays behind."""

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
