"""Sessions of our own: begun, found, extended, rotated, listed by device, ended."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth.sessions.places import Place
from chatkeep import (
    AuthOptions,
    ConfigError,
    InvalidCursorError,
    InvalidInputError,
    ReferencedRowError,
    SessionNotFoundError,
)

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1"
)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def whole_cycle(place: Place) -> None:
    sessions = place.db.auth.sessions
    issued = await sessions.create(place.user, CHROME, "192.0.2.1")
    assert await sessions.find(issued.token) == issued.session
    assert (issued.session.user_id, issued.session.ip_address) == (place.user, "192.0.2.1")
    await place.age(2 * DAY)
    found = await sessions.find(issued.token)
    assert found is not None
    assert found.is_extended
    rotated = await sessions.rotate(issued.token)
    assert await sessions.find(issued.token) is None
    with pytest.raises(SessionNotFoundError):
        await sessions.rotate(issued.token)
    await place.node_session("of-node")
    listed = await sessions.list(place.user, current=rotated.token)
    assert {(each.device, each.is_current) for each in listed.items} == {
        ("Chrome on Windows", True),
        (None, False),
    }
    async with place.opened(session_limit=2) as limited:
        newest = await limited.auth.sessions.create(place.user, IPHONE)
    assert await sessions.find(rotated.token) is None  # the oldest of three
    counts = await place.db.sessions.count_by_device(place.user)
    assert [(each.device, each.sessions) for each in counts] == [
        (None, 1),
        ("Mobile Safari on iOS", 1),
    ]
    await sessions.revoke(place.user, newest.session.id)
    assert await sessions.revoke_all(place.user) == 1
    assert await place.rows() == []


async def test_whole_cycle(place: Place) -> None:
    await whole_cycle(place)


async def test_whole_cycle_elsewhere(anywhere: Place) -> None:
    await whole_cycle(anywhere)


async def test_a_look_up_is_one_statement_that_only_reads(place: Place) -> None:
    issued = await place.db.auth.sessions.create(place.user)
    with place.db.statements() as sent:
        await place.db.auth.sessions.find(issued.token)
    assert sent.names == ["auth.sessions.find"]
    assert place.db.auth.sessions._queries.find.statement.is_read


async def test_what_is_stored_opens_nothing(place: Place) -> None:
    issued = await place.db.auth.sessions.create(place.user, CHROME, "192.0.2.1")
    (row,) = await place.rows()
    assert issued.token not in str(dict(row))
    assert row[place.token].startswith("sha256:")
    for name in (place.token, "id"):
        for stolen in (
            [str(row[name]), str(row[name]).removeprefix("sha256:")] if name in row else []
        ):
            assert await place.db.auth.sessions.find(stolen) is None
            with pytest.raises(SessionNotFoundError):
                await place.db.auth.sessions.rotate(stolen)
            assert not await place.db.auth.sessions.end(stolen)
    assert await place.db.auth.sessions.find(issued.token) is not None


async def test_what_can_be_no_token_is_not_looked_up(place: Place) -> None:
    await place.node_session("uncommon-token")
    tokens = ["", "uncommon-token", "a" * 42, "a" * 44, "a" * 43 + "\n", "é" * 43, "a" * 43 + ".0"]
    with place.db.statements() as sent:
        for token in [*tokens, "a" * 43 + ".", "a" * 43 + ".٣", "a" * 100_000, "\0" * 43]:
            assert await place.db.auth.sessions.find(token) is None
    assert sent.names == []


async def test_no_changed_token_is_found(place: Place) -> None:
    token = (await place.db.auth.sessions.create(place.user, lifetime=HOUR)).token
    for at, letter in enumerate(token):
        changed = token[:at] + ("1" if letter != "1" else "2") + token[at + 1 :]
        assert await place.db.auth.sessions.find(changed) is None
    assert await place.db.auth.sessions.find(token[:43]) is None


async def test_expired_by_the_databases_clock(place: Place) -> None:
    issued = await place.db.auth.sessions.create(place.user, lifetime=HOUR)
    await place.age(HOUR)
    assert await place.db.auth.sessions.find(issued.token) is None
    with pytest.raises(SessionNotFoundError):
        await place.db.auth.sessions.rotate(issued.token)
    assert (await place.db.auth.sessions.list(place.user)).items == []
    assert await place.db.sessions.count() == 0


class TestSliding:
    async def test_a_use_extends_once_in_a_while(self, place: Place) -> None:
        issued = await place.db.auth.sessions.create(place.user)
        await place.age(DAY - HOUR)
        assert await self.uses(place, issued.token) == [False, False]
        await place.age(2 * HOUR)
        assert await self.uses(place, issued.token) == [True, False]
        (row,) = await place.rows()
        assert row[place.ends] - row["updated_at"] > timedelta(days=29, hours=23)

    async def uses(self, place: Place, token: str) -> list[bool]:
        """Two uses, each with its end waited for: closing waits for what goes on beside."""
        seen = []
        for _ in range(2):
            async with place.opened() as db:
                found = await db.auth.sessions.find(token)
            assert found is not None
            (row,) = await place.rows()
            assert row[place.ends] == found.expires_at
            seen.append(found.is_extended)
        return seen

    async def test_of_many_uses_at_once_one_extends(self, place: Place) -> None:
        issued = await place.db.auth.sessions.create(place.user)
        await place.age(2 * DAY)
        async with place.opened() as db:
            found = await asyncio.gather(*(db.auth.sessions.find(issued.token) for _ in range(10)))
        (row,) = await place.rows()
        assert row[place.ends] in {each.expires_at for each in found if each}
        assert all(each and each.expires_at > issued.session.expires_at - DAY for each in found)

    async def test_inside_a_transaction_it_is_extended_there(self, place: Place) -> None:
        issued = await place.db.auth.sessions.create(place.user)
        await place.age(2 * DAY)
        with place.db.statements() as sent:
            async with place.db.transaction() as tx:
                found = await tx.auth.sessions.find(issued.token)
        assert sent.names == ["auth.sessions.find", "auth.sessions.extend"]
        (row,) = await place.rows()
        assert found is not None
        assert row[place.ends] == found.expires_at

    async def test_who_holds_the_row_keeps_no_use_waiting(self, place: Place) -> None:
        issued = await place.db.auth.sessions.create(place.user)
        await place.age(2 * DAY)
        async with place.raw.transaction():
            await place.raw.execute(f"update {place.table} set user_agent = 'held'")
            async with place.opened() as db:
                assert await db.auth.sessions.find(issued.token) is not None
        (row,) = await place.rows()
        assert row["user_agent"] == "held"

    async def test_a_time_of_its_own_is_kept_to(self, place: Place) -> None:
        sessions = place.db.auth.sessions
        issued = await sessions.create(place.user, lifetime=HOUR)
        await place.age(HOUR / 2 + timedelta(seconds=1))
        found = await sessions.find(issued.token)
        assert found is not None
        assert found.is_extended
        rotated = await sessions.rotate(issued.token)
        (row,) = await place.rows()
        assert row[place.ends] - row["updated_at"] == HOUR
        await place.age(HOUR)
        assert await sessions.find(rotated.token) is None

    async def test_none_lasts_longer_than_the_maximum(self, place: Place) -> None:
        async with place.opened(session_maximum=3 * DAY, session_lifetime=2 * DAY) as db:
            issued = await db.auth.sessions.create(place.user)
            await place.age(2 * DAY - HOUR)
            found = await db.auth.sessions.find(issued.token)
            assert found is not None
            assert found.is_extended
            assert found.expires_at == found.created_at + 3 * DAY
            token = (await db.auth.sessions.rotate(issued.token)).token
            again = await db.auth.sessions.find(token)
            assert again is not None
            assert not again.is_extended
            await place.age(DAY + HOUR)
            assert await db.auth.sessions.find(token) is None

    async def test_a_maximum_holds_for_sessions_that_are_there(self, place: Place) -> None:
        issued = await place.db.auth.sessions.create(place.user)
        await place.age(2 * DAY)
        async with place.opened(session_maximum=DAY) as db:
            assert await db.auth.sessions.find(issued.token) is None
            with pytest.raises(SessionNotFoundError):
                await db.auth.sessions.rotate(issued.token)

    async def test_what_fails_beside_a_use_is_told_without_the_token(
        self, place: Place, caplog: pytest.LogCaptureFixture
    ) -> None:
        issued = await place.db.auth.sessions.create(place.user)
        await place.age(2 * DAY)
        await place.raw.execute(
            "create function refuse() returns trigger language plpgsql as "
            "$$ begin raise 'row %', new; end $$"
        )
        await place.raw.execute(
            f"create trigger refuse before update on {place.table} "
            "for each row execute function refuse()"
        )
        with caplog.at_level(logging.DEBUG):
            async with place.opened() as db:
                assert await db.auth.sessions.find(issued.token) is not None
        lines = [each.getMessage() for each in caplog.records if each.name == "chatkeep.auth"]
        assert lines == ["A session was not extended: statement."]
        assert issued.token not in caplog.text
        assert "sha256:" not in caplog.text


class TestRaces:
    async def test_of_two_rotations_one_wins(self, place: Place) -> None:
        for _ in range(5):
            issued = await place.db.auth.sessions.create(place.user)
            done = await asyncio.gather(
                *(place.db.auth.sessions.rotate(issued.token) for _ in range(2)),
                return_exceptions=True,
            )
            won = [each for each in done if not isinstance(each, BaseException)]
            assert [type(each) for each in done if isinstance(each, BaseException)] == [
                SessionNotFoundError
            ]
            assert await place.db.auth.sessions.find(won[0].token) is not None
            assert await place.db.auth.sessions.find(issued.token) is None

    async def test_many_that_begin_at_once_keep_to_the_limit(self, place: Place) -> None:
        await place.node_session("of-node")
        async with place.opened(session_limit=3) as db:
            issued = await asyncio.gather(
                *(db.auth.sessions.create(place.user) for _ in range(16)),
                *(db.auth.sessions.create(place.stranger) for _ in range(4)),
            )
            assert await db.sessions.count(place.user) == 3
            assert await db.sessions.count(place.stranger) == 3
            live = [await db.auth.sessions.find(each.token) for each in issued]
        assert sum(each is not None for each in live) == 6

    async def test_each_that_begins_is_found(self, place: Place) -> None:
        async with place.opened(session_limit=1) as db:
            for _ in range(3):
                issued = await db.auth.sessions.create(place.user)
                assert await db.auth.sessions.find(issued.token) is not None

    async def test_expired_ones_do_not_count(self, place: Place) -> None:
        await place.node_session("long", left=30 * DAY)
        for number in range(3):
            await place.node_session(f"short-{number}", left=timedelta(seconds=-1))
        async with place.opened(session_limit=2) as db:
            await db.auth.sessions.create(place.user)
        assert "long" in {row[place.token] for row in await place.rows()}

    async def test_no_session_begins_for_nobody(self, place: Place) -> None:
        with pytest.raises(ReferencedRowError, match="names a row of users"):
            await place.db.auth.sessions.create("nobody")
        async with place.opened(session_limit=2) as db:
            with pytest.raises(ReferencedRowError, match="names a row of users"):
                await db.auth.sessions.create("nobody")


class TestLists:
    async def test_pages_newest_first(self, place: Place) -> None:
        made = [await place.db.auth.sessions.create(place.user) for _ in range(5)]
        await place.db.auth.sessions.create(place.stranger)
        seen: list[str] = []
        cursor = None
        while True:
            page = await place.db.auth.sessions.list(place.user, 2, after=cursor)
            seen += [each.id for each in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == [each.session.id for each in reversed(made)]
        back = await place.db.auth.sessions.list(place.user, 2, before=page.previous_cursor)
        assert [each.id for each in back.items] == seen[2:4]
        with pytest.raises(InvalidCursorError):
            await place.db.auth.sessions.list(place.stranger, before=page.previous_cursor)

    async def test_a_list_tells_no_token(self, place: Place) -> None:
        issued = await place.db.auth.sessions.create(place.user, IPHONE)
        await place.node_session("token-of-node")
        with place.db.statements() as sent:
            page = await place.db.auth.sessions.list(place.user)
        assert sent.names == ["auth.sessions.list"]
        text = repr(page) + json.dumps([each.to_dict() for each in page.items])
        for secret in (issued.token, "token-of-node", "sha256:"):
            assert secret not in text

    async def test_the_current_one_by_token_or_id(self, place: Place) -> None:
        issued = await place.db.auth.sessions.create(place.user)
        await place.node_session("token-of-node")
        for current, agent in (
            (issued.token, issued.session.id),
            (issued.session.id, issued.session.id),
        ):
            page = await place.db.auth.sessions.list(place.user, current=current)
            assert [each.id for each in page.items if each.is_current] == [agent]
        page = await place.db.auth.sessions.list(place.user, current="token-of-node")
        assert [each.is_current for each in page.items] == [True, False]

    async def test_a_stranger_ends_nothing(self, place: Place) -> None:
        issued = await place.db.auth.sessions.create(place.user)
        with pytest.raises(SessionNotFoundError):
            await place.db.auth.sessions.revoke(place.stranger, issued.session.id)
        assert await place.db.auth.sessions.revoke_all(place.stranger) == 0
        await place.db.auth.sessions.revoke(place.user, issued.session.id)
        assert await place.db.auth.sessions.find(issued.token) is None

    async def test_all_but_one_end(self, place: Place) -> None:
        for use_token in (True, False):
            kept = await place.db.auth.sessions.create(place.user)
            await place.db.auth.sessions.create(place.user)
            await place.node_session("token-of-node")
            but = kept.token if use_token else kept.session.id
            assert await place.db.auth.sessions.revoke_all(place.user, but=but) == 2
            assert await place.db.auth.sessions.find(kept.token) is not None
            assert await place.db.auth.sessions.end(kept.token)
            assert not await place.db.auth.sessions.end(kept.token)
        await place.node_session("stays")
        await place.node_session("goes")
        assert await place.db.auth.sessions.revoke_all(place.user, but="stays") == 1
        assert [row[place.token] for row in await place.rows()] == ["stays"]

    async def test_devices_of_one_name_are_counted_together(self, place: Place) -> None:
        other_chrome = CHROME.replace("124", "125")
        for agent in (CHROME, other_chrome, IPHONE, None, "x" * 5000, "curl/8.5.0"):
            await place.db.auth.sessions.create(place.user, agent)
        await place.db.auth.sessions.create(place.stranger, IPHONE)
        expired = await place.db.auth.sessions.create(place.user, IPHONE, lifetime=HOUR)
        await place.raw.execute(
            f"update {place.table} set {place.ends} = now() where {place.token} in "
            f"(select {place.token} from {place.table} order by created_at desc limit 1)"
        )
        assert await place.db.auth.sessions.find(expired.token) is None
        with place.db.statements() as sent:
            counts = await place.db.sessions.count_by_device(place.user)
        assert sent.names == ["sessions.count_by_agent"]
        assert [(each.device, each.sessions) for each in counts] == [
            ("Chrome on Windows", 2),
            (None, 1),
            ("Mobile Safari on iOS", 1),
            ("curl", 1),
            ("x" * 100, 1),
        ]
        assert (await place.db.sessions.count(), await place.db.sessions.count(place.user)) == (
            7,
            6,
        )


class TestCookies:
    async def test_over_https_and_without(self, place: Place) -> None:
        sessions = place.db.auth.sessions
        issued = await sessions.create(place.user)
        cookie = sessions.cookie(issued.token, issued.session)
        thirty_days = 30 * 86_400
        assert cookie.arguments() == {
            "key": "__Host-chatkeep.session",
            "value": issued.token,
            "max_age": cookie.max_age,
            "path": "/",
            "secure": True,
            "httponly": True,
            "samesite": "lax",
        }
        assert thirty_days - 60 < cookie.max_age <= thirty_days
        assert cookie.header() == (
            f"__Host-chatkeep.session={issued.token}; Max-Age={cookie.max_age}; Path=/; HttpOnly; "
            "SameSite=Lax; Secure"
        )
        plain = sessions.cookie(issued.token, issued.session, secure=False)
        assert plain.name == "chatkeep.session"
        assert "Secure" not in plain.header()
        assert sessions.removal().arguments()["max_age"] == 0
        assert issued.token not in repr(cookie) + repr(issued)

    async def test_a_name_of_its_own(self, place: Place) -> None:
        db = place.opened(cookie_names={"chatkeep": "app"})
        assert db.auth.sessions.removal().name == "__Host-app"
        assert db.auth.sessions.removal(secure=False).header() == (
            "app=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
        )


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.create(""),
        lambda s: s.create(7),
        lambda s: s.create("user_1", 7),
        lambda s: s.create("user_1", "a\0b"),
        lambda s: s.create("user_1", "\ud800"),
        lambda s: s.create("user_1", None, "1" * 256),
        lambda s: s.create("user_1", lifetime=timedelta(milliseconds=999)),
        lambda s: s.create("user_1", lifetime=3600),
        lambda s: s.create("user_1", lifetime=timedelta(days=3651)),
        lambda s: s.find(None),
        lambda s: s.find(b"x" * 43),
        lambda s: s.rotate(None),
        lambda s: s.end(7),
        lambda s: s.revoke("user_1", None),
        lambda s: s.revoke("user_1", "a\0b"),
        lambda s: s.revoke("user_1", "\ud800"),
        lambda s: s.revoke("a" * 256, "a"),
        lambda s: s.revoke(None, "a"),
        lambda s: s.revoke_all(None),
        lambda s: s.revoke_all("user_1", but=7),
        lambda s: s.revoke_all("user_1", but="\ud800"),
        lambda s: s.revoke_all("user_1", but="a\0b"),
        lambda s: s.list(None),
        lambda s: s.list("user_1", 0),
        lambda s: s.list("user_1", after="x", before="y"),
        lambda s: s.list("user_1", current=7),
    ],
)
async def test_bad_values_are_refused_before_anything_is_sent(place: Place, call: Any) -> None:
    with place.db.statements() as sent, pytest.raises(InvalidInputError):
        await call(place.db.auth.sessions)
    assert sent.names == []


@pytest.mark.parametrize(
    "options",
    [
        {"session_lifetime": timedelta()},
        {"session_lifetime": 30},
        {"session_refresh": timedelta(days=-1)},
        {"session_maximum": timedelta(days=3651)},
        {"session_limit": 0},
        {"session_limit": True},
    ],
)
def test_options_that_cannot_be_kept_to(options: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        AuthOptions(**options)


async def test_no_secret_is_told_on_any_path(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """What is observed, logged, raised and shown holds neither the token nor what is stored."""
    told: list[str] = []
    db, sessions = place.db, place.db.auth.sessions
    with (
        caplog.at_level(logging.DEBUG),
        db.observe(lambda each: told.append(repr(each))),
        db.statements() as sent,
    ):
        issued = await sessions.create(place.user, CHROME)
        found = await sessions.find(issued.token)
        rotated = await sessions.rotate(issued.token)
        listed = await sessions.list(place.user, current=rotated.token)
        with pytest.raises(SessionNotFoundError) as refused:
            await sessions.rotate(issued.token)
        (row,) = await place.rows()
        await sessions.revoke_all(place.user, but=rotated.token)
        await sessions.end(rotated.token)
    text = "\n".join(
        [*told, caplog.text, repr(sent), repr(sent.names), repr(refused.value)]
        + [repr(each) for each in (issued, found, rotated, listed)]
    )
    for secret in (issued.token, rotated.token, row[place.token]):
        assert secret not in text
    assert datetime.now(UTC) > rotated.session.used_at
