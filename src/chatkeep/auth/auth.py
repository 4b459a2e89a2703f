"""`db.auth`: who is calling, sessions of our own, tokens for one use, providers' tokens."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeAlias

from chatkeep.access.catalogue import Catalogue
from chatkeep.auth.callers import Callers
from chatkeep.auth.options import AuthOptions
from chatkeep.auth.provider_token_queries import provider_token_queries
from chatkeep.auth.provider_tokens import ProviderTokenStore
from chatkeep.auth.session_queries import own_session_queries
from chatkeep.auth.sessions import Sessions
from chatkeep.auth.token_queries import token_queries
from chatkeep.auth.tokens import Tokens
from chatkeep.engine.run import Runner
from chatkeep.records.auth import CallerSession

AnyCatalogue: TypeAlias = Catalogue[Any, Any, Any, Any]


class Auth:
    """Sign-in on the schema's tables, of Auth.js, NextAuth, Better Auth or our own."""

    def __init__(self, runner: Runner, catalogue: AnyCatalogue, options: AuthOptions) -> None:
        self._runner = runner
        self._catalogue = catalogue
        self._options = options

    @cached_property
    def sessions(self) -> Sessions:
        """Sessions of our own, for applications that sign users in by themselves."""
        return Sessions(self._runner, own_session_queries(self._catalogue), self._options)

    @cached_property
    def tokens(self) -> Tokens:
        """Tokens for one use, for verifications and resets."""
        return Tokens(self._runner, token_queries(self._catalogue))

    async def session_from_cookies(self, cookies: Mapping[str, str] | str) -> CallerSession | None:
        """Tell who is calling by the cookies of a request: the session that they prove, or None.

        One statement, or two where a cookie is refused and another one holds; none for a cookie
        cache that is trusted. Cookies are read in a fixed order: our own session, Better Auth's,
        Auth.js's, NextAuth's; those with `__Host-` first and those without a prefix last. Why one
        was refused stands in the log `chatkeep.auth`.

        Args:
            cookies: Names and values as the framework gives them, or the text of the `Cookie`
                header, which tells also that a cookie came twice.

        Raises:
            InvalidInputError: It is neither a mapping of texts nor a text.
            ConfigError: A secret or the name of a cookie cannot be used, or an encrypted cookie
                came and `chatkeep[auth]` is not installed.
            DatabaseError: PostgreSQL could not be asked: that is not the same as nobody.
        """
        return await self._callers.find(cookies)

    @cached_property
    def _callers(self) -> Callers:
        return Callers(self._runner, self._catalogue, self._options, lambda: self.sessions)

    @property
    def provider_tokens(self) -> ProviderTokenStore:
        """Access, refresh and id tokens of OAuth providers, opened.

        Raises:
            ConfigError: The schema has no accounts of providers.
        """
        return ProviderTokenStore(
            self._runner, provider_token_queries(self._catalogue), self._options
        )
