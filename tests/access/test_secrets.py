"""No error repeats what was stored or given: texts, causes and tracebacks end in logs."""

import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, select

from chatkeep import (
    ChatkeepError,
    Database,
    NewAccount,
    NewMessage,
    NewSession,
    NewUser,
    NewVerificationToken,
    User,
)
from chatkeep.access.scope import UserScope
from chatkeep.presets import deepsearch

SECRET = "s3cr3t-value"
LATER = datetime(2030, 1, 1, tzinfo=UTC)


async def twice(call: Callable[[], Awaitable[object]]) -> None:
    await call()
    await call()


def paths(
    db: Database, mine: UserScope, user: User, schema: deepsearch.Schema
) -> list[Callable[[], Awaitable[object]]]:
    token = NewSession(session_token=SECRET, user_id=user.id, expires=LATER)
    account = NewAccount(
        user_id=user.id,
        type="oauth",
        provider=SECRET,
        provider_account_id=SECRET,
        access_token=SECRET,
    )
    verification = NewVerificationToken(identifier=SECRET, token=SECRET, expires=LATER)
    wrong_type = db.prepare(select(schema.users.c.id).where(schema.users.c.id == bindparam("id")))
    number = db.prepare(
        select(schema.messages.c.id).where(schema.messages.c.seq == bindparam("seq"))
    )
    return [
        lambda: twice(lambda: db.sessions.create(token)),
        lambda: twice(lambda: db.accounts.create(account)),
        lambda: twice(lambda: db.verification_tokens.create(verification)),
        lambda: twice(lambda: db.users.create(NewUser(email=f"{SECRET}@example.com"))),
        lambda: db.sessions.create(NewSession(user_id=SECRET, expires=LATER)),
        lambda: db.sessions.get(SECRET),
        lambda: db.sessions.delete(SECRET),
        lambda: db.accounts.get(SECRET, SECRET),
        lambda: db.verification_tokens.use(SECRET, SECRET),
        lambda: mine.chats.get(SECRET),
        lambda: mine.messages.append(SECRET, NewMessage(role="user", content=SECRET)),
        lambda: mine.messages.list(SECRET, before=SECRET),
        lambda: wrong_type.first(id={SECRET: 1}),
        lambda: number.first(seq=SECRET),
        lambda: number.first(seq=2**70, unknown=SECRET),
        lambda: mine.chats.find("\0" + SECRET),
    ]


@pytest.mark.parametrize("number", range(16))
async def test_no_error_repeats_a_value(
    db: Database, mine: UserScope, user: User, schema: deepsearch.Schema, number: int
) -> None:
    with pytest.raises(ChatkeepError) as caught:
        await paths(db, mine, user, schema)[number]()
    error: BaseException | None = caught.value
    while error is not None:
        text = f"{error} {error!r} {vars(error)} {''.join(traceback.format_exception_only(error))}"
        assert SECRET not in text, type(error)
        error = error.__cause__
