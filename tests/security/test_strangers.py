"""No method of a scope reads or changes another user's row. A new method is tried unasked.

On 15 and behind PgBouncer CI tries a sample: see conftest.py.
"""

from collections.abc import Mapping, Sequence

import pytest

from chatkeep import Database
from chatkeep.presets import deepsearch
from security.places import Place
from security.stranger_calls import CALLS, TAKEN, Call, Outcome, methods_of, outcome_of
from security.worlds import PRIVATE, World, hashes

SCOPE = Database(deepsearch.schema(), "postgresql://nobody@localhost/nothing").as_user("u")


def test_every_public_method_has_calls_to_try() -> None:
    found = set(methods_of(SCOPE))
    assert found == set(CALLS), "give a new method calls in stranger_calls.py"
    assert set(TAKEN) < found


def cases(calls: Mapping[str, Sequence[Call]]) -> list[object]:
    return [
        pytest.param(path, call, id=f"{path}-{number}")
        for path, each in calls.items()
        for number, call in enumerate(each)
    ]


async def tried(place: Place, path: str, call: Call, world: World) -> Outcome:
    """Make the call as the stranger; nothing of the victim's is given or changed by it."""
    before = await hashes(place.admin, "x_", [place.victim.user])
    place.db._runner.memory.clear()  # of one call, the next one would need no statement
    await place.db.settings.cached(place.victim.user)
    scope = place.db.as_user(place.stranger.user)
    outcome, result = await outcome_of(place.db, scope, path, call, (world, place.stranger))
    for told in (repr(result), outcome.said):
        assert PRIVATE not in told
        assert place.victim.user not in told
    assert await hashes(place.admin, "x_", [place.victim.user]) == before
    return outcome


@pytest.mark.parametrize(("path", "call"), cases(CALLS))
async def test_a_strangers_id_is_like_none(place: Place, path: str, call: Call) -> None:
    own = await hashes(place.admin, "x_", [place.stranger.user])
    outcome = await tried(place, path, call, place.victim)
    if outcome.what != "result":
        assert await hashes(place.admin, "x_", [place.stranger.user]) == own
    assert outcome == await tried(place, path, call, place.missing)


@pytest.mark.parametrize(("path", "call"), cases(TAKEN))
async def test_an_id_of_another_user_cannot_be_given_again(
    place: Place, path: str, call: Call
) -> None:
    own = await hashes(place.admin, "x_", [place.stranger.user])
    outcome = await tried(place, path, call, place.victim)
    assert outcome.what == "AlreadyExistsError"
    assert await hashes(place.admin, "x_", [place.stranger.user]) == own
