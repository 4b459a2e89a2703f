"""Tokens for one use: issued, used once, kept apart by purpose, bounded."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from auth.sessions.places import SCHEMAS, Place
from chatkeep import InvalidInputError, VerificationTokenNotFoundError

EMAIL = "user1@example.com"
HOUR = timedelta(hours=1)


class Stored:
    """The rows of tokens."""

    def __init__(self, place: Place) -> None:
        is_maps = place.preset == "maps"
        table = SCHEMAS[place.preset].tables["verifications" if is_maps else "verification_tokens"]
        self.table = f'"{table.name}"'
        self.token, self.ends = ("value", "expires_at") if is_maps else ("token", "expires")
        self.raw = place.raw

    async def rows(self) -> list[asyncpg.Record]:
        return await self.raw.fetch(f"select * from {self.table} order by created_at")

    async def age(self, by: timedelta) -> None:
        await self.raw.execute(
            f"update {self.table} set {self.ends} = {self.ends} - $1::interval", by
        )


async def refused(place: Place, *call: str) -> str:
    with pytest.raises(VerificationTokenNotFoundError) as error:
        await place.db.auth.tokens.use(*call)
    return str(error.value)


async def whole_cycle(place: Place) -> None:
    tokens, stored = place.db.auth.tokens, Stored(place)
    token = await tokens.issue("verify", EMAIL)
    (row,) = await stored.rows()
    assert timedelta(minutes=59) < row[stored.ends] - row["created_at"] <= HOUR
    await tokens.use("verify", EMAIL, token)
    await refused(place, "verify", EMAIL, token)
    assert await stored.rows() == []
    token = await tokens.issue("verify", EMAIL, HOUR)
    assert await tokens.revoke("verify", EMAIL) == 1
    await refused(place, "verify", EMAIL, token)


async def test_whole_cycle(place: Place) -> None:
    await whole_cycle(place)


async def test_whole_cycle_elsewhere(anywhere: Place) -> None:
    await whole_cycle(anywhere)


async def test_a_use_is_one_statement(place: Place) -> None:
    token = await place.db.auth.tokens.issue("verify", EMAIL)
    with place.db.statements() as sent:
        await place.db.auth.tokens.use("verify", EMAIL, token)
    assert sent.names == ["auth.tokens.use"]


async def test_purposes_and_identifiers_are_kept_apart(place: Place) -> None:
    tokens = place.db.auth.tokens
    token = await tokens.issue("verify", EMAIL)
    await refused(place, "reset", EMAIL, token)
    await refused(place, "verify", "user2@example.com", token)
    await refused(place, "verify", EMAIL.upper(), token)
    odd = await tokens.issue("a", "b:c")
    await refused(place, "a", "c", odd)
    await tokens.use("a", "b:c", odd)
    await tokens.use("verify", EMAIL, token)


async def test_refusals_look_alike_and_are_told_apart_in_the_log(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = place.db.auth.tokens
    expired = await tokens.issue("verify", EMAIL)
    await Stored(place).age(HOUR)
    good = await tokens.issue("verify", EMAIL)  # which takes away what has expired
    again = await tokens.issue("reset", EMAIL)
    await Stored(place).age(HOUR)
    with caplog.at_level(logging.INFO, "chatkeep.auth"):
        texts = {
            await refused(place, "verify", EMAIL, expired),
            await refused(place, "verify", EMAIL, good),
            await refused(place, "reset", EMAIL, again[:-1] + ("A" if again[-1] != "A" else "B")),
            await refused(place, "reset", EMAIL, ""),
            await refused(place, "reset", EMAIL, "x" * 10_000),
            await refused(place, "reset", "nobody@example.com", again),
        }
    assert len(texts) == 1
    assert [each.getMessage().rpartition("=")[2] for each in caplog.records] == [
        "unknown",
        "expired",
        "unknown",
        "unknown",
        "unknown",
        "unknown",
    ]
    for secret in (expired, good, again, EMAIL):
        assert secret not in caplog.text
        assert secret not in "".join(texts)


async def test_an_expired_token_is_taken_away_alone(place: Place) -> None:
    expired = await place.db.auth.tokens.issue("verify", EMAIL, HOUR)
    live = await place.db.auth.tokens.issue("verify", EMAIL, 3 * HOUR)
    await Stored(place).age(2 * HOUR)
    await refused(place, "verify", EMAIL, expired)
    assert len(await Stored(place).rows()) == 1
    await place.db.auth.tokens.use("verify", EMAIL, live)


async def test_what_expires_while_a_transaction_lasts_is_refused(place: Place) -> None:
    """There PostgreSQL's `now()` stands still."""
    token = await place.db.auth.tokens.issue("verify", EMAIL)
    table, ends = {
        "deepsearch": ('"ai-app-template_verification_token"', "expires"),
        "maps": ("verifications", "expires_at"),
    }[place.preset]
    async with place.db.transaction() as tx:
        await tx.users.find(place.user)
        await place.raw.execute(f"update {table} set {ends} = clock_timestamp()")
        with pytest.raises(VerificationTokenNotFoundError):
            await tx.auth.tokens.use("verify", EMAIL, token)


async def test_a_good_one_takes_the_others_along(place: Place) -> None:
    tokens = place.db.auth.tokens
    first, second = [await tokens.issue("reset", EMAIL) for _ in range(2)]
    other = await tokens.issue("verify", EMAIL)
    await tokens.use("reset", EMAIL, first)
    await refused(place, "reset", EMAIL, second)
    await tokens.use("verify", EMAIL, other)


