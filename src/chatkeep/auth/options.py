"""What an application says about sign-in: `Database(schema, auth=AuthOptions(...))`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from chatkeep.auth.cookie_secrets import CookieSecrets, read_secrets
from chatkeep.auth.cookies import CookieNames
from chatkeep.auth.sealing import TokenSealing
from chatkeep.errors import ConfigError

_LONGEST = timedelta(days=3650)
_LONGEST_DRIFT = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class AuthOptions:
    """What an application says about sign-in; each may be left out.

    Attributes:
        auth_secrets: Of Auth.js and NextAuth, the newest first. Empty reads AUTH_SECRET with
            AUTH_SECRET_1 to AUTH_SECRET_3, then NEXTAUTH_SECRET.
        better_auth_secrets: Of Better Auth, the newest first. Empty reads BETTER_AUTH_SECRETS
            (versioned, as Better Auth reads it), then BETTER_AUTH_SECRET, or else AUTH_SECRET.
        cookie_names: Names of session cookies by the library that sets them ("auth.js",
            "next-auth", "better-auth", "chatkeep"), where they are not the library's own. Without
            `__Secure-` and `__Host-`, and without the number of a chunk.
        trust_cookie_cache: Whether Better Auth's cookie cache is believed without a look-up. Then
            a revoked session is good until its cache expires (5 minutes unless set otherwise).
        clock_tolerance: How far the clocks of the two sides may be apart.
        session_lifetime: How long a session of our own lasts after it was last extended.
        session_refresh: A session of our own that is used is extended, at most this often.
        session_maximum: How long a session of our own lasts at most, however much it is used.
        session_limit: A user's newest sessions that are kept when one more of our own begins.
        token_keys: Keys for providers' tokens at rest by their ids, 32 bytes each, the newest
            first; the first one seals. Empty reads CHATKEEP_TOKEN_KEYS (`id:base64,...`).
    """

    auth_secrets: tuple[str, ...] = field(default=(), repr=False)
    better_auth_secrets: tuple[str, ...] = field(default=(), repr=False)
    cookie_names: Mapping[str, str] = field(default_factory=dict[str, str])
    trust_cookie_cache: bool = False
    clock_tolerance: timedelta = timedelta(seconds=15)
    session_lifetime: timedelta = timedelta(days=30)
    session_refresh: timedelta = timedelta(days=1)
    session_maximum: timedelta | None = None
    session_limit: int | None = None
    token_keys: Mapping[str, bytes] = field(default_factory=dict[str, bytes], repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be kept to.

        Raises:
            ConfigError: A time of sessions is not longer than 0 and at most ten years, their limit
                is not 1 or more, the tolerance is not between 0 and an hour, or the trust is
                neither True nor False.
        """
        said: dict[str, object] = vars(self)
        tolerance = said["clock_tolerance"]
        if not isinstance(tolerance, timedelta) or not timedelta() <= tolerance <= _LONGEST_DRIFT:
            raise ConfigError("clock_tolerance is a timedelta between 0 and an hour.")
        if not isinstance(said["trust_cookie_cache"], bool):  # "false" would be true
            raise ConfigError("trust_cookie_cache is True or False.")
        for name in ("session_lifetime", "session_refresh", "session_maximum"):
            given: object = getattr(self, name)
            if given is None and name == "session_maximum":
                continue
            if not isinstance(given, timedelta) or not timedelta() < given <= _LONGEST:
                raise ConfigError(f"{name} is a timedelta, longer than 0 and at most 3650 days.")
        limit: object = self.session_limit
        is_number = isinstance(limit, int) and not isinstance(limit, bool) and limit >= 1
        if limit is not None and not is_number:
            raise ConfigError("session_limit is a whole number, 1 or more, or None.")

    @cached_property
    def sealing(self) -> TokenSealing:
        """What seals and opens providers' tokens with these keys; made once for all transactions.

        Raises:
            ConfigError: A key cannot be used, or `cryptography` is not installed.
        """
        return TokenSealing(self.token_keys)

    @cached_property
    def cookie_secrets(self) -> CookieSecrets:
        """The secrets that session cookies are verified with; the environment is read once.

        Raises:
            ConfigError: A secret is empty or too short.
        """
        return read_secrets(self.auth_secrets, self.better_auth_secrets)

    @cached_property
    def session_cookie_names(self) -> CookieNames:
        """The names that session cookies have here.

        Raises:
            ConfigError: A library is none that is known, or a name is none.
        """
        return CookieNames(self.cookie_names)
