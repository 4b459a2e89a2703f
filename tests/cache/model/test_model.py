"""Three processes' caches over one PostgreSQL and one Redis that fails, against the model.

Hypothesis draws what happens: searches that look alike are asked for, put and forgotten, one after
the other and at once; fetches fail or take long; time passes, by a fake clock; Redis is killed,
started again empty, flushed, filled, made read-only, and what it holds is exchanged and spoiled.
Two of the caches use Redis, the third has PostgreSQL alone.

- Nothing older than `ttl + stale_for` is given, nothing of another search, nothing in part, and
  nothing stale as fresh.
- No call fails but for its fetch, or one within `failure_ttl`.
- What PostgreSQL was given is found by everybody, whatever Redis does, and not fetched again.
- What was replaced or forgotten is given for `memory_ttl` at most, by PostgreSQL always, by Redis
  unless it failed since; by whoever replaced it never again, though Redis refused to.
"""

import asyncio
import os
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from cache.model.searches import (
    FAILURE_TTL,
    JITTER,
    MEMORY_TTL,
    SEARCHES,
    STALE_FOR,
    TTL,
    Model,
    Version,
)
from chatkeep import Database, SearchCacheOptions, SearchFailedError
from chatkeep.access.catalogue import catalogue_of
from chatkeep.cache.assembly import search_cache_of
from chatkeep.cache.cache import SearchCache
from chatkeep.cache.freshness import Freshness
from chatkeep.presets import deepsearch
from fixtures.redis import RedisServer
from fixtures.servers import Databases, PgServer

FULL = os.environ.get("CHATKEEP_FULL") == "1"
EXAMPLES, STEPS = (1_000, 60) if FULL else (40, 40)
SCHEMA = deepsearch.schema(prefix="x_")
CACHES, WITHOUT_REDIS = 3, 2

which = st.integers(0, CACHES - 1)
searches = st.integers(0, len(SEARCHES) - 1)
forms = st.integers(0, 2)
ttls = st.sampled_from([None, 4.0, 90.0])
fetching = st.sampled_from(["well", "well", "well", "slowly", "fails"])
operations = st.sampled_from(["ask", "ask", "get", "put", "forget"])
several = st.lists(st.tuples(which, operations, forms, ttls, fetching), min_size=2, max_size=6)


class SearchBrokenError(Exception):
    """The search's own fault."""


class Floor:
    """For each search, the oldest version that may still be given, and from when."""

    def __init__(self) -> None:
        self._of: dict[int, list[tuple[float, int]]] = {}

    def raise_to(self, search: int, number: int, start: float) -> None:
        self._of.setdefault(search, []).append((start, number))

    def clear(self) -> None:
        self._of.clear()

    def drop(self, search: int) -> None:
        self._of.pop(search, None)

    def least(self, search: int, began: float) -> int:
        return max((n for start, n in self._of.get(search, []) if began >= start), default=0)


class Place:
    """What all examples share: servers, a loop, and a connection that empties the table."""

    def __init__(self, url: str, server: RedisServer, runner: asyncio.Runner) -> None:
        self.url = url
        self.server = server
        self.run = runner.run
        self.raw = self.run(asyncpg.connect(url))
        self.answers = 0

    def empty(self) -> None:
        self.server.mend()
        self.run(self.raw.execute('truncate "x_search_cache"'))


