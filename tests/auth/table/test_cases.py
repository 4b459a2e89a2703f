"""Cookie kinds x cases: every right cookie gives its user, every wrong one None."""

from datetime import UTC, datetime, timedelta

import pytest

from auth.golden import GOLDEN, OLD_SECRET, SECRET, WRONG_SECRET, Golden
from auth.table.conftest import OWN, World, protected
from auth.table.mutations import base_of
from chatkeep.errors import VerificationTokenNotFoundError

pytestmark = pytest.mark.needs("node")

EVERY = [*GOLDEN, *(case.name for case in OWN)]
STALE = ("expired", "old secret", " old")
LIVE = [name for name in EVERY if not any(word in name for word in STALE)]
TOKENS = [name for name in LIVE if name in GOLDEN and GOLDEN[name].is_token]
ROWS = [name for name in LIVE if name not in TOKENS]
CACHES = [name for name in LIVE if name in GOLDEN and GOLDEN[name].is_cache]
SECRETS = [
    name for name in LIVE if name in GOLDEN and GOLDEN[name].kind != "database"
]  # somebody's secret says that it is right
CHUNKED = [name for name in LIVE if "chunked" in name]


async def caller(world: World, golden: Golden, *secrets: str, **options: object) -> str | None:
    """Whom the golden cookies show."""
    db = await world.of(golden, *secrets, **options)
    found = await db.auth.session_from_cookies(golden.cookies)
    return None if found is None else found.user_id


@pytest.mark.parametrize("name", LIVE)
async def test_valid_cookie_gives_its_user(name: str, world: World) -> None:
    golden = world.golden[name]
    db = await world.of(golden)
    found = await db.auth.session_from_cookies(golden.cookies)
    assert found is not None
    assert found.user_id == golden.user_id
    assert found.kind.startswith(golden.case.library)
    assert found.expires > datetime.now(UTC)
    if golden.expires is not None:
        assert abs(found.expires - golden.expires) < timedelta(milliseconds=2)


@pytest.mark.parametrize("name", CACHES)
async def test_cache_that_is_trusted_gives_its_user_unasked(name: str, world: World) -> None:
    golden = world.golden[name]
    db = await world.of(golden, trust_cookie_cache=True)
    with db.statements() as sent:
        found = await db.auth.session_from_cookies(golden.cookies)
    assert found is not None
    assert (found.user_id, found.kind, sent.count) == (golden.user_id, "better-auth-cache", 0)


@pytest.mark.parametrize("name", [name for name in EVERY if "expired" in name])
@pytest.mark.parametrize("trust", [False, True])
async def test_expired_cookie_is_refused(name: str, trust: bool, world: World) -> None:
    golden = world.golden[name]
    assert await caller(world, golden, trust_cookie_cache=trust) is None


@pytest.mark.parametrize("name", [name for name in EVERY if name.endswith("cache old")])
async def test_old_cache_is_not_believed_and_the_row_is(name: str, world: World) -> None:
    golden = world.golden[name]
    async with world.restored(golden):
        db = await world.of(golden, trust_cookie_cache=True)
        found = await db.auth.session_from_cookies(golden.cookies)
        assert found is not None
        assert found.kind == "better-auth"
        assert golden.token is not None
        await db.sessions.delete(golden.token)
        assert await db.auth.session_from_cookies(golden.cookies) is None


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("secrets", [(WRONG_SECRET,), (OLD_SECRET, WRONG_SECRET)])
async def test_wrong_secret_is_refused(name: str, secrets: tuple[str, ...], world: World) -> None:
    golden = world.golden[name]
    for trust in (False, True):
        assert await caller(world, golden, *secrets, trust_cookie_cache=trust) is None


@pytest.mark.parametrize("name", [name for name in EVERY if name.endswith("old secret")])
async def test_rotated_secret_is_good_while_it_is_listed(name: str, world: World) -> None:
    golden = world.golden[name]
    for trust in (False, True):
        listed = await caller(world, golden, SECRET, OLD_SECRET, trust_cookie_cache=trust)
        assert listed == golden.user_id
        gone = await caller(world, golden, SECRET, trust_cookie_cache=trust)
        # A session in the database is no matter of secrets.
        assert gone == (golden.user_id if golden.case.kind == "database" else None)


