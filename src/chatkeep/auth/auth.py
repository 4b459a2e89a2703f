"""`db.auth`: who is calling, sessions of our own, tokens for one use, providers' tokens."""

from typing import Any, TypeAlias

from chatkeep.access.catalogue import Catalogue
from chatkeep.auth.options import AuthOptions
from chatkeep.auth.session_queries import own_session_queries
from chatkeep.auth.sessions import Sessions
from chatkeep.engine.run import Runner

AnyCatalogue: TypeAlias = Catalogue[Any, Any, Any, Any]


class Auth:
    """Sign-in on the schema's tables, of Auth.js, NextAuth, Better Auth or our own."""

    def __init__(self, runner: Runner, catalogue: AnyCatalogue, options: AuthOptions) -> None:
        self._runner = runner
        self._catalogue = catalogue
        self._options = options

    @property
    def sessions(self) -> Sessions:
        """Sessions of our own, for applications that sign users in by themselves."""
        return Sessions(self._runner, own_session_queries(self._catalogue), self._options)
