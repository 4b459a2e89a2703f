"""Two users call at random, with ids of their own, of each other and of nobody."""

import os
import random
from dataclasses import fields, replace

import pytest

from chatkeep import ChatkeepError
from security.places import Place
from security.stranger_calls import CALLS, TAKEN, outcome_of
from security.worlds import World, hashes

WHOLE = bool(os.environ.get("CHATKEEP_FULL"))
NUMBER = 1700 if WHOLE else 60  # for each of six databases: 10,200 in the whole
TRIED = [(path, call) for calls in (CALLS, TAKEN) for path, each in calls.items() for call in each]
# Nobody follows an answer of one's own whose writer is dead: that waits until it is known to be.
POOLS = (
    ("chat", "SELECT id FROM x_chat WHERE user_id = $1 AND deleted_at IS NULL"),
    ("trashed_chat", "SELECT id FROM x_chat WHERE user_id = $1 AND deleted_at IS NOT NULL"),
    ("message", "SELECT id FROM x_message WHERE user_id = $1 AND status <> 'streaming'"),
    ("share", "SELECT id FROM x_chat_share WHERE user_id = $1"),
)
LIKE = {"other_chat": "chat", "running_chat": "chat", "answer": "message", "running": "message"}


async def world_of(place: Place, world: World, dice: random.Random) -> World:
    """The user's rows as they are now, one of each kind."""
    now: dict[str, str] = {}
    for name, sql in POOLS:
        ids = [row["id"] for row in await place.admin.fetch(sql, world.user)]
        now[name] = dice.choice(ids) if ids else getattr(place.missing, name)
    now |= {name: now[like] for name, like in LIKE.items()}
    return replace(world, trashed_message=now["message"], **now)


def mixed(worlds: list[World], dice: random.Random) -> World:
    ids = {
        each.name: getattr(dice.choice(worlds), each.name)
        for each in fields(World)
        if each.name != "cursors"
    }
    return World(**ids, cursors=dice.choice(worlds).cursors)


@pytest.mark.timeout(3000)
async def test_random_calls_never_reach_the_other(place: Place) -> None:
    dice = random.Random(7)
    users, done, went_well = [place.victim, place.stranger], 0, 0
    for _ in range(NUMBER):
        actor, other = dice.sample(users, 2)
        worlds = [
            await world_of(place, actor, dice),
            await world_of(place, other, dice),
            place.missing,
        ]
        path, call = dice.choice(TRIED)
        before = await hashes(place.admin, "x_", [other.user])
        scope = place.db.as_user(actor.user)
        given = (mixed(worlds, dice), mixed(worlds[:1], dice))
        outcome, result = await outcome_of(place.db, scope, path, call, given)
        told = repr(result) + outcome.said
        assert other.user not in told, path
        assert await hashes(place.admin, "x_", [other.user]) == before, path
        done += 1
        went_well += outcome.what == "result"
        assert outcome.what == "result" or _is_ours(outcome.what), f"{path}: {outcome}"
    assert done == NUMBER
    assert went_well > NUMBER // 5  # most of one's own calls do something


def _is_ours(name: str) -> bool:
    waiting, found = [ChatkeepError], set[str]()
    while waiting:
        one = waiting.pop()
        found.add(one.__name__)
        waiting += one.__subclasses__()
    return name in found