@pytest.mark.parametrize("name", ROWS)
async def test_revoked_session_is_refused(name: str, world: World) -> None:
    golden = world.golden[name]
    async with world.restored(golden):
        db = await world.of(golden)
        assert await caller(world, golden) == golden.user_id
        if golden.case.kind == "own":
            await db.auth.sessions.revoke_all(golden.user_id)
        else:
            assert golden.token is not None
            await db.sessions.delete(golden.token)
        assert await caller(world, golden) is None
        if golden.case.is_cache:  # it is said so: believed until the cache expires
            assert await caller(world, golden, trust_cookie_cache=True) == golden.user_id


@pytest.mark.parametrize("name", LIVE)
async def test_deleted_user_is_refused(name: str, world: World) -> None:
    golden = world.golden[name]
    async with world.restored(golden):
        db = await world.of(golden)
        await db.users.delete(golden.user_id)
        assert await caller(world, golden) is None


@pytest.mark.parametrize("name", CHUNKED)
async def test_chunks_that_are_not_all_or_not_in_order_are_refused(name: str, world: World) -> None:
    golden = world.golden[name]
    names = protected(golden)
    base, cookies = base_of(names[0]), golden.cookies
    rest = {one: value for one, value in cookies.items() if one not in names}
    chunks = [cookies[one] for one in names]
    whole = dict(zip(names, chunks, strict=True))
    wrong: list[dict[str, str]] = [
        dict(zip(names, reversed(chunks), strict=True)),
        dict(zip(names, chunks[1:] + chunks[:1], strict=True)),
        {**whole, f"{base}.{len(names)}": chunks[0]},
        {**whole, f"{base}.{len(names)}": "A"},
        {**whole, f"{base}.{len(names) + 1}": chunks[0]},
        {**whole, base: chunks[0]},
        {f"{base}.{number + 1}": chunk for number, chunk in enumerate(chunks)},
        {f"{base}.0{number}": chunk for number, chunk in enumerate(chunks)},
    ]
    for at, one in enumerate(names):
        fewer = [chunk for number, chunk in enumerate(chunks) if number != at]
        wrong += [
            {other: value for other, value in whole.items() if other != one},
            {f"{base}.{number}": chunk for number, chunk in enumerate(fewer)},
            {base: chunks[at]},
            {**whole, one: chunks[at][:-1]},
            {**whole, one: chunks[at][1:]},
            {**whole, one: ""},
        ]
    async with world.alone(golden) as db:
        for given in wrong:
            assert await db.auth.session_from_cookies({**rest, **given}) is None, list(given)


@pytest.mark.parametrize("name", [name for name in LIVE if name.endswith("of another")])
async def test_parts_of_two_users_are_refused(name: str, world: World) -> None:
    another = world.golden[name]
    golden = world.golden[name.removesuffix(" of another")]
    assert golden.user_id != another.user_id
    cookie = protected(golden)[0]
    mine, theirs = golden.cookies[cookie], another.cookies[cookie]
    half = len(mine) // 2
    mixed = [mine[:half] + theirs[half:], theirs[:half] + mine[half:]]
    parts, others = mine.split("."), theirs.split(".")
    mixed += [
        ".".join([*parts[:at], others[at], *parts[at + 1 :]])
        for at in range(len(parts))
        if len(parts) > 1 and parts[at] != others[at]
    ]
    async with world.alone(golden) as db:
        for value in mixed:
            given = {**golden.cookies, cookie: value}
            assert await db.auth.session_from_cookies(given) is None, value


