"""Users, in any letter case of their address."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chatkeep import (
    AlreadyExistsError,
    Database,
    EmailTakenError,
    InvalidInputError,
    NewAccount,
    NewUser,
    User,
    UserChanges,
    UserNotFoundError,
)
from chatkeep.inputs.deepsearch import NewChat
from chatkeep.presets import maps

NO_SUCH = "no-such-id"


async def test_a_user_comes_back_as_stored(db: Database) -> None:
    verified = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    new = NewUser(email="Ada@Example.com", name="Ada", email_verified=verified, is_admin=True)
    user = await db.users.create(new)
    assert user == await db.users.get(new.id)
    assert (user.id, user.email, user.name, user.is_admin) == (
        new.id,
        "Ada@Example.com",
        "Ada",
        True,
    )
    assert user.email_verified == verified


async def test_nobody_is_born_verified(user: User) -> None:
    assert user.email_verified is None


@pytest.mark.parametrize("spelling", ["user@example.com", "USER@EXAMPLE.COM", "User@Example.com"])
async def test_an_address_is_found_in_any_letter_case(
    db: Database, user: User, spelling: str
) -> None:
    with db.statements() as sent:
        assert await db.users.find_by_email(spelling) == user
    assert sent.names == ["users.find_by_email"]


async def test_absent_users(db: Database) -> None:
    assert await db.users.find(NO_SUCH) is None
    assert await db.users.find_by_email("nobody@example.com") is None
    with pytest.raises(UserNotFoundError) as caught:
        await db.users.get(NO_SUCH)
    assert isinstance(caught.value, LookupError)
    with pytest.raises(UserNotFoundError):
        await db.users.get(NO_SUCH, with_accounts=True)
    with pytest.raises(UserNotFoundError):
        await db.users.update(NO_SUCH, UserChanges(name="x"))
    with pytest.raises(UserNotFoundError):
        await db.users.delete(NO_SUCH)


async def test_an_address_is_taken_in_any_letter_case(db: Database, user: User) -> None:
    with pytest.raises(EmailTakenError) as caught:
        await db.users.create(NewUser(email=user.email.upper()))
    assert caught.value.constraint == "ai-app-template_user_email_lower_idx"
    other = await db.users.create(NewUser(email="other@example.com"))
    with pytest.raises(EmailTakenError):
        await db.users.update(other.id, UserChanges(email=user.email.title()))


async def test_an_id_is_taken(db: Database, user: User) -> None:
    with pytest.raises(AlreadyExistsError, match="users: a row with this id"):
        await db.users.create(NewUser(id=user.id, email="new@example.com"))


async def test_only_what_was_set_changes(db: Database, user: User) -> None:
    with db.statements() as sent:
        changed = await db.users.update(user.id, UserChanges(image="https://example.com/i.png"))
    assert sent.count == 1
    assert (changed.name, changed.image) == (user.name, "https://example.com/i.png")
    assert changed.updated_at > user.updated_at
    assert (await db.users.update(user.id, UserChanges(name=None))).name is None


async def test_no_change_writes_nothing(db: Database, user: User) -> None:
    with db.statements() as sent:
        assert await db.users.update(user.id, UserChanges()) == user
    assert sent.names == ["users.find"]


async def test_accounts_come_in_the_same_statement(db: Database, user: User) -> None:
    for provider in ("google", "discord"):
        await db.accounts.create(
            NewAccount(
                user_id=user.id,
                type="oauth",
                provider=provider,
                provider_account_id="1",
                expires_at=2**40,
            )
        )
    with db.statements() as sent:
        found = await db.users.get(user.id, with_accounts=True)
    assert sent.names == ["users.get_with_accounts"]
    assert [account.provider for account in found.accounts] == ["discord", "google"]
    assert found.accounts[0] == await db.accounts.get("discord", "1")
    assert found.email == user.email


async def test_a_user_without_accounts_has_an_empty_list(db: Database, user: User) -> None:
    assert (await db.users.get(user.id, with_accounts=True)).accounts == []


async def test_everything_of_a_user_goes_with_them(db: Database, user: User) -> None:
    mine = db.as_user(user.id)
    chat = await mine.chats.create(title="x")
    await db.users.delete(user.id)
    assert await db.users.count() == 0
    assert await db.chats.find(chat.id) is None


def test_an_input_of_the_other_preset_says_where_the_right_one_is() -> None:
    maps_db: Any = Database(maps.schema(), "postgresql://nowhere/db")
    with pytest.raises(InvalidInputError, match="no column is_admin") as caught:
        maps_db.users.create(NewUser(email="ada@example.com")).send(None)
    assert "chatkeep.inputs.maps" in str(caught.value.hint)


async def test_an_input_of_another_table_is_refused(db: Database) -> None:
    with pytest.raises(InvalidInputError, match="NewChat does not belong to users"):
        await db.users.create(NewChat(title="x"))  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="users takes an input"):
        await db.users.create({"email": "a@b"})  # type: ignore[arg-type]
