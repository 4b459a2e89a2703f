"""Session cookies exactly as the real libraries set them, one Node process for each library.

`GOLDEN` names the cases, so that tests can be made for each before Node ran; the fixture
`golden_cookies` gives what the libraries set, and `store` puts the rows into a test's database.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import pytest

from chatkeep import AuthOptions, Database

SECRET: Final = "the-secret-of-today-0123456789abcdefghij"
OLD_SECRET: Final = "the-secret-of-last-year-9876543210zyxwvu"
WRONG_SECRET: Final = "a-secret-that-was-never-used-1122334455"

DAY: Final = 86_400
FILLER: Final = 5_000  # characters: more than fit into one cookie
NEXT_AUTH, AUTH_JS, BETTER_AUTH = "next-auth", "auth.js", "better-auth"
FOLDERS: Final = {NEXT_AUTH: "next_auth", AUTH_JS: "auth_js", BETTER_AUTH: "better_auth"}


@dataclass(frozen=True)
class Case:
    """One way in which a library sets a cookie.

    Attributes:
        name: Of the case: library, kind and what is special.
        library: As in `AuthOptions.cookie_names`.
        kind: "database", "jwt", "signed", of the cache "compact", "jwt-cache", "jwe"; "own" is ours.
        given: What the library's script is told.
        cookie_names: What `AuthOptions` must say of the names.
    """

    name: str
    library: str
    kind: str
    given: Mapping[str, Any]
    cookie_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def preset(self) -> str:
        either = "maps" if self.library == BETTER_AUTH else "deepsearch"
        return self.given.get("preset", either)

    @property
    def is_cache(self) -> bool:
        """Whether it has a cookie cache beside the session's cookie."""
        return self.kind in CACHES.values()

    @property
    def is_token(self) -> bool:
        """Whether the database is not asked for the session."""
        return self.kind == "jwt"


@dataclass(frozen=True)
class Golden:
    """What a library set, and the rows that it wrote.

    Attributes:
        case: Which.
        cookies: Names and values as they stand in Set-Cookie.
        user: The user's row, in the library's names.
        session: The session's row, in the library's names; None for a JWT.
        secret: With which it was made.
    """

    case: Case
    cookies: dict[str, str]
    user: dict[str, Any]
    session: dict[str, Any] | None
    secret: str

    @property
    def user_id(self) -> str:
        return self.user["id"]

    @property
    def token(self) -> str | None:
        """Of the session's row."""
        row = self.session or {}
        return row.get("token") or row.get("sessionToken")

    @property
    def expires(self) -> datetime | None:
        """When the session's row expires."""
        row = self.session or {}
        text = row.get("expiresAt") or row.get("expires")
        return datetime.fromisoformat(text) if text else None

    def options(self, *secrets: str, **more: Any) -> AuthOptions:
        """What the application says: these secrets, or the right one."""
        return AuthOptions(
            auth_secrets=secrets or (self.secret,),
            better_auth_secrets=secrets or (self.secret,),
            cookie_names=self.case.cookie_names,
            **more,
        )


CACHES: Final = {"compact": "compact", "jwt": "jwt-cache", "jwe": "jwe"}


def _auth_js(library: str, own: str) -> list[Case]:
    cases: list[Case] = []
    for strategy in ("database", "jwt"):
        ways: list[tuple[str, dict[str, Any], dict[str, str]]] = [
            ("", {}, {}),
            (" of another", {}, {}),
            (" secure", {"secure": True}, {}),
            (" custom", {"cookie": own}, {library: own}),
            (" host", {"cookie": f"__Host-{own}", "secure": True}, {library: own}),
            (" expired", {"seconds_ago": 40 * DAY}, {}),
            (" old secret", {"secrets": [OLD_SECRET]}, {}),
        ]
        if strategy == "jwt":
            ways += [
                (" chunked", {"filler": FILLER}, {}),
                (" chunked secure", {"filler": FILLER, "secure": True}, {}),
                (" chunked of another", {"filler": FILLER}, {}),
            ]
        cases += [
            Case(
                f"{library} {strategy}{special}",
                library,
                strategy,
                {"strategy": strategy, **given},
                names,
            )
            for special, given, names in ways
        ]
    return cases


