"""The hardened maps tables: the seed's, repaired."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Generic

from sqlalchemy import TIMESTAMP, Boolean, Column, Text, func, text
from typing_extensions import TypeVar

from chatkeep.inputs import maps as inputs
from chatkeep.presets.maps import columns
from chatkeep.presets.maps.personal import PERSONAL
from chatkeep.presets.maps.seed_writers import seed_writer_extras
from chatkeep.presets.maps.stages import stages
from chatkeep.records import maps as records
from chatkeep.schema import schema as base
from chatkeep.schema.parts import expression_index, foreign_key, index, unique
from chatkeep.schema.tables import TableDef, Transition

UserT = TypeVar("UserT", bound=records.User, default=records.User)
NewUserT = TypeVar("NewUserT", bound=inputs.NewUser, default=inputs.NewUser)
SessionT = TypeVar("SessionT", bound=records.Session, default=records.Session)
NewSessionT = TypeVar("NewSessionT", bound=inputs.NewSession, default=inputs.NewSession)


class Schema(
    base.Schema[UserT, NewUserT, SessionT, NewSessionT],
    Generic[UserT, NewUserT, SessionT, NewSessionT],
):
    """The tables of Better Auth, with the names of the seed, repaired.

    Extend it as `chatkeep.schema.schema` shows.
    """

    users = TableDef(
        "users",
        columns.UserColumns,
        (
            unique("email"),
            expression_index(
                "email_lower", lambda table: func.lower(table.c.email), is_unique=True
            ),
        ),
        record=records.User,
        new=inputs.NewUser,
        changes=inputs.UserChanges,
        transition=Transition(
            columns={
                "email_verified": Column(Boolean, server_default=text("false")),
                "created_at": Column(TIMESTAMP, nullable=False, server_default=text("now()")),
                "updated_at": Column(TIMESTAMP, nullable=False, server_default=text("now()")),
            },
            waits=frozenset({"index email_lower"}),
        ),
        summary="Somebody who can sign in.",
    )
    sessions = TableDef(
        "sessions",
        columns.SessionColumns,
        (
            foreign_key("user_id", references="users", on_delete="cascade"),
            index("user_id"),
            unique("token"),
        ),
        record=records.Session,
        new=inputs.NewSession,
        changes=inputs.SessionChanges,
        # Drizzle reads a time without zone by adding "+0000" to its text. With a zone in the text
        # that is right only where the connection's time zone is UTC, so the types change last.
        transition=Transition(
            columns={
                "expires_at": Column(TIMESTAMP, nullable=False),
                "created_at": Column(TIMESTAMP, nullable=False, server_default=text("now()")),
                "token": Column(Text),
            },
            waits=frozenset({"unique token"}),
        ),
        summary="A sign-in that lasts until it expires.",
    )
    accounts = TableDef(
        "accounts",
        columns.AccountColumns,
        (
            foreign_key("user_id", references="users", on_delete="cascade"),
            index("user_id"),
            unique("provider_id", "account_id"),
        ),
        record=records.Account,
        summary="A user's account with a provider, or their password.",
    )
    verifications = TableDef(
        "verifications",
        columns.VerificationColumns,
        (index("identifier"),),
        record=records.Verification,
        summary="A value that went out to somebody, good until it expires.",
    )

    # What a scope has no business with, and whose rows are for signing in.
    app_grants: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType(
        {"users": ("SELECT",), "sessions": (), "accounts": ()}
    )
    personal = PERSONAL

    def seed_writer_extras(self) -> tuple[base.Extra, ...]:
        """Give the triggers that fill `email_verified` and `token`, and move `updated_at`."""
        return seed_writer_extras(self.prefix)

    @property
    def stages(self) -> tuple[base.Stage, ...]:
        """Steps from the seed's tables to these: expand, backfill, contract."""
        return stages(self)