class World:
    """The caches of one example, the fake clock, and what the model knows."""

    def __init__(self, place: Place, seed: int) -> None:
        self.place = place
        self.now = 1_700_000_000.0
        self.model = Model()
        self.in_postgres, self.in_redis = Floor(), Floor()
        self.own = [Floor() for _ in range(CACHES)]
        self.redis_works = True
        self.made: list[tuple[int, Version]] = []
        dice = random.Random(seed)
        self.db = Database(SCHEMA, place.url)
        place.run(self.db.__aenter__())
        self.caches = [self._cache(number, dice) for number in range(CACHES)]

    def _cache(self, number: int, dice: random.Random) -> SearchCache:
        options = SearchCacheOptions(
            redis_url=None if number == WITHOUT_REDIS else self.place.server.url,
            redis_timeout=timedelta(seconds=5),
            breaker_failures=2,
            breaker_reset=timedelta(microseconds=1),  # of real time: the next call tries it again
            ttl=timedelta(seconds=TTL),
            stale_for=timedelta(seconds=STALE_FOR),
            failure_ttl=timedelta(seconds=FAILURE_TTL),
            memory_ttl=timedelta(seconds=MEMORY_TTL),
            memory_bytes=12_000,  # some entries: others have to go
            jitter=JITTER,
            refresh_early=10_000.0,  # fetches here take a part of a millisecond
            fetch_timeout=timedelta(seconds=10),
            record=False,
        )
        return search_cache_of(
            self.db._runner,
            catalogue_of(SCHEMA),
            options,
            clock=lambda: self.now,
            freshness=Freshness(options, dice.random),
        )

    def close(self) -> None:
        self.place.run(self.db.__aexit__(None, None, None))

    def do(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something, and wait for all that it left to be done beside."""
        self.place.run(self._settled(work))

    async def _settled(self, work: Coroutine[Any, Any, Any]) -> None:
        await work
        background = self.db._runner.background
        while tasks := background._work | background._saving:
            await asyncio.wait(tasks)

    def fetcher(self, who: int, search: int, ttl: float | None, how: str) -> Callable[[], Any]:
        async def fetch() -> list[dict[str, Any]]:
            await asyncio.sleep(0)
            if how == "slowly":
                self.now += 2.0
            if how == "fails":
                self.model.fail(search, self.now)
                raise SearchBrokenError
            return self.make(who, search, ttl).given()

        return fetch

    def make(self, who: int, search: int, ttl: float | None) -> Version:
        version = self.model.make(search, self.now, TTL if ttl is None else ttl)
        self.made.append((who, version))
        return version

    async def operate(
        self, search: int, who: int, operation: str, form: int, ttl: float | None, how: str
    ) -> bool:
        """Do one thing and check its answer; whether it was found, or kept."""
        query, about = SEARCHES[search][form % len(SEARCHES[search])]
        cache, began = self.caches[who], self.now
        keeping = about if ttl is None else {**about, "ttl": timedelta(seconds=ttl)}
        self.place.answers += 1
        if operation == "put":
            return await cache.put(query, self.make(who, search, ttl).given(), **keeping)
        if operation == "forget":
            self.model.forget(search)
            await cache.forget(query, **about)
            return True
        if operation == "get":
            found = await cache.get(query, **about)
        else:
            fetch = self.fetcher(who, search, ttl, how)
            try:
                found = await cache.get_or_fetch(query, fetch, **keeping)
            except SearchBrokenError:
                assert max(self.model.failed_at[search]) >= began
                return False
            except SearchFailedError:
                self.model.check_failure(search, began)
                return True  # it may be there: who failed believes so for a while
        if found is None:
            return False
        version = self.model.check(search, found, began, self.now)
        floor = self.in_postgres if who == WITHOUT_REDIS else self.in_redis
        least = max(floor.least(search, began), self.own[who].least(search, began))
        assert version.number >= least, f"{version.number} was replaced by {least}"
        return found.outcome != "miss"

    async def one(self, search: int, *drawn: Any) -> None:
        """Do one thing alone: what must be there must be found."""
        must = drawn[1] == "put" or self.model.must_have(search, self.now)
        assert await self.operate(search, *drawn) or not must, "not kept, or not found"

    def after_one(self, search: int, who: int, operation: str) -> None:
        """Note that nobody may go on with what was replaced or forgotten."""
        numbers = [version.number for _, version in self.made]
        if operation == "forget":
            numbers.append(len(self.model.versions))
        believed_until = self.now + MEMORY_TTL
        for number in numbers:
            self.own[who].raise_to(search, number, self.now)
            if who != WITHOUT_REDIS or operation != "forget":
                self.in_postgres.raise_to(search, number, believed_until)
            if who != WITHOUT_REDIS and self.redis_works:
                self.in_redis.raise_to(search, number, believed_until)
        self.made.clear()

    async def at_once(self, search: int, drawn: list[Any]) -> None:
        """Do several things at the same time, whose order nobody knows."""
        await asyncio.gather(*(self.operate(search, *one) for one in drawn))

    def after_several(self, search: int, operations: set[str]) -> None:
        """Note what is certain in whatever order they came to be done."""
        for floor in (self.in_redis, *self.own):
            floor.drop(search)
        versions = [version for _, version in self.made]
        if versions:
            self.in_postgres.raise_to(search, versions[0].number, self.now + MEMORY_TTL)
            self.model.newest[search] = min(versions, key=lambda one: one.surely_there_until)
        if "forget" in operations:
            self.model.forget(search)
        self.made.clear()

    def strike(self, *, works: bool) -> None:
        self.redis_works = works
        self.in_redis.clear()


class Searching(RuleBasedStateMachine):
    """What may happen."""

    place: Place

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.place.empty()
        self.world = World(self.place, seed)
        for search in range(4):
            self.one(search, 0, "put", 0, None, "well")

    def teardown(self) -> None:
        with suppress(AttributeError):
            self.world.close()

    @rule(search=searches, who=which, what=operations, form=forms, ttl=ttls, how=fetching)
    def one(self, search: int, who: int, what: str, form: int, ttl: float | None, how: str) -> None:
        self.world.do(self.world.one(search, who, what, form, ttl, how))
        self.world.after_one(search, who, what)

    @rule(who=which, what=operations, ttl=ttls, how=fetching)
    def first(self, who: int, what: str, ttl: float | None, how: str) -> None:
        """The same search again and again: things happen to it."""
        self.one(0, who, what, 0, ttl, how)

    @rule(search=st.integers(0, 1), drawn=several)
    def at_once(self, search: int, drawn: list[Any]) -> None:
        self.world.do(self.world.at_once(search, drawn))
        self.world.after_several(search, {what for _, what, *_ in drawn})

    @rule(seconds=st.sampled_from([0.25, 1.0, 3.5, 7.75, 14.75, 15.0, 36.0, 40.0, 99.75, 140.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @rule(who=which)
    def sweep(self, who: int) -> None:
        self.world.do(self.world.caches[who].sweep())

    @rule()
    def redis_is_killed(self) -> None:
        self.world.strike(works=False)
        if self.place.server.process is not None:
            self.place.server.kill()

    @rule(how=st.sampled_from(["full", "read-only"]))
    def redis_refuses(self, how: str) -> None:
        if self.place.server.process is None:
            return
        self.world.strike(works=False)
        self.place.server.fill() if how == "full" else self.place.server.read_only()

    @rule(who=st.integers(0, WITHOUT_REDIS - 1), what=st.sampled_from(["put", "forget"]))
    def redis_keeps_what_was_changed(self, who: int, what: str) -> None:
        """It refuses a change and works again, with what it had."""
        self.redis_works_again()
        self.one(1, who, "put", 0, None, "well")
        self.redis_refuses("read-only")
        self.one(1, who, what, 0, None, "well")
        self.redis_works_again()
        self.everybody_looks()

    @rule()
    def redis_works_again(self) -> None:
        server = self.place.server
        self.world.strike(works=True)
        if server.process is None:
            server.start()
        server.client.execute_command("REPLICAOF", "NO", "ONE")
        server.client.config_set("maxmemory", "0")

    @rule(how=st.sampled_from(["flushed", "exchanged", "garbage", "list"]), seed=st.integers(0, 9))
    def redis_holds_something_else(self, how: str, seed: int) -> None:
        if not self.world.redis_works:
            return
        client, dice = self.place.server.client, random.Random(seed)
        names = [name for name in client.scan_iter(count=1000) if b":lock:" not in name]
        for name in names:
            if how == "list":
                client.delete(name)
                client.rpush(name, "x")
            elif how == "exchanged":
                other = dice.choice(names)
                if client.type(other) == b"string":
                    client.set(name, client.get(other))
            elif how == "garbage":
                client.set(
                    name, dice.choice([b"", b"ck1", b"ck1[]", b"\x80\x04N.", dice.randbytes(99)])
                )
        if how == "flushed":
            client.flushall()
        self.everybody_looks()

    @rule()
    def everybody_looks(self) -> None:
        """Nobody believes the own copy any more."""
        self.world.now += MEMORY_TTL
        for who in range(CACHES):
            for search in range(4):
                self.one(search, who, "get", 0, None, "well")


def play(url: str, server: RedisServer) -> int:
    """Run the examples; how many calls they made."""
    with asyncio.Runner() as runner:
        place = Place(url, server, runner)
        machine = type("Searching", (Searching,), {"place": place})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=not FULL,
                database=None,
                phases=[Phase.generate, Phase.shrink] if FULL else [Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
        runner.run(place.raw.close())
    return place.answers


@pytest.mark.timeout(1800)
async def test_caches_agree_with_the_model_whatever_happens_to_redis(
    pg18: PgServer, redis_server: RedisServer, fresh_database: Callable[[PgServer], Databases]
) -> None:
    url = await fresh_database(pg18).holding(SCHEMA)
    assert await asyncio.to_thread(play, url, redis_server) > EXAMPLES
