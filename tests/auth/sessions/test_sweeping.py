"""`chatkeep sweep` on sessions and tokens, also on those that Node stored."""

import asyncio
from datetime import timedelta

import pytest

from auth.sessions.places import SCHEMAS, Place
from chatkeep.personal.retention import Policy
from chatkeep.personal.sweep_batches import Pace
from chatkeep.personal.sweep_report import PolicyReport, SweepReport
from chatkeep.personal.sweeping import sweep, sweep_report

DAY = timedelta(days=1)
MOST = Policy("sessions", None, at_most=3)


async def swept(place: Place, *policies: Policy, rows: int = 1000) -> SweepReport:
    """Report and sweep: what was told is what went."""
    schema = SCHEMAS[place.preset]
    told = await sweep_report(schema, place.url, policies)
    done = await sweep(schema, place.url, policies, pace=Pace(rows=rows, pause=timedelta()))
    assert told.found == done.found == done.removed
    assert [line.found for line in told.policies] == [line.removed for line in done.policies]
    assert not (await sweep_report(schema, place.url, policies)).found
    return done


async def limit_and_expiry(place: Place) -> None:
    for number in range(5):
        await place.node_session(f"node-{number}")
        await place.db.auth.sessions.create(place.user)
    await place.node_session("expired", left=timedelta(seconds=-1))
    newest = await place.db.auth.sessions.create(place.user)
    for number in range(3):
        await place.node_session(f"other-{number}", place.stranger)
    token = await place.db.auth.tokens.issue("reset", "user1@example.com")
    expired = await place.db.auth.tokens.issue("verify", "user1@example.com")
    name = "verifications" if place.preset == "maps" else "verification_tokens"
    table = SCHEMAS[place.preset].tables[name].name
    await place.raw.execute(
        f"update \"{table}\" set {place.ends} = now() where identifier like '%verify%'"
    )
    report = await swept(place, MOST, rows=2)
    lines = {line.policy.label: dict(line.removed) for line in report.policies}
    for other in ("search_cache", "search_events"):
        lines.pop(other, None)
    assert lines == {
        "sessions beyond 3 of a user": {"sessions": 8},
        "sessions": {"sessions": 1},
        name: {name: 1},
    }
    left = {row[place.token] for row in await place.rows()}
    assert {each for each in left if "-" in each and ":" not in each} == {
        "node-4", "other-0", "other-1", "other-2"
    }  # fmt: skip
    assert len(left) == 6
    assert await place.db.auth.sessions.find(newest.token) is not None
    await place.db.auth.tokens.use("reset", "user1@example.com", token)
    assert await place.db.auth.tokens.revoke("verify", expired) == 0


async def test_what_has_expired_and_what_is_beyond_the_limit(place: Place) -> None:
    await limit_and_expiry(place)


async def test_the_same_elsewhere(anywhere: Place) -> None:
    await limit_and_expiry(anywhere)


async def test_of_sessions_of_one_moment_so_many_stay(place: Place) -> None:
    for number in range(5):
        await place.node_session(f"same-{number}")
    await place.raw.execute(f"update {place.table} set created_at = now()")
    await swept(place, MOST)
    names = [row[place.token] for row in await place.rows()]
    assert sorted(names) == ["same-2", "same-3", "same-4"]


async def test_expired_ones_that_are_kept_do_not_count(place: Place) -> None:
    for number in range(3):
        await place.node_session(f"live-{number}")
    for number in range(3):
        await place.node_session(f"expired-{number}", left=-DAY)
    report = await swept(place, MOST, Policy("sessions", 7 * DAY))
    assert report.removed == {}


async def test_one_user_with_very_many(place: Place) -> None:
    id_ = ("id, ", "'id-' || n, ") if place.preset == "maps" else ("", "")
    await place.raw.execute(
        f"insert into {place.table} ({id_[0]}{place.token}, user_id, {place.ends}, created_at) "
        f"select {id_[1]}'many-' || n, 'user_1', now() + interval '1 day', "
        "now() - n * interval '1 second' from generate_series(1, 6000) n"
    )
    await place.node_session("of-the-stranger", place.stranger)
    report = await swept(place, MOST)
    assert report.removed == {"sessions": 5997}
    left = {row[place.token] for row in await place.rows()}
    assert left == {"many-1", "many-2", "many-3", "of-the-stranger"}


async def test_beside_people_who_sign_in(place: Place) -> None:
    for number in range(200):
        await place.node_session(f"old-{number}")
    is_done = asyncio.Event()

    async def signs_in() -> list[str]:
        tokens = []
        while not is_done.is_set():
            issued = await place.db.auth.sessions.create(place.user)
            assert await place.db.auth.sessions.find(issued.token) is not None
            tokens.append(issued.token)
        return tokens

    clients = [asyncio.create_task(signs_in()) for _ in range(2)]
    pace = Pace(rows=10, pause=timedelta())
    report = await sweep(SCHEMAS[place.preset], place.url, [MOST], pace=pace)
    is_done.set()
    tokens = [token for client in clients for token in await client]
    assert report.removed["sessions"] >= report.found["sessions"] >= 197
    assert not any(line.kept for line in report.policies)
    await sweep(SCHEMAS[place.preset], place.url, [MOST])
    live = [await place.db.auth.sessions.find(token) for token in tokens]
    assert sum(each is not None for each in live) == min(len(tokens), 3)
    assert await place.db.sessions.count(place.user) == 3


@pytest.mark.parametrize("policy", [MOST, Policy("sessions", DAY)])
def test_what_a_report_gives_as_json(policy: Policy) -> None:
    line = PolicyReport(policy).as_json(removes=False)
    assert (line["at_most"], line["older_than"]) == (
        (3, "never") if policy.at_most else (None, "1d")
    )