@pytest.mark.parametrize("kind", ["compact", "jwt", "jwe"])
async def test_cache_of_one_with_the_session_of_another_is_not_believed(
    kind: str, world: World
) -> None:
    golden = world.golden[f"better-auth {kind} cache"]
    another = world.golden[f"better-auth {kind} cache of another"]
    db = await world.of(golden, trust_cookie_cache=True)
    mixed = {**another.cookies, **{one: golden.cookies[one] for one in protected(golden)}}
    found = await db.auth.session_from_cookies(mixed)
    assert found is None or (found.user_id, found.kind) == (another.user_id, "better-auth")


@pytest.mark.parametrize("name", TOKENS)
async def test_token_under_another_name_is_refused(name: str, world: World) -> None:
    """Auth.js's key is made of the cookie's name; NextAuth's is not, and no name decides there."""
    golden = world.golden[name]
    db = await world.of(golden)
    if golden.case.library == "auth.js":
        (base,) = {base_of(one) for one in golden.cookies}
        other = base[len("__Secure-") :] if base.startswith("__Secure-") else f"__Secure-{base}"
        given = {one.replace(base, other): value for one, value in golden.cookies.items()}
        assert await db.auth.session_from_cookies(given) is None
    for library in ("authjs", "next-auth"):
        if library.replace("authjs", "auth.js") != golden.case.library:
            value = "".join(golden.cookies.values())
            given = {f"{library}.session-token": value}
            assert await db.auth.session_from_cookies(given) is None
    for given_name in ("better-auth.session_token", "better-auth.session_data", "chatkeep.session"):
        given = {given_name: "".join(golden.cookies.values())}
        assert await db.auth.session_from_cookies(given) is None


@pytest.mark.parametrize("name", ["authjs.session-token", "next-auth.session-token"])
async def test_token_of_better_auth_without_its_signature_is_refused(
    name: str, world: World
) -> None:
    golden = world.golden["better-auth signed"]
    db = await world.of(golden)
    assert golden.token is not None
    for cookie in (name, f"__Secure-{name}", "chatkeep.session", "better-auth.session_token"):
        assert await db.auth.session_from_cookies({cookie: golden.token}) is None


async def test_what_stands_in_the_table_opens_nothing(world: World) -> None:
    for preset in ("deepsearch", "maps"):
        golden = world.golden[f"chatkeep {preset}"]
        db = await world.of(golden)
        page = await db.sessions.list(golden.user_id)
        stored = [
            value
            for row in page.items
            for value in (getattr(row, "token", None), getattr(row, "session_token", None))
            if value and value.startswith("sha256:")
        ]
        assert stored
        for value in stored:
            for name in ("chatkeep.session", "authjs.session-token", "next-auth.session-token"):
                assert await db.auth.session_from_cookies({name: value}) is None
            assert await db.auth.sessions.find(value) is None


@pytest.mark.parametrize("preset", ["deepsearch", "maps"])
async def test_rotated_session_is_not_good_again(preset: str, world: World) -> None:
    golden = world.golden[f"chatkeep {preset}"]
    async with world.restored(golden):
        db = await world.of(golden)
        assert golden.token is not None
        rotated = await db.auth.sessions.rotate(golden.token)
        assert rotated is not None
        assert await db.auth.session_from_cookies(golden.cookies) is None
        (name,) = golden.cookies
        found = await db.auth.session_from_cookies({name: rotated.token})
        assert found is not None
        assert found.user_id == golden.user_id


@pytest.mark.parametrize("preset", ["deepsearch", "maps"])
async def test_used_token_is_not_good_again(preset: str, world: World) -> None:
    golden = world.golden[f"chatkeep {preset}"]
    db = await world.of(golden)
    token = await db.auth.tokens.issue("verify", golden.user["email"])
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token + "=", token.swapcase()):
        with pytest.raises(VerificationTokenNotFoundError):
            await db.auth.tokens.use("verify", golden.user["email"], wrong)
    await db.auth.tokens.use("verify", golden.user["email"], token)
    with pytest.raises(VerificationTokenNotFoundError):
        await db.auth.tokens.use("verify", golden.user["email"], token)
    assert await db.auth.session_from_cookies({"chatkeep.session": token}) is None
