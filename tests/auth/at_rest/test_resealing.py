"""`reseal` seals what is stored beside the application, and never overwrites what that stores."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from traceback import format_exception_only
from typing import Any

import asyncpg
import pytest

from auth.at_rest.conftest import (
    BETTER_AUTH_SECRET,
    BOTH,
    DEEPSEARCH,
    MAPS,
    MARK,
    NEW,
    OLD,
    a_user,
    account_of,
    on_each_server,
    opened,
)
from auth.at_rest.test_provider_tokens import a_maps_account, in_maps
from chatkeep import (
    ConfigError,
    ConflictError,
    SchemaMismatchError,
    StatementError,
    TokenChanges,
)
from chatkeep.auth import resealing
from chatkeep.auth.better_auth_tokens import Style, encrypted
from chatkeep.auth.reseal_report import ResealReport
from chatkeep.auth.resealing import reseal, survey
from chatkeep.auth.sealing import sealed_with
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer

SERIES = bool(os.environ.get("CHATKEEP_FULL"))


async def fill(url: str, numbers: Sequence[int], keys: dict[str, bytes]) -> str:
    """Accounts of one user, each with an access and a refresh token, as an application stores them."""
    async with opened(url, keys) as db:
        user = await db.users.find_by_email("ada@example.com")
        user_id = user.id if user else await a_user(db)
        for number in numbers:
            tokens = {"access_token": f"{MARK}-a{number}", "refresh_token": f"{MARK}-r{number}"}
            await db.accounts.create(account_of(user_id, f"{number:04}", **tokens))
    return str(user_id)


async def kinds(connection: asyncpg.Connection) -> Counter[str]:
    """How the tokens are stored: by the id of the key, `plain` without."""
    rows = await connection.fetch("select access_token, refresh_token, id_token from x_account")
    return Counter(sealed_with(token) or "plain" for row in rows for token in row if token)


async def all_open(url: str, user: str, numbers: Sequence[int]) -> None:
    async with opened(url, BOTH) as db:
        page = await db.accounts.list(user, limit=1000)
    assert [(each.access_token, each.refresh_token) for each in page.items] == [
        (f"{MARK}-a{number}", f"{MARK}-r{number}") for number in numbers
    ]


@on_each_server
async def test_plain_and_older_ones_are_sealed_with_the_newest(url: str, bare: asyncpg.Connection):
    await fill(url, range(10), {})
    await fill(url, range(10, 20), {"old": OLD})
    user = await fill(url, range(20, 30), BOTH)
    before = await bare.fetch("select * from x_account order by provider_account_id")
    looked = await survey(DEEPSEARCH, url, keys=BOTH)
    assert await bare.fetch("select * from x_account order by provider_account_id") == before
    assert (looked.plain, dict(looked.keys)) == (20, {"old": 20, "new": 20})
    assert (looked.pending, looked.done, looked.is_dry_run) == (40, 0, True)

    told: list[int] = []
    report = await reseal(
        DEEPSEARCH, url, keys=BOTH, rows=7, tell=lambda now: told.append(now.done)
    )
    assert (report.sealed, dict(report.resealed), report.is_whole) == (20, {"old": 20}, True)
    assert told == [14, 28, 40]
    assert await kinds(bare) == {"new": 60}
    await all_open(url, user, range(30))
    after = await bare.fetch("select * from x_account order by provider_account_id")
    for old, new in zip(before, after, strict=True):
        assert {k: v for k, v in old.items() if "_token" not in k} == {
            k: v for k, v in new.items() if "_token" not in k
        }
    assert after[20:] == before[20:]  # those of the newest key were not touched
    again = await reseal(DEEPSEARCH, url, keys=BOTH)
    assert (again.pending, again.done, dict(again.keys)) == (0, 0, {"new": 60})
    assert MARK not in f"{report!r} {report.as_json()}"


@on_each_server
async def test_the_way_back_leaves_plain_text(url: str, bare: asyncpg.Connection):
    await fill(url, range(3), {})
    await fill(url, range(3, 6), {"old": OLD})
    user = await fill(url, range(6, 9), BOTH)
    report = await reseal(DEEPSEARCH, url, keys=BOTH, opens=True, rows=2)
    assert (dict(report.opened), report.sealed) == ({"old": 6, "new": 6}, 0)
    assert await kinds(bare) == {"plain": 18}
    async with opened(url) as db:
        assert len((await db.accounts.list(user)).items) == 9
    assert (await reseal(DEEPSEARCH, url, keys=BOTH, opens=True)).pending == 0


async def test_a_run_that_broke_off_goes_on(url: str, bare: asyncpg.Connection):
    class BrokenError(Exception):
        pass

    def break_off(report: ResealReport) -> None:
        if report.done >= 8:
            raise BrokenError

    user = await fill(url, range(10), {})
    with pytest.raises(BrokenError):
        await reseal(DEEPSEARCH, url, keys=BOTH, rows=2, tell=break_off)
    assert await kinds(bare) == {"new": 8, "plain": 12}
    await all_open(url, user, range(10))
    report = await reseal(DEEPSEARCH, url, keys=BOTH, rows=2)
    assert (report.sealed, dict(report.keys)) == (12, {"new": 8})
    assert await kinds(bare) == {"new": 20}


async def test_what_does_not_open_is_left_and_told(url: str, bare: asyncpg.Connection):
    await fill(url, [1], {"lost": bytes(32)})
    await fill(url, [2], {"old": NEW})  # another key of this id
    await fill(url, [3, 4], {})
    await bare.execute(
        "update x_account set refresh_token = 'chatkeep:v1:a b:' where provider_account_id = '0004'"
    )
    before = await kinds(bare)
    looked = await survey(DEEPSEARCH, url, keys=BOTH)
    assert (dict(looked.unreadable), looked.damaged) == ({"lost": 2}, 1)
    report = await reseal(DEEPSEARCH, url, keys=BOTH)
    assert (report.sealed, dict(report.unreadable), report.damaged) == (3, {"lost": 2, "old": 2}, 1)
    assert not report.is_whole
    assert await kinds(bare) - before == {"new": 3}


@on_each_server
async def test_an_account_that_somebody_holds_is_passed_over(url: str, bare: asyncpg.Connection):
    await fill(url, range(4), {})
    async with bare.transaction():
        await bare.execute("select from x_account where provider_account_id = '0002' for update")
        report = await reseal(DEEPSEARCH, url, keys=BOTH)
    assert (report.sealed, report.busy, report.is_whole) == (6, 1, False)
    report = await reseal(DEEPSEARCH, url, keys=BOTH)
    assert (report.sealed, report.busy) == (2, 0)


@on_each_server
@pytest.mark.parametrize("seed", range(20 if SERIES else 2))
async def test_writers_beside_it_lose_nothing(url: str, bare: asyncpg.Connection, seed: int):
    """Applications with keys, and one without, change tokens while they are sealed and opened."""
    numbers = range(24)
    user = await fill(url, numbers, {"old": OLD})
    expected = {f"{number:04}": f"{MARK}-a{number}" for number in numbers}
    runs = asyncio.Event()

    async def writer(db: Any, own: Sequence[int]) -> None:
        """Refresh its own accounts by turns; each of its values must be there in the end."""
        count = 0
        while not runs.is_set() or count < len(own):
            account = f"{own[count % len(own)]:04}"
            fresh = f"{MARK}-{seed}-{count}-{account}"
            tokens = await db.auth.provider_tokens.get(user, "google", account)
            assert tokens.access_token == expected[account]
            await db.auth.provider_tokens.store(tokens, TokenChanges(access_token=fresh))
            expected[account] = fresh
            count += 1

    async def stranger(own: Sequence[int]) -> None:
        count = 0
        while not runs.is_set() or count < len(own):
            account = f"{own[count % len(own)]:04}"
            fresh = f"{MARK}-plain-{seed}-{count}-{account}"
            await bare.execute(
                "update x_account set access_token = $1 where provider_account_id = $2",
                fresh, account,
            )  # fmt: skip
            expected[account] = fresh
            count += 1

    async def runner() -> None:
        for opens in (False, True, False):
            runs_at_once = (reseal(DEEPSEARCH, url, keys=BOTH, opens=opens, rows=5) for _ in "ab")
            await asyncio.gather(*runs_at_once)
        runs.set()

    async with opened(url, BOTH) as db, asyncio.TaskGroup() as group:
        group.create_task(writer(db, numbers[:8]))
        group.create_task(writer(db, numbers[8:16]))
        group.create_task(stranger(numbers[16:20]))
        group.create_task(runner())
    async with opened(url, BOTH) as db:
        page = await db.accounts.list(user)
    assert {each.provider_account_id: each.access_token for each in page.items} == expected
    assert all(
        each.refresh_token == f"{MARK}-r{int(each.provider_account_id)}" for each in page.items
    )
    await reseal(DEEPSEARCH, url, keys=BOTH)
    assert await kinds(bare) == {"new": 48}


async def test_a_refresh_in_between_is_not_overwritten(url: str, bare: asyncpg.Connection):
    """The value that was read is not there any more when it is to be sealed."""
    user = await fill(url, [1, 2], {})
    await bare.execute(
        "create function fresh() returns trigger language plpgsql as $$ begin "
        "if new.access_token like 'chatkeep:%' and old.access_token like '%-a2' then "
        "return null; end if; return new; end $$"
    )
    await bare.execute(
        "create trigger fresh before update on x_account for each row execute function fresh()"
    )
    report = await reseal(DEEPSEARCH, url, keys=BOTH)  # one row refuses to be changed
    assert (report.sealed, report.busy) == (2, 1)
    await bare.execute("drop trigger fresh on x_account")
    await all_open(url, user, [1, 2])


async def test_what_better_auth_encrypted_is_left_alone(maps_url: str):
    style = Style("", BETTER_AUTH_SECRET.encode())
    token = encrypted(f"{MARK}-a", style)
    async with opened(maps_url, schema=MAPS) as db:
        await a_maps_account(db, maps_url, "1", access_token=token, id_token="h.p.s")
        versioned = encrypted(f"{MARK}-a", Style("$ba$2$", b"x" * 32))
        await a_maps_account(db, maps_url, "2", access_token=versioned, refresh_token=None)
        await a_maps_account(db, maps_url, "3")
    looked = await survey(MAPS, maps_url, keys=BOTH)
    assert (looked.plain, looked.better_auth, looked.pending) == (2, 4, 2)
    report = await reseal(MAPS, maps_url, keys=BOTH)
    assert (report.sealed, report.is_whole) == (2, True)
    assert await in_maps(maps_url, "1") == (token, f"{MARK}-r", "h.p.s")
    assert await in_maps(maps_url, "2") == (versioned, None, None)
    assert [sealed_with(each or "") for each in await in_maps(maps_url, "3")][:2] == ["new", "new"]
    assert (await reseal(MAPS, maps_url, keys=BOTH)).pending == 0
    async with opened(maps_url, BOTH, MAPS) as db:
        user = await db.users.find_by_email("ada@example.com")
        found = await db.auth.provider_tokens.get(user.id, "google", "3")
    assert (found.access_token, found.refresh_token) == (f"{MARK}-a", f"{MARK}-r")


async def test_under_row_level_security_the_owner_sees_all_and_others_are_refused(
    pg: PgServer, fresh_database: Callable[[PgServer], Databases]
):
    """The owner is no superuser here: FORCE binds it, and a policy of the schema shows it all."""
    url = await fresh_database(pg)()
    database = url.split("/")[3].split("?")[0]
    owner, reader, app = (f"{role}_{database}" for role in ("owner", "reader", "app"))
    schema = deepsearch.schema(prefix="x_", security="rls", app_role=app)
    as_owner, as_reader = (url.replace("postgres@", f"{role}@") for role in (owner, reader))
    admin = await asyncpg.connect(url)
    try:
        await admin.execute(f"create role {owner} login createrole; create role {reader} login")
        await admin.execute(f"alter database {database} owner to {owner}")
        await admin.execute(f"alter schema public owner to {owner}")
        await create_tables(schema, as_owner)
        await admin.execute(f"grant select, update on x_account to {reader}")
        async with opened(as_owner, schema=schema) as db:
            await db.accounts.create(account_of(await a_user(db)))
        for call in (survey, reseal):
            with pytest.raises(SchemaMismatchError, match="hide accounts"):
                await call(schema, as_reader, keys=BOTH)
        assert (await survey(schema, as_owner, keys=BOTH)).pending == 2
        assert (await reseal(schema, as_owner, keys=BOTH)).sealed == 2
        assert await kinds(admin) == {"new": 2}
        async with opened(as_owner, BOTH, schema) as db:
            assert (await db.accounts.get("google", "1")).access_token == f"{MARK}-a"
    finally:
        await admin.execute(f"drop owned by {reader}, {owner}, {app}")
        await admin.execute(f"drop role if exists {reader}, {app}")
        await admin.execute(f"alter database {database} owner to postgres; drop role {owner}")
        await admin.close()


async def test_keys_are_needed_and_bounds_kept(url: str):
    with pytest.raises(ConfigError, match="no keys"):
        await reseal(DEEPSEARCH, url)
    with pytest.raises(ConfigError, match="no keys"):
        await survey(DEEPSEARCH, url)
    for rows in (0, 10_001, True):
        with pytest.raises(ConfigError, match="A batch has"):
            await reseal(DEEPSEARCH, url, keys=BOTH, rows=rows)


async def test_tokens_read_before_a_run_are_stored_after_it(url: str):
    user = await fill(url, [1], {"old": OLD})
    async with opened(url, BOTH) as db:
        tokens = await db.auth.provider_tokens.get(user, "google")
        await reseal(DEEPSEARCH, url, keys=BOTH)
        later = await db.auth.provider_tokens.store(tokens, TokenChanges(access_token="fresh"))
        assert (later.access_token, later.refresh_token) == ("fresh", f"{MARK}-r1")
        with pytest.raises(ConflictError):
            await db.auth.provider_tokens.store(tokens, TokenChanges(access_token="late"))


@pytest.mark.parametrize("opens", [False, True])
async def test_a_refusal_of_postgresql_repeats_no_token(
    url: str, bare: asyncpg.Connection, *, opens: bool
):
    await fill(url, [1], BOTH if opens else {})
    refused = "s3cr3t-%" if opens else "chatkeep:%"
    await bare.execute(f"alter table x_account add check (access_token not like '{refused}')")
    with pytest.raises(StatementError) as caught:
        await reseal(DEEPSEARCH, url, keys=BOTH, opens=opens)
    error: BaseException | None = caught.value
    while error is not None:
        told = f"{error} {error!r} {vars(error)} {''.join(format_exception_only(error))}"
        assert MARK not in told
        assert "chatkeep:v1:" not in told
        error = error.__cause__ or error.__context__


async def test_a_table_that_is_being_altered_is_not_waited_for_for_ever(
    url: str, bare: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    await fill(url, [1], {})
    monkeypatch.setattr(resealing, "LOCK_MILLISECONDS", 20)
    async with bare.transaction():
        await bare.execute("lock table x_account in access exclusive mode")
        for call in (survey, reseal):
            with pytest.raises(StatementError, match="55P03"):
                await call(DEEPSEARCH, url, keys=BOTH)


async def test_another_default_isolation_changes_nothing(url: str, bare: asyncpg.Connection):
    await bare.execute("""do $$ begin execute format(
        'alter database %I set default_transaction_isolation = serializable', current_database()
    ); end $$""")
    await fill(url, range(4), {})
    first, second = await asyncio.gather(
        *(reseal(DEEPSEARCH, url, keys=BOTH, rows=1) for _ in "ab")
    )
    assert first.sealed + second.sealed == 8
    assert await kinds(bare) == {"new": 8}
