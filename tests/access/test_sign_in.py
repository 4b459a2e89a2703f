"""Accounts, sessions, verification tokens, settings."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from chatkeep import (
    END,
    AccountChanges,
    AccountNotFoundError,
    AlreadyExistsError,
    Database,
    InvalidCursorError,
    NewAccount,
    NewSession,
    NewVerificationToken,
    NotFoundError,
    ReferencedRowError,
    SessionChanges,
    SessionNotFoundError,
    SettingsChanges,
    User,
    UserNotFoundError,
    VerificationToken,
    VerificationTokenChanges,
    VerificationTokenNotFoundError,
)

LATER = datetime(2030, 1, 1, tzinfo=UTC)


def account(user: User, number: int = 1) -> NewAccount:
    return NewAccount(
        user_id=user.id, type="oauth", provider="discord", provider_account_id=f"{number:02}"
    )


class TestAccounts:
    async def test_life(self, db: Database, user: User) -> None:
        made = await db.accounts.create(account(user))
        assert await db.accounts.find("discord", "01") == made
        changed = await db.accounts.update("discord", "01", AccountChanges(access_token="t"))
        assert (changed.access_token, changed.type) == ("t", "oauth")
        await db.accounts.delete("discord", "01")
        assert await db.accounts.find("discord", "01") is None

    async def test_absent(self, db: Database) -> None:
        for call in (
            db.accounts.get("x", "y"),
            db.accounts.update("x", "y", AccountChanges(scope="s")),
            db.accounts.delete("x", "y"),
        ):
            with pytest.raises(AccountNotFoundError):
                await call

    async def test_connected_once(self, db: Database, user: User, stranger: User) -> None:
        await db.accounts.create(account(user))
        with pytest.raises(AlreadyExistsError, match="provider, provider_account_id"):
            await db.accounts.create(account(stranger))

    async def test_pages(self, db: Database, user: User, stranger: User) -> None:
        for number in range(5):
            await db.accounts.create(account(user, number))
        await db.accounts.create(account(stranger, 9))
        seen, cursor = [], None
        while True:
            page = await db.accounts.list(user.id, limit=2, after=cursor)
            seen += [row.provider_account_id for row in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == ["00", "01", "02", "03", "04"]
        back, cursor = [], END
        while cursor is not None:
            page = await db.accounts.list(user.id, limit=2, before=cursor)
            back[:0] = [row.provider_account_id for row in page.items]
            cursor = page.previous_cursor
        assert back == seen

    async def test_a_cursor_of_another_users_list_is_refused(
        self, db: Database, user: User, stranger: User
    ) -> None:
        for number in range(2):
            await db.accounts.create(account(user, number))
        page = await db.accounts.list(user.id, limit=1)
        with pytest.raises(InvalidCursorError):
            await db.accounts.list(stranger.id, after=page.next_cursor)


class TestSessions:
    async def test_life(self, db: Database, user: User) -> None:
        made = await db.sessions.create(NewSession(user_id=user.id, expires=LATER))
        assert await db.sessions.get(made.session_token) == made
        later = LATER + timedelta(days=1)
        changed = await db.sessions.update(made.session_token, SessionChanges(expires=later))
        assert changed.expires == later
        await db.sessions.delete(made.session_token)
        assert await db.sessions.find(made.session_token) is None

    async def test_absent(self, db: Database) -> None:
        for call in (
            db.sessions.get("x"),
            db.sessions.update("x", SessionChanges(expires=LATER)),
            db.sessions.delete("x"),
        ):
            with pytest.raises(SessionNotFoundError):
                await call

    async def test_live_ones_are_counted_by_device(
        self, db: Database, user: User, stranger: User
    ) -> None:
        past = datetime(2020, 1, 1, tzinfo=UTC)
        for agent, expires in (("curl/8.5.0", LATER), (None, LATER), ("curl/7.1", past)):
            await db.sessions.create(NewSession(user_id=user.id, expires=expires, user_agent=agent))
        await db.sessions.create(NewSession(user_id=stranger.id, expires=LATER))
        assert await db.sessions.count() == 3
        assert await db.sessions.count(user.id) == 2
        with db.statements() as sent:
            counts = await db.sessions.count_by_device(user.id)
        assert sent.names == ["sessions.count_by_agent"]
        assert [(each.device, each.sessions) for each in counts] == [(None, 1), ("curl", 1)]
        assert await db.sessions.count_by_device("nobody") == []

    async def test_a_session_needs_its_user(self, db: Database) -> None:
        with pytest.raises(ReferencedRowError, match="names a row of users"):
            await db.sessions.create(NewSession(user_id="nobody", expires=LATER))

    async def test_pages_show_each_session_once_and_no_token(
        self, db: Database, user: User
    ) -> None:
        async with db.transaction() as tx:  # one time for all: only the token tells them apart
            made = [
                await tx.sessions.create(NewSession(user_id=user.id, expires=LATER))
                for _ in range(7)
            ]
        seen, cursor = [], None
        while True:
            page = await db.sessions.list(user.id, limit=3, after=cursor)
            seen += [row.session_token for row in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
            assert not any(token in cursor for token in seen)
        assert sorted(seen) == sorted(session.session_token for session in made)
        back, cursor = [], END
        while cursor is not None:
            page = await db.sessions.list(user.id, limit=3, before=cursor)
            back[:0] = [row.session_token for row in page.items]
            cursor = page.previous_cursor
        assert back == seen


class TestVerificationTokens:
    async def made(self, db: Database) -> VerificationToken:
        return await db.verification_tokens.create(
            NewVerificationToken(identifier="a@example.com", token="123", expires=LATER)
        )

    async def test_a_token_is_used_once(self, db: Database) -> None:
        made = await self.made(db)
        assert await db.verification_tokens.find("a@example.com", "123") == made
        assert await db.verification_tokens.use("a@example.com", "123") == made
        with pytest.raises(VerificationTokenNotFoundError):
            await db.verification_tokens.use("a@example.com", "123")

    async def test_of_ten_at_once_one_gets_it(self, db: Database) -> None:
        await self.made(db)
        results = await asyncio.gather(
            *(db.verification_tokens.use("a@example.com", "123") for _ in range(10)),
            return_exceptions=True,
        )
        assert sum(isinstance(result, VerificationToken) for result in results) == 1

    async def test_a_later_expiry_in_one_statement(self, db: Database) -> None:
        made = await self.made(db)
        later = LATER + timedelta(hours=1)
        with db.statements() as sent:
            changed = await db.verification_tokens.update(
                "a@example.com", "123", VerificationTokenChanges(expires=later)
            )
        assert sent.count == 1
        assert changed.expires == later
        assert changed.updated_at > made.updated_at
        with pytest.raises(VerificationTokenNotFoundError):
            await db.verification_tokens.update(
                "b@example.com", "123", VerificationTokenChanges(expires=later)
            )

    async def test_taken_back(self, db: Database) -> None:
        await self.made(db)
        await db.verification_tokens.delete("a@example.com", "123")
        with pytest.raises(VerificationTokenNotFoundError):
            await db.verification_tokens.get("a@example.com", "123")


class TestSettings:
    async def test_defaults_stand_in_until_something_is_stored(
        self, db: Database, user: User
    ) -> None:
        with db.statements() as sent:
            settings = await db.as_user(user.id).settings.get()
        assert sent.names == ["user_settings.find", "user_settings.get"]
        assert (settings.theme, settings.language, settings.default_model) == ("dark", "en", None)
        assert (settings.enable_search_by_default, settings.max_search_results) == (True, 10)
        assert settings.user_id == user.id

    async def test_an_update_keeps_the_rest(self, db: Database, user: User) -> None:
        mine = db.as_user(user.id).settings
        with db.statements() as sent:
            first = await mine.update(SettingsChanges(theme="light"))
            second = await mine.update(SettingsChanges(max_search_results=None))
        assert sent.count == 2
        assert (first.theme, first.language) == ("light", "en")
        assert (second.theme, second.max_search_results) == ("light", None)
        with db.statements() as sent:
            assert await mine.get() == second
        assert sent.names == ["user_settings.find"]

    async def test_no_change_is_a_look(self, db: Database, user: User) -> None:
        assert (await db.settings.update(user.id, SettingsChanges())).theme == "dark"

    async def test_life(self, db: Database, user: User) -> None:
        assert await db.settings.find(user.id) is None
        made = await db.settings.create(user.id, SettingsChanges(theme="light"))
        assert (made.user_id, made.theme, made.language) == (user.id, "light", "en")
        assert await db.settings.find(user.id) == made
        with pytest.raises(AlreadyExistsError):
            await db.settings.create(user.id)
        await db.settings.delete(user.id)
        assert (await db.settings.get(user.id)).theme == "dark"
        with pytest.raises(NotFoundError):
            await db.settings.delete(user.id)

    async def test_nobody_has_no_settings(self, db: Database) -> None:
        with pytest.raises(UserNotFoundError):
            await db.settings.create("nobody")
        assert await db.settings.find("nobody") is None
        with pytest.raises(UserNotFoundError):
            await db.settings.get("nobody")
        with pytest.raises(UserNotFoundError):
            await db.settings.update("nobody", SettingsChanges(theme="light"))
