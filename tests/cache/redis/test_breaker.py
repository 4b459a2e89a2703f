"""The breaker, by a clock that the test turns."""

import logging

import pytest

from chatkeep.cache.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("It is asked", failures=3, reset=5.0, clock=clock)


def opened(breaker: Breaker) -> Breaker:
    for _ in range(3):
        breaker.failed("nothing came")
    assert breaker.open
    return breaker


def test_it_opens_after_failures_in_a_row_alone(breaker: Breaker) -> None:
    for _ in range(5):
        breaker.failed("one")
        breaker.failed("two")
        breaker.worked()
    assert not breaker.open
    assert breaker.lets_through()
    opened(breaker)
    assert not breaker.lets_through()


def test_one_call_tries_again_and_the_others_do_not_wait(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 4.9
    assert not any(breaker.lets_through() for _ in range(50))
    clock.now += 0.2
    assert [breaker.lets_through() for _ in range(50)] == [True] + [False] * 49


def test_a_probe_that_works_closes_it(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 5
    assert breaker.lets_through()
    breaker.worked()
    assert all(breaker.lets_through() for _ in range(50))
    breaker.failed("again")
    assert not breaker.open  # it counts from the beginning


def test_a_probe_that_fails_begins_the_time_anew(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 5
    assert breaker.lets_through()
    clock.now += 0.25
    breaker.failed("still nothing")
    clock.now += 4.7
    assert not breaker.lets_through()
    clock.now += 0.1
    assert breaker.lets_through()


def test_a_probe_that_was_cancelled_does_not_hold_it_open(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 5
    assert breaker.lets_through()  # and nothing is heard of it
    clock.now += 5
    assert breaker.lets_through()


def test_a_late_answer_from_before_does_not_close_it(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    breaker.worked(probe=False)
    assert breaker.open
    clock.now += 5
    assert breaker.lets_through()
    breaker.worked(probe=False)
    assert breaker.open
    breaker.worked()
    assert not breaker.open


def test_one_line_for_opening_and_one_for_closing(
    breaker: Breaker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "chatkeep.cache"):
        for _ in range(3):
            breaker.worked()
        for _ in range(100):
            breaker.failed("nothing came")
        clock.now += 7
        assert breaker.lets_through()
        breaker.failed("nothing came")
        clock.now += 7
        assert breaker.lets_through()
        for _ in range(100):
            breaker.worked()
    assert [record.getMessage() for record in caplog.records] == [
        "It is asked no more: nothing came, 3 times in a row; tried again every 5 s",
        "It is asked again, after 14.0 s",
    ]
