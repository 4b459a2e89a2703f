"""Every byte of every cookie changed, and random mutations: nothing of it signs anybody in.

A value that is changed may still be the same bytes, written differently: percent signs say `%2b` and
`%2B`, and the last letter of base64 has bits that no byte needs. Base64 written in another way is
refused; what is left (percent signs) is proven to be the same cookie, see `is_same`.
"""

import os
from collections import Counter
from random import Random
from urllib.parse import unquote

import pytest

from auth.golden import GOLDEN, Golden
from auth.table.conftest import OWN, World, protected
from auth.table.mutations import Cookies, Mutator, base_of

pytestmark = pytest.mark.needs("node")

FULL = os.environ.get("CHATKEEP_FULL") == "1"
MUTATIONS = 100_000
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=.%"

KINDS = [
    *(
        name
        for name in GOLDEN
        if not any(word in name for word in ("expired", "old", "of another"))
    ),
    *(case.name for case in OWN if "of another" not in case.name),
]


def is_same(given: Cookies, golden: Golden) -> bool:
    """Whether these are the golden cookies, with percent signs where none are needed or otherwise.

    Both sides are decoded once and put together; what is equal then is the very same text.
    """

    def plain(cookies: Cookies) -> dict[str, str]:
        whole: dict[str, list[str]] = {}
        for name in sorted(cookies, key=lambda name: (len(name), name)):
            whole.setdefault(base_of(name), []).append(cookies[name])
        return {base: unquote("".join(parts)) for base, parts in whole.items()}

    return plain(given) == plain(golden.cookies)


@pytest.mark.parametrize("name", KINDS)
async def test_every_byte_counts(name: str, world: World) -> None:
    golden = world.golden[name]
    draw = Random(name)
    async with world.alone(golden) as db:
        for cookie in protected(golden):
            value = golden.cookies[cookie]
            step = 1 if FULL or len(value) < 1_000 else 41
            places = {*range(0, len(value), step), len(value) - 1}
            for at in sorted(places):
                letter = draw.choice([one for one in LETTERS if one != value[at]])
                given = {**golden.cookies, cookie: value[:at] + letter + value[at + 1 :]}
                if is_same(given, golden):  # %2B and %2b
                    continue
                assert await db.auth.session_from_cookies(given) is None, (cookie, at, letter)


@pytest.mark.parametrize("name", KINDS)
async def test_every_last_letter_counts(name: str, world: World) -> None:
    """The last letter of each part of base64 has up to four bits that decode to nothing."""
    golden = world.golden[name]
    async with world.alone(golden) as db:
        for cookie in protected(golden):
            value = golden.cookies[cookie]
            ends = [at - 1 for at, letter in enumerate(value) if letter == "." and at]
            ends += [len(unquote(value)) - 2, len(value) - 1]
            for at in {at for at in ends if at < len(value)}:
                for letter in LETTERS:
                    if letter != value[at]:
                        given = {**golden.cookies, cookie: value[:at] + letter + value[at + 1 :]}
                        if is_same(given, golden):  # %3D and %3d
                            continue
                        found = await db.auth.session_from_cookies(given)
                        assert found is None, (cookie, at, letter)


def as_header(cookies: Cookies) -> str | None:
    """The text of a Cookie header; None where a value holds what ends a cookie or stands around."""
    if any(letter in value for value in cookies.values() for letter in '; \t"'):
        return None
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


async def test_random_mutations_are_refused(world: World) -> None:
    """100,000 over all kinds; the seed and the number tell how to see one again."""
    goldens = [world.golden[name] for name in KINDS]
    every = list(world.golden.values())
    refused: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for number, golden in enumerate(goldens):
        share = MUTATIONS // len(goldens) + (number < MUTATIONS % len(goldens))
        draw = Random(f"{golden.case.name} 7")
        mutator = Mutator(draw, every)
        async with world.alone(golden) as db:
            with db.statements() as sent:
                done = 0
                while done < share:
                    what, given = mutator.of(golden, protected(golden))
                    if is_same(given, golden):  # %2B and %2b
                        continue
                    header = as_header(given) if draw.random() < 0.3 else None
                    found = await db.auth.session_from_cookies(header or given)
                    assert found is None, (golden.case.name, done, what)
                    done += 1
                    refused[what] += 1
            # Beside a cache stands the session's own cookie, which the database is asked about.
            asked["beside a cache" if golden.case.is_cache else golden.case.kind] += sent.count
    assert sum(refused.values()) == MUTATIONS
    assert asked["signed"] == 0
    print(f"{MUTATIONS} refused; the database was asked: {dict(asked)}")
    print(dict(refused.most_common()))