def _better_auth() -> list[Case]:
    ways: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
        ("signed", "signed", {}, {}),
        ("signed of another", "signed", {}, {}),
        ("signed secure", "signed", {"secure": True}, {}),
        ("signed prefix", "signed", {"prefix": "shop"}, {BETTER_AUTH: "shop.session_token"}),
        ("signed custom", "signed", {"cookie": "shop_sid"}, {BETTER_AUTH: "shop_sid"}),
        ("signed expired", "signed", {"seconds_ago": 8 * DAY}, {}),
        ("signed old secret", "signed", {"secrets": [OLD_SECRET]}, {}),
    ]
    for strategy, kind in CACHES.items():
        # For a day instead of 5 minutes: the tests of one run use the same cookies.
        cache = {"cache": strategy, "max_age": DAY}
        ways += [
            (f"{strategy} cache", kind, cache, {}),
            (f"{strategy} cache of another", kind, cache, {}),
            (f"{strategy} cache secure", kind, {**cache, "secure": True}, {}),
            (f"{strategy} cache chunked", kind, {**cache, "filler": FILLER}, {}),
            (f"{strategy} cache old", kind, {**cache, "seconds_ago": 2 * DAY}, {}),
            (f"{strategy} cache expired", kind, {**cache, "seconds_ago": 8 * DAY}, {}),
            (f"{strategy} cache old secret", kind, {**cache, "secrets": [OLD_SECRET]}, {}),
        ]
    return [
        Case(f"{BETTER_AUTH} {name}", BETTER_AUTH, kind, given, names)
        for name, kind, given, names in ways
    ]


GOLDEN: Final = {
    case.name: case
    for case in [
        *_auth_js(AUTH_JS, "shop.session"),
        *_auth_js(NEXT_AUTH, "shop.login"),
        *_better_auth(),
    ]
}


def told(number: int, case: Case) -> dict[str, Any]:
    """What the library's script is told of a case."""
    user = {"id": f"user-{number}", "email": f"u{number}@example.com", "name": f"User {number}"}
    return {"name": case.name, "secrets": [SECRET], "user": user, **case.given}


@pytest.fixture(scope="session")
def golden_cookies(node_script: Callable[..., Any]) -> dict[str, Golden]:
    """Each case of `GOLDEN` by its name, as the real library set it."""
    made: dict[str, Any] = {}
    for library, folder in FOLDERS.items():
        cases = [
            told(number, case)
            for number, case in enumerate(GOLDEN.values())
            if case.library == library
        ]
        made |= node_script(folder, "golden_cookies.mjs", given=cases)
    return {
        case.name: Golden(
            case,
            made[case.name]["cookies"],
            made[case.name]["user"],
            made[case.name]["session"],
            case.given.get("secrets", [SECRET])[0],
        )
        for case in GOLDEN.values()
    }


async def store(db: Database[Any, Any, Any, Any], *golden: Golden) -> None:
    """Put the users and sessions that the library wrote into the database."""
    for one in golden:
        if one.case.preset == "maps":
            await _store_maps(db, one)
        else:
            await _store_deepsearch(db, one)


async def _store_deepsearch(db: Database[Any, Any, Any, Any], golden: Golden) -> None:
    from chatkeep.inputs.deepsearch import NewSession, NewUser

    await db.users.create(NewUser(id=golden.user_id, email=golden.user["email"]))
    if golden.session is not None:
        assert golden.token is not None
        assert golden.expires is not None
        new = NewSession(session_token=golden.token, user_id=golden.user_id, expires=golden.expires)
        await db.sessions.create(new)


async def _store_maps(db: Database[Any, Any, Any, Any], golden: Golden) -> None:
    from chatkeep.inputs.maps import NewSession, NewUser

    await db.users.create(
        NewUser(id=golden.user_id, email=golden.user["email"], name=golden.user["name"])
    )
    assert golden.session is not None
    assert golden.token is not None
    assert golden.expires is not None
    new = NewSession(
        id=golden.session["id"],
        token=golden.token,
        user_id=golden.user_id,
        expires_at=golden.expires,
    )
    await db.sessions.create(new)
