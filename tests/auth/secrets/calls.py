"""Every public call of sign-in, with secrets in it: right ones, wrong ones, of wrong types."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import Any, TypeAlias

from auth.golden import Golden
from auth.secrets.ears import Ears
from chatkeep import AuthOptions, Database
from chatkeep.auth.provider_tokens import ProviderTokens, TokenChanges
from chatkeep.auth.session_records import IssuedSession
from chatkeep.inputs import deepsearch, maps
from chatkeep.presets import maps as maps_schema

AnyDatabase: TypeAlias = Database[Any, Any, Any, Any]
Call: TypeAlias = Callable[[], Awaitable[Any]]
SOON = datetime(2096, 1, 1, tzinfo=UTC)
PROVIDER, ACCOUNT = "google", "account-1"


@dataclass
class Person:
    """A user, and what is secret of them.

    Attributes:
        issued: A session of our own.
        stored: A session's token as a library stores it: plain.
        verification: A token for one use, as it went out.
        auth_js: A verification token of Auth.js, as its adapter stores it.
        oauth: Tokens of a provider by column.
        tokens: The same, as they were read.
    """

    user_id: str
    email: str
    issued: IssuedSession
    stored: str
    verification: str
    auth_js: str
    oauth: dict[str, str]
    tokens: ProviderTokens


def options(ears: Ears) -> AuthOptions:
    """Marked secrets and keys."""
    return AuthOptions(
        auth_secrets=(ears.mark("AUTH_SECRET", token_urlsafe(32)),),
        better_auth_secrets=(ears.mark("BETTER_AUTH_SECRET", token_urlsafe(32)),),
        token_keys={"k2": _key(ears), "k1": _key(ears)},
        trust_cookie_cache=True,
    )


def _key(ears: Ears) -> bytes:
    return ears.mark("a key of tokens", token_urlsafe(32)[:32]).encode()


async def sign_in(db: AnyDatabase, preset: str, ears: Ears) -> Person:
    """Store a person with one secret of each sort."""
    email = f"{token_urlsafe(9)}@example.com"
    is_maps = preset == "maps"
    new = maps.NewUser(email=email, name="Ada") if is_maps else deepsearch.NewUser(email=email)
    user = await db.users.create(new)
    issued = await db.auth.sessions.create(user.id, user_agent="Firefox")
    ears.mark("a session of ours", issued.token)
    stored = ears.mark("a library's session", token_urlsafe(32))
    await db.sessions.create(new_session(preset, user.id, stored))
    oauth = {
        name: ears.mark(f"OAuth's {name}", token_urlsafe(40))
        for name in ("access_token", "refresh_token", "id_token")
    }
    if is_maps:
        await db.execute(
            maps_schema.schema()
            .accounts.insert()
            .values(  # as Better Auth writes it
                id="a1", account_id=ACCOUNT, provider_id=PROVIDER, user_id=user.id, **oauth
            )
        )
    else:
        await db.accounts.create(new_account(user.id, oauth))
    auth_js = ears.mark("a verification token of Auth.js", token_urlsafe(32))
    if not is_maps:
        await db.verification_tokens.create(
            deepsearch.NewVerificationToken(identifier=email, token=auth_js, expires=SOON)
        )
    verification = ears.mark("a token for one use", await db.auth.tokens.issue("reset", email))
    tokens = await db.auth.provider_tokens.get(user.id, PROVIDER)
    return Person(user.id, email, issued, stored, verification, auth_js, oauth, tokens)


def new_session(preset: str, user_id: str, token: Any) -> Any:
    if preset == "maps":
        return maps.NewSession(user_id=user_id, token=token, expires_at=SOON)
    return deepsearch.NewSession(user_id=user_id, session_token=token, expires=SOON)


def new_account(user_id: str, oauth: dict[str, Any]) -> Any:
    return deepsearch.NewAccount(
        user_id=user_id, type="oauth", provider=PROVIDER, provider_account_id=ACCOUNT, **oauth
    )


def wrong(secret: str) -> list[Any]:
    """A secret where a text should stand, in what is no text, or none that can be stored."""
    return [
        [secret],
        {secret: secret},
        secret.encode(),
        (secret, 1),
        {"token": {"deeper": [secret]}},
        secret + "\0",
        "\ud800" + secret,
        secret * 40,
        " " + secret,
        "sha256:" + secret,
        "",
    ]


def own_sessions(db: AnyDatabase, person: Person) -> Iterator[tuple[str, Call]]:
    sessions, issued = db.auth.sessions, person.issued
    token, user_id = issued.token, person.user_id

    async def cookies() -> list[object]:
        cookie = sessions.cookie(token, issued.session)
        return [cookie, sessions.removal(), issued, repr(sessions)]

    yield "auth.sessions.cookie", cookies
    yield "auth.sessions.removal", cookies
    yield "auth.sessions.find", lambda: sessions.find(token)
    yield "auth.sessions.list", lambda: sessions.list(user_id, current=token)
    yield "auth.sessions.create", lambda: sessions.create(user_id)
    yield "auth.sessions.create", lambda: sessions.create("nobody")
    yield "auth.sessions.revoke", lambda: sessions.revoke(user_id, token)
    yield "auth.sessions.revoke_all", lambda: sessions.revoke_all(user_id, but=token)
    yield "auth.sessions.rotate", lambda: sessions.rotate(token)
    yield "auth.sessions.rotate", lambda: sessions.rotate(token)
    yield "auth.sessions.end", lambda: sessions.end(token)
    for bad in wrong(token):
        yield "auth.sessions.find", lambda bad=bad: sessions.find(bad)
        yield "auth.sessions.rotate", lambda bad=bad: sessions.rotate(bad)
        yield "auth.sessions.end", lambda bad=bad: sessions.end(bad)
        yield "auth.sessions.revoke", lambda bad=bad: sessions.revoke(user_id, bad)
        yield "auth.sessions.revoke_all", lambda bad=bad: sessions.revoke_all(user_id, but=bad)
        yield "auth.sessions.list", lambda bad=bad: sessions.list(user_id, current=bad)
        yield "auth.sessions.list", lambda bad=bad: sessions.list(user_id, after=bad)
        yield "auth.sessions.list", lambda bad=bad: sessions.list(user_id, limit=bad)
        if not isinstance(bad, str):  # an address that is a text is shown
            yield "auth.sessions.create", lambda bad=bad: sessions.create(user_id, ip_address=bad)
        yield "auth.sessions.create", lambda bad=bad: sessions.create(user_id, lifetime=bad)
        yield "auth.sessions.create", lambda bad=bad: sessions.create(bad)


def one_use(db: AnyDatabase, person: Person) -> Iterator[tuple[str, Call]]:
    tokens, token, email = db.auth.tokens, person.verification, person.email
    yield "auth.tokens.use", lambda: tokens.use("other", email, token)
    yield "auth.tokens.use", lambda: tokens.use("reset", "nobody", token)
    yield "auth.tokens.use", lambda: tokens.use("reset", email, token)
    yield "auth.tokens.use", lambda: tokens.use("reset", email, token)
    yield "auth.tokens.issue", lambda: tokens.issue("reset", email)
    yield "auth.tokens.revoke", lambda: tokens.revoke("reset", email)
    for bad in wrong(token):
        yield "auth.tokens.use", lambda bad=bad: tokens.use("reset", email, bad)
        yield "auth.tokens.use", lambda bad=bad: tokens.use("reset", bad, token)
        yield "auth.tokens.use", lambda bad=bad: tokens.use(bad, email, token)
        yield "auth.tokens.issue", lambda bad=bad: tokens.issue(bad, email)
        yield "auth.tokens.issue", lambda bad=bad: tokens.issue("reset", email, lifetime=bad)
        yield "auth.tokens.revoke", lambda bad=bad: tokens.revoke(bad, email)


def provider_tokens(db: AnyDatabase, person: Person) -> Iterator[tuple[str, Call]]:
    store, tokens, user_id = db.auth.provider_tokens, person.tokens, person.user_id
    secret = person.oauth["refresh_token"]
    yield "auth.provider_tokens.get", lambda: store.get(user_id, PROVIDER)
    yield "auth.provider_tokens.find", lambda: store.find(user_id, PROVIDER, ACCOUNT)
    yield "auth.provider_tokens.get", lambda: store.get(user_id, secret)
    changes = TokenChanges(access_token=secret)
    yield "auth.provider_tokens.store", lambda: store.store(tokens, changes)
    yield "auth.provider_tokens.store", lambda: store.store(tokens, changes)  # a conflict

    async def answer(given: Any) -> Any:
        return TokenChanges.of_answer(given)

    yield "auth.provider_tokens.store", lambda: answer({"access_token": secret, "expires_in": 1})
    for bad in wrong(secret):
        yield "auth.provider_tokens.store", lambda bad=bad: store.store(tokens, bad)
        yield "auth.provider_tokens.get", lambda bad=bad: store.get(user_id, bad)
        yield "auth.provider_tokens.find", lambda bad=bad: store.find(user_id, PROVIDER, bad)
        yield "auth.provider_tokens.store", lambda bad=bad: answer({"access_token": bad})
        yield "auth.provider_tokens.store", lambda bad=bad: answer({"expires_in": bad})
        yield (
            "auth.provider_tokens.store",
            lambda bad=bad: answer({"scope": "openid", "id_token": bad}),
        )


def rows_of_sessions(db: AnyDatabase, preset: str, person: Person) -> Iterator[tuple[str, Call]]:
    sessions, token, user_id = db.sessions, person.stored, person.user_id
    changes = maps.SessionChanges if preset == "maps" else deepsearch.SessionChanges
    ends = "expires_at" if preset == "maps" else "expires"

    async def create(given: Any, whose: str = user_id) -> Any:
        return await sessions.create(new_session(preset, whose, given))

    async def update(given: Any) -> Any:
        return await sessions.update(token, changes(**{ends: given}))

    yield "sessions.get", lambda: sessions.get(token)
    yield "sessions.list", lambda: sessions.list(user_id)
    yield "sessions.update", lambda: update(SOON + timedelta(days=1))
    yield "sessions.create", lambda: create(token)  # in use
    yield "sessions.create", lambda: create(token + "x", "nobody")
    yield "sessions.count", lambda: sessions.count(user_id)
    yield "sessions.count_by_device", lambda: sessions.count_by_device(user_id)
    yield "sessions.delete", lambda: sessions.delete(token)
    yield "sessions.delete", lambda: sessions.delete(token)
    yield "sessions.get", lambda: sessions.get(token)
    yield "sessions.find", lambda: sessions.find(token)
    for bad in wrong(token):
        yield "sessions.get", lambda bad=bad: sessions.get(bad)
        yield "sessions.find", lambda bad=bad: sessions.find(bad)
        yield "sessions.delete", lambda bad=bad: sessions.delete(bad)
        yield "sessions.update", lambda bad=bad: sessions.update(bad, changes())
        yield "sessions.update", lambda bad=bad: update(bad)
        yield "sessions.create", lambda bad=bad: create(bad)
        yield "sessions.create", lambda bad=bad: sessions.create(bad)


def accounts(db: AnyDatabase, person: Person) -> Iterator[tuple[str, Call]]:
    table, user_id, oauth = db.accounts, person.user_id, person.oauth
    secret = oauth["access_token"]

    async def create(whose: str, given: dict[str, Any]) -> Any:
        return await table.create(new_account(whose, given))

    async def update(given: dict[str, Any], provider: Any = PROVIDER) -> Any:
        return await table.update(provider, ACCOUNT, deepsearch.AccountChanges(**given))

    yield "accounts.get", lambda: table.get(PROVIDER, ACCOUNT)
    yield "accounts.find", lambda: table.find(PROVIDER, ACCOUNT)
    yield "accounts.list", lambda: table.list(user_id)
    yield "accounts.create", lambda: create(user_id, oauth)  # connected already
    yield "accounts.create", lambda: create("nobody", oauth)
    yield "accounts.update", lambda: update({"access_token": secret})
    yield "accounts.update", lambda: update({"access_token": secret}, "nobody")
    for bad in wrong(secret):
        yield "accounts.get", lambda bad=bad: table.get(PROVIDER, bad)
        yield "accounts.create", lambda bad=bad: table.create(bad)
        for name in ("access_token", "refresh_token", "id_token", "expires_at"):
            yield "accounts.create", lambda bad=bad, name=name: create(user_id, {name: bad})
            yield "accounts.update", lambda bad=bad, name=name: update({name: bad})
    yield "accounts.delete", lambda: table.delete(PROVIDER, ACCOUNT)
    yield "accounts.delete", lambda: table.delete(PROVIDER, ACCOUNT)


def verification_tokens(db: AnyDatabase, person: Person) -> Iterator[tuple[str, Call]]:
    table, email, token = db.verification_tokens, person.email, person.auth_js

    async def create(given: Any) -> Any:
        new = deepsearch.NewVerificationToken(identifier=email, token=given, expires=SOON)
        return await table.create(new)

    async def update(given: Any) -> Any:
        changes = deepsearch.VerificationTokenChanges(expires=given)
        return await table.update(email, token, changes)

    yield "verification_tokens.get", lambda: table.get(email, token)
    yield "verification_tokens.find", lambda: table.find(email, token)
    yield "verification_tokens.update", lambda: update(SOON + timedelta(days=1))
    yield "verification_tokens.create", lambda: create(token)  # it is there
    yield "verification_tokens.use", lambda: table.use(email, token)
    yield "verification_tokens.use", lambda: table.use(email, token)
    yield "verification_tokens.delete", lambda: table.delete(email, token)
    for bad in wrong(token):
        yield "verification_tokens.get", lambda bad=bad: table.get(email, bad)
        yield "verification_tokens.use", lambda bad=bad: table.use(email, bad)
        yield "verification_tokens.use", lambda bad=bad: table.use(bad, token)
        yield "verification_tokens.create", lambda bad=bad: create(bad)
        yield "verification_tokens.update", lambda bad=bad: update(bad)


def callers(db: AnyDatabase, goldens: list[Golden]) -> Iterator[tuple[str, Call]]:
    call = db.auth.session_from_cookies
    for golden in goldens:
        cookies = golden.cookies
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        yield "auth.session_from_cookies", lambda cookies=cookies: call(cookies)
        yield "auth.session_from_cookies", lambda header=header: call(header)
        first, value = next(iter(cookies.items()))
        for bad in wrong(value):
            given = {**cookies, first: bad}
            yield "auth.session_from_cookies", lambda given=given: call(given)
            yield "auth.session_from_cookies", lambda bad=bad: call(bad)
