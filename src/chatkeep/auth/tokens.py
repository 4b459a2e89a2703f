"""Tokens for one use, for verifications and resets: `db.auth.tokens`."""

import logging
import re
from datetime import timedelta

from chatkeep.auth.hashing import kept, new_secret
from chatkeep.auth.token_queries import TokenQueries
from chatkeep.engine.run import Runner
from chatkeep.engine.scoped import together
from chatkeep.engine.transaction import begin_words
from chatkeep.errors import InvalidInputError, VerificationTokenNotFoundError
from chatkeep.ids import new_uuid7
from chatkeep.inputs.text import check_id

LIVE = 3
"""Live tokens of one purpose that an identifier has at most."""

_log = logging.getLogger("chatkeep.auth")

# No colon in it: where a purpose ends and an identifier begins is never in doubt.
_PURPOSE = re.compile(r"[a-z][a-z0-9_-]{0,29}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_SECOND, _LONGEST = timedelta(seconds=1), timedelta(days=365)
_BEGIN = begin_words("read committed", read_only=False)  # what others stored meanwhile counts


class Tokens:
    """Tokens that go out to somebody and come back once.

    They stand in the table of Auth.js's verification tokens, or of Better Auth's verifications,
    under names that neither of these reads. A token is 256 random bits; its SHA-256 is stored.

    A purpose is a word of the application's, such as "reset": lower-case letters, digits, `-` and
    `_`, at most 30. A token of one purpose is good for no other one. An identifier is an e-mail or
    the id of a user, compared exactly: take the e-mail as it stands in the user's record.
    """

    def __init__(self, runner: Runner, queries: TokenQueries) -> None:
        self._runner = runner
        self._queries = queries

    async def issue(
        self, purpose: str, identifier: str, lifetime: timedelta = timedelta(hours=1)
    ) -> str:
        """Make a token, given once and never again.

        An identifier has at most three live ones of a purpose: a further one takes the place of
        the oldest. Whether there is such a user makes no difference here.

        Args:
            purpose: What it is good for.
            identifier: Whom it goes out to.
            lifetime: A second to a year.

        Raises:
            InvalidInputError: The purpose, the identifier or the time is none; where the table's
                column takes 255 characters, purpose and identifier have 245 together.
        """
        secret = new_secret()
        values: dict[str, object] = {
            "identifier": self._name(purpose, identifier),
            "token": _kept(secret),
            "lifetime": _checked_time(lifetime),
            "kept": LIVE - 1,
        }
        if self._queries.has_id:
            values["id"] = new_uuid7()
        async with together(self._runner, _BEGIN) as runner:
            await self._queries.hold.first(runner, values)
            await self._queries.issue.first(runner, values)
        return secret

    async def use(self, purpose: str, identifier: str, token: str) -> None:
        """Use a token up: from now on it, and every other one of its purpose and identifier, is void.

        Of several calls at once one gets through, whichever of the tokens they have. An expired
        token is taken away and refused. Every refusal is the same error; the log `chatkeep.auth`
        tells them apart.

        Raises:
            VerificationTokenNotFoundError: It is no token of this purpose and identifier, it has
                expired, or it was used.
            InvalidInputError: The purpose or the identifier is none, or the token is no text.
        """
        values: dict[str, object] = {"identifier": self._name(purpose, identifier)}
        is_good = None
        if _TOKEN.fullmatch(_text(token)):
            values["token"] = _kept(token)
            is_good = await self._queries.use.first(self._runner, values)
        if not is_good:
            reason = "unknown" if is_good is None else "expired"
            extra = {"purpose": purpose, "reason": reason}
            _log.info("refused a token: purpose=%s reason=%s", purpose, reason, extra=extra)
            raise VerificationTokenNotFoundError("No such token, or it has expired or was used.")

    async def revoke(self, purpose: str, identifier: str) -> int:
        """Take back all tokens of a purpose and an identifier, and say how many there were.

        Raises:
            InvalidInputError: The purpose or the identifier is none.
        """
        values: dict[str, object] = {"identifier": self._name(purpose, identifier)}
        return await self._queries.revoke.first(self._runner, values) or 0

    def _name(self, purpose: object, identifier: str) -> str:
        """Give the identifier as it is stored: apart from the libraries', by purpose."""
        if not isinstance(purpose, str) or not _PURPOSE.fullmatch(purpose):
            raise InvalidInputError(
                "purpose is a word of a-z, 0-9, - and _, at most 30 letters.", field="purpose"
            )
        name = f"chatkeep:{purpose}:{check_id(identifier, 'identifier')}"
        longest = self._queries.longest
        if longest is not None and len(name) > longest:
            most = longest - len(name) + len(identifier)
            raise InvalidInputError(
                f"identifier has at most {most} characters for this purpose.", field="identifier"
            )
        return name


def _kept(token: str) -> str:
    """Give what is stored; without a colon.

    Plugins of Better Auth take what stands before one for the code of a verification.
    """
    return kept(token).replace(":", "-", 1)


def _text(token: object) -> str:
    if not isinstance(token, str):
        problem = f"token must be a text, not a {type(token).__name__}."
        raise InvalidInputError(problem, field="token")
    return token


def _checked_time(lifetime: object) -> timedelta:
    if not isinstance(lifetime, timedelta) or not _SECOND <= lifetime <= _LONGEST:
        raise InvalidInputError(
            "lifetime is a timedelta of 1 second to 365 days.", field="lifetime"
        )
    return lifetime
