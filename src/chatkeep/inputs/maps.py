"""Inputs of the maps preset."""

from typing import Annotated

from pydantic import Field

from chatkeep.ids import new_session_id, new_session_token, new_user_id
from chatkeep.inputs.base import Changes, Input
from chatkeep.inputs.fields import Email, Flag, Id, NotNull, Text, Time


class NewUser(Input):
    """A user to create."""

    id: Id = Field(default_factory=new_user_id)
    email: Email
    email_verified: Flag = False
    name: Text | None = None
    image: Text | None = None


class UserChanges(Changes):
    """New values for a user."""

    email: Annotated[Email | None, NotNull] = None
    email_verified: Annotated[Flag | None, NotNull] = None
    name: Text | None = None
    image: Text | None = None


class NewSession(Input):
    """A sign-in to record. Its token is a secret, made unless given."""

    id: Id = Field(default_factory=new_session_id)
    user_id: Id
    expires_at: Time
    token: Id = Field(default_factory=new_session_token, repr=False)
    ip_address: Text | None = None
    user_agent: Text | None = None


class SessionChanges(Changes):
    """New values for a session."""

    expires_at: Annotated[Time | None, NotNull] = None
    ip_address: Text | None = None
    user_agent: Text | None = None
