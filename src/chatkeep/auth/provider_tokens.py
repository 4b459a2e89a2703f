"""Tokens of OAuth providers: `db.auth.provider_tokens`, the same for both presets.

tokens = await db.auth.provider_tokens.get(user.id, "google")
answer = (await client.post(url, data={"refresh_token": tokens.refresh_token, ...})).json()
tokens = await db.auth.provider_tokens.store(tokens, TokenChanges.of_answer(answer))
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self, cast

from pydantic import Field

from chatkeep.auth import better_auth_tokens
from chatkeep.auth.account_table import TOKENS
from chatkeep.auth.better_auth_tokens import Style, is_better_auths
from chatkeep.auth.options import AuthOptions
from chatkeep.auth.provider_token_queries import ProviderTokenQueries, Stored, store_values
from chatkeep.auth.sealing import Place
from chatkeep.engine.run import Runner
from chatkeep.errors import (
    AccountNotFoundError,
    ConflictError,
    InvalidInputError,
    StoredDataError,
    TokensAtRestError,
)
from chatkeep.inputs.base import Changes
from chatkeep.inputs.fields import Text, Time

_TRIES = 5  # to store while the tokens are sealed anew by turns, which happens once for a key


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    """A user's tokens of a provider, opened. They do not stand in its repr.

    Attributes:
        user_id: Whose.
        provider: Such as "google".
        provider_account_id: The provider's own id of the account.
        access_token: For the provider's API.
        refresh_token: Gets the next access token.
        id_token: Who it is, as the provider says.
        access_token_expires_at: None where that is not known.
        refresh_token_expires_at: None where that is not known; Auth.js's accounts never know.
        scope: What the access token is good for.
        updated_at: When the account was last changed.
    """

    user_id: str
    provider: str
    provider_account_id: str
    access_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    id_token: str | None = field(repr=False)
    access_token_expires_at: datetime | None
    refresh_token_expires_at: datetime | None
    scope: str | None
    updated_at: datetime
    _stored: Stored = field(repr=False, compare=False)
    _style: Style | None = field(repr=False, compare=False)

    @property
    def stored(self) -> Stored:
        """The row that they were read from."""
        return self._stored

    @property
    def style(self) -> Style | None:
        """How Better Auth encrypted them, if it did."""
        return self._style


class TokenChanges(Changes):
    """New tokens of an account, as after a refresh. What is left out stays; None takes it away."""

    access_token: Annotated[Text | None, Field(repr=False)] = None
    refresh_token: Annotated[Text | None, Field(repr=False)] = None
    id_token: Annotated[Text | None, Field(repr=False)] = None
    access_token_expires_at: Time | None = None
    refresh_token_expires_at: Time | None = None
    scope: Text | None = None

    @classmethod
    def of_answer(cls, answer: Mapping[str, object], *, now: datetime | None = None) -> Self:
        """Read the answer of a provider's token endpoint (RFC 6749, 5.1).

        It is an answer only with an access token: `{"error": "invalid_grant"}` is none.
        `expires_in`, and `refresh_token_expires_in` where there is one, count seconds from `now`.
        What else the answer holds is left out, and what it does not hold stays as it is stored.

        Raises:
            InvalidInputError: It is no mapping, it has no access token, a token is no text, or a
                time no number of seconds. What it says is not repeated.
        """
        _check_answer(answer)
        at = now or datetime.now(UTC)
        found = {name: answer[name] for name in (*TOKENS, "scope") if answer.get(name) is not None}
        for name, given in _TIMES.items():
            seconds = answer.get(given)
            if seconds is not None:
                found[name] = at + _length(given, seconds)
        return cls.model_validate(found)


_TIMES = {
    "access_token_expires_at": "expires_in",
    "refresh_token_expires_at": "refresh_token_expires_in",
}


class ProviderTokenStore:
    """Reads and stores the tokens of users' accounts with providers.

    Tokens that are sealed here, or that Better Auth encrypted, are opened. `store` seals with the
    newest key where keys are configured, and leaves the row in Better Auth's encryption where it is
    in that: Better Auth in Node reads those, and does not read what is sealed here.
    """

    def __init__(self, runner: Runner, queries: ProviderTokenQueries, options: AuthOptions) -> None:
        self._runner = runner
        self._queries = queries
        self._options = options

    async def get(
        self, user_id: str, provider: str, provider_account_id: str | None = None
    ) -> ProviderTokens:
        """Give a user's tokens of a provider.

        Args:
            user_id: Whose.
            provider: Such as "google".
            provider_account_id: Which account; may be left out where the user has one of them.

        Raises:
            AccountNotFoundError: The user has no such account.
            InvalidInputError: The user has several accounts of this provider.
            TokensAtRestError: A token cannot be opened.
        """
        found = await self.find(user_id, provider, provider_account_id)
        if found is None:
            raise AccountNotFoundError("The user has no such account of this provider.")
        return found

    async def find(
        self, user_id: str, provider: str, provider_account_id: str | None = None
    ) -> ProviderTokens | None:
        """Give a user's tokens of a provider, or None; the arguments are those of `get`.

        Raises:
            InvalidInputError: The user has several accounts of this provider.
            TokensAtRestError: A token cannot be opened.
        """
        key: dict[str, object] = {"user_id": user_id, "provider": provider}
        if provider_account_id is not None:
            found = await self._queries.find.first(
                self._runner, {**key, "account": provider_account_id}
            )
            return None if found is None else self._opened(found)
        rows = await self._queries.find_any.all(self._runner, key)
        if len(rows) > 1:
            raise InvalidInputError(
                "The user has several accounts of this provider; say which one.",
                field="provider_account_id",
            )
        return self._opened(rows[0]) if rows else None

    async def store(self, tokens: ProviderTokens, changes: TokenChanges) -> ProviderTokens:
        """Store new tokens in place of those that were read, and give them back.

        Only if nobody else has changed a token meanwhile: who refreshed at the same time has got
        newer ones, and many providers end the older ones with that.

        Args:
            tokens: As `get` or `find` gave them.
            changes: What is new; the rest stays.

        Raises:
            ConflictError: A token was changed since; get them again, and use those.
            AccountNotFoundError: The account is gone.
            InvalidInputError: They are no changes, or none is set, or Auth.js's accounts cannot
                hold one.
            TokensAtRestError: Another token of the account cannot be opened.
        """
        values = self._values(changes)
        stored, style = tokens.stored, tokens.style
        for _ in range(_TRIES):
            changed = self._sealed(values, stored, style)
            query = self._queries.store(changed)
            row = await query.first(self._runner, store_values(stored, changed))
            if row is not None:
                return self._opened(row)
            now = await self.get(tokens.user_id, tokens.provider, tokens.provider_account_id)
            if any(getattr(now, name) != getattr(tokens, name) for name in TOKENS):
                break
            stored, style = now.stored, now.style  # the same tokens, sealed anew meanwhile
        raise ConflictError(
            "The tokens were changed since they were read; nothing was stored.",
            hint="Get them again: who refreshed them at the same time stored newer ones.",
        )

    def _values(self, changes: object) -> dict[str, object]:
        """Give what was set by column of the table.

        Raises:
            InvalidInputError: They are no changes of tokens, or empty, or the table has no such
                column.
        """
        if not isinstance(changes, TokenChanges):
            raise InvalidInputError("store takes TokenChanges(...).", field="changes")
        accounts, given = self._queries.accounts, changes.given()
        if not given:
            raise InvalidInputError("These TokenChanges change nothing.", field="changes")
        values = {name: given[name] for name in (*TOKENS, "scope") if name in given}
        if "access_token_expires_at" in given:
            at = given["access_token_expires_at"]
            if at is not None and not accounts.is_better_auth:
                at = int(at.timestamp())
            values[accounts.expires] = at
        if "refresh_token_expires_at" in given:
            at = given["refresh_token_expires_at"]
            if accounts.refresh_expires is not None:
                values[accounts.refresh_expires] = at
            elif at is not None:
                raise InvalidInputError(
                    "Accounts of Auth.js have no column for the refresh token's expiry.",
                    hint="Leave refresh_token_expires_at out.",
                    field="refresh_token_expires_at",
                )
        return values

    def _sealed(
        self, values: dict[str, object], stored: Stored, style: Style | None
    ) -> dict[str, object]:
        """Give the values as this row is to hold them."""
        if style is None:
            return self._options.sealing.sealed(values, stored.provider, stored.account)
        kept = dict(values)
        for name in ("access_token", "refresh_token"):  # Better Auth leaves id tokens as they are
            token = kept.get(name)
            if isinstance(token, str) and token:
                kept[name] = better_auth_tokens.encrypted(token, style)
        return kept

    def _opened(self, row: Stored) -> ProviderTokens:
        """Open what is stored.

        Raises:
            TokensAtRestError: A token cannot be opened.
        """
        styles: list[Style] = []
        tokens = [
            None
            if token is None
            else self._open(token, Place(name, row.provider, row.account), styles)
            for name, token in zip(TOKENS, row.tokens, strict=True)
        ]
        return ProviderTokens(
            row.user_id,
            row.provider,
            row.account,
            *tokens,
            access_token_expires_at=_moment(row.expires),
            refresh_token_expires_at=row.refresh_expires,
            scope=row.scope,
            updated_at=row.updated_at,
            _stored=row,
            _style=styles[0] if styles else None,
        )

    def _open(self, stored: str, place: Place, styles: list[Style]) -> str:
        if not self._queries.accounts.is_better_auth or not is_better_auths(stored):
            return self._options.sealing.open(stored, place)
        found = better_auth_tokens.opened(stored, self._options.cookie_secrets.better_auth)
        if found is None:
            raise TokensAtRestError(
                f"The account's {place.column} was encrypted by Better Auth, and does not open with "
                "any of its secrets.",
                hint="Give them in BETTER_AUTH_SECRET, BETTER_AUTH_SECRETS or "
                "AuthOptions.better_auth_secrets, older ones too.",
            )
        styles.append(found[1])
        return found[0]


def _check_answer(answer: object) -> None:
    if not isinstance(answer, Mapping):
        raise InvalidInputError(
            f"The answer of a token endpoint is a mapping, not a {type(answer).__name__}.",
            field="answer",
        )
    if not cast("Mapping[object, object]", answer).get("access_token"):
        raise InvalidInputError(
            "The provider's answer has no access_token, so there is nothing to store.",
            hint="Look at its status and its `error`; after invalid_grant the person signs in again.",
            field="access_token",
        )


def _length(name: str, seconds: object) -> timedelta:
    """Read a number of seconds; some providers send it as text.

    Raises:
        InvalidInputError: It is none, or out of bounds.
    """
    problem = InvalidInputError(f"{name} is no number of seconds.", field=name)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | str):
        raise problem
    try:
        length = timedelta(seconds=float(seconds))
        if timedelta() <= length < timedelta(days=365_000):
            return length
    except (ValueError, OverflowError):
        pass  # the error would repeat what was given
    raise problem


def _moment(expires: datetime | int | None) -> datetime | None:
    if not isinstance(expires, int):
        return expires
    try:
        return datetime.fromtimestamp(expires, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise StoredDataError(
        "The stored expires_at of an account is no time in seconds since 1970.",
        hint="It seems to count milliseconds; divide it by 1000.",
    )