async def test_an_identifier_has_three_at_most(place: Place) -> None:
    tokens = place.db.auth.tokens
    issued = [await tokens.issue("reset", EMAIL) for _ in range(4)]
    assert len(await Stored(place).rows()) == 3
    await refused(place, "reset", EMAIL, issued[0])
    await tokens.use("reset", EMAIL, issued[1])


async def test_in_one_transaction_the_newest_stay(place: Place) -> None:
    async with place.db.transaction() as tx:
        issued = [await tx.auth.tokens.issue("reset", EMAIL) for _ in range(5)]
    await refused(place, "reset", EMAIL, issued[1])
    await place.db.auth.tokens.use("reset", EMAIL, issued[4])


class TestRaces:
    async def test_of_two_uses_one_gets_through(self, place: Place) -> None:
        for _ in range(5):
            token = await place.db.auth.tokens.issue("reset", EMAIL)
            assert await self.won(place, token, token) == 1

    async def test_of_uses_with_different_tokens_too(self, place: Place) -> None:
        for _ in range(5):
            issued = [await place.db.auth.tokens.issue("reset", EMAIL) for _ in range(3)]
            assert await self.won(place, *issued, *issued) == 1

    async def won(self, place: Place, *tokens: str) -> int:
        done = await asyncio.gather(
            *(place.db.auth.tokens.use("reset", EMAIL, token) for token in tokens),
            return_exceptions=True,
        )
        lost = [each for each in done if each is not None]
        assert all(isinstance(each, VerificationTokenNotFoundError) for each in lost)
        return len(done) - len(lost)

    async def test_many_that_are_issued_at_once_keep_to_the_limit(self, place: Place) -> None:
        issued = await asyncio.gather(
            *(place.db.auth.tokens.issue("reset", EMAIL) for _ in range(16))
        )
        assert len(await Stored(place).rows()) == 3
        assert await self.won(place, *issued) == 1


async def test_what_is_stored_opens_nothing(place: Place) -> None:
    token = await place.db.auth.tokens.issue("reset", EMAIL)
    (row,) = await Stored(place).rows()
    assert token not in str(dict(row))
    for value in row.values():
        await refused(place, "reset", EMAIL, str(value))
        await refused(place, "reset", EMAIL, str(value).removeprefix("sha256-"))
    assert ":" not in row[Stored(place).token]
    await place.db.auth.tokens.use("reset", EMAIL, token)


async def test_rows_of_the_libraries_are_left_alone(place: Place) -> None:
    stored = Stored(place)
    id_ = ("id, ", "'1', ") if place.preset == "maps" else ("", "")
    for identifier in (EMAIL, "reset:" + EMAIL, "reset-password:abc"):
        await place.raw.execute(
            f"insert into {stored.table} ({id_[0]}identifier, {stored.token}, {stored.ends}) "
            f"values ({id_[1].replace('1', identifier)}$1, $2, now() - interval '1 day')",
            identifier,
            "a" * 43,
        )
    before = await stored.rows()
    await refused(place, "reset", EMAIL, "a" * 43)
    for _ in range(4):
        await place.db.auth.tokens.issue("reset", EMAIL)
    assert await place.db.auth.tokens.revoke("reset", EMAIL) == 3
    assert await stored.rows() == before


BAD_CALLS: list[Callable[[Any], Awaitable[object]]] = [
    lambda t: t.issue("", EMAIL),
    lambda t: t.issue("Reset", EMAIL),
    lambda t: t.issue("re:set", EMAIL),
    lambda t: t.issue("a" * 31, EMAIL),
    lambda t: t.issue("reset\n", EMAIL),
    lambda t: t.issue(None, EMAIL),
    lambda t: t.issue("reset", ""),
    lambda t: t.issue("reset", None),
    lambda t: t.issue("reset", "a\0b"),
    lambda t: t.issue("reset", "a" * 256),
    lambda t: t.issue("reset", EMAIL, 60),
    lambda t: t.issue("reset", EMAIL, timedelta()),
    lambda t: t.issue("reset", EMAIL, timedelta(days=366)),
    lambda t: t.use("reset", EMAIL, None),
    lambda t: t.use("reset", EMAIL, b"a"),
    lambda t: t.use("Reset", EMAIL, "a" * 43),
    lambda t: t.use("reset", 7, "a" * 43),
    lambda t: t.revoke("re set", EMAIL),
    lambda t: t.revoke("reset", None),
]


async def test_bad_values_are_refused_before_anything_is_sent(place: Place) -> None:
    for number, call in enumerate(BAD_CALLS):
        with place.db.statements() as sent:
            try:
                taken = await call(place.db.auth.tokens)
            except InvalidInputError:
                pass
            else:
                pytest.fail(f"call {number} was taken: {taken!r}")
        assert sent.names == [], number


async def test_how_long_an_identifier_may_be(place: Place) -> None:
    tokens = place.db.auth.tokens
    longest = "a" * (255 if place.preset == "maps" else 240)
    await tokens.use("reset", longest, await tokens.issue("reset", longest))
    with pytest.raises(InvalidInputError, match="identifier"):
        await tokens.issue("reset", longest + "a")


async def test_no_secret_is_told_on_any_path(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    with caplog.at_level(logging.DEBUG), place.db.observe(lambda each: told.append(repr(each))):
        token = await place.db.auth.tokens.issue("reset", EMAIL)
        (row,) = await Stored(place).rows()
        await place.db.auth.tokens.use("reset", EMAIL, token)
        told.append(await refused(place, "reset", EMAIL, token))
    text = "\n".join([*told, caplog.text])
    for secret in (token, row[Stored(place).token], EMAIL):
        assert secret not in text
    assert "auth.tokens.use" in text
