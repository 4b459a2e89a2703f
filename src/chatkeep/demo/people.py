"""The handful of users that the demo's conversations belong to."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

from chatkeep.database import Database
from chatkeep.inputs.deepsearch import NewAccount, NewSession, NewUser, SettingsChanges
from chatkeep.records.deepsearch import Session, User

DemoDatabase: TypeAlias = Database[User, NewUser, Session, NewSession]


class Person(NamedTuple):
    """One demo user; the id is fixed, so that a second run finds them."""

    id: str
    name: str
    provider: str
    theme: str

    @property
    def email(self) -> str:
        """Their address, in the domain that is reserved for examples."""
        return f"{self.name.split()[0].lower()}@example.com"


PEOPLE = (
    Person("demo-ada", "Ada Lovelace", "discord", "dark"),
    Person("demo-grace", "Grace Hopper", "google", "light"),
    Person("demo-alan", "Alan Turing", "discord", "dark"),
    Person("demo-edsger", "Edsger Dijkstra", "google", "light"),
    Person("demo-barbara", "Barbara Liskov", "discord", "dark"),
)


async def add_people(db: DemoDatabase) -> tuple[list[User], int]:
    """Add the users that are missing, each with account, session and settings in one transaction.

    Returns:
        All five, in the order of PEOPLE, and how many were new.
    """
    users: list[User] = []
    added = 0
    for person in PEOPLE:
        user = await db.users.find(person.id)
        if user is None:
            user = await add_person(db, person)
            added += 1
        users.append(user)
    return users, added


async def add_person(db: DemoDatabase, person: Person) -> User:
    """Store one person and all that belongs to them, or nothing."""
    async with db.transaction() as tx:
        user = await tx.users.create(NewUser(id=person.id, name=person.name, email=person.email))
        await tx.accounts.create(
            NewAccount(
                user_id=user.id,
                type="oauth",
                provider=person.provider,
                provider_account_id=f"{person.provider}-{person.id}",
            )
        )
        await tx.sessions.create(
            NewSession(user_id=user.id, expires=datetime.now(UTC) + timedelta(days=30))
        )
        await tx.as_user(user.id).settings.update(SettingsChanges(theme=person.theme))
    return user
