"""Verification tokens: `db.verification_tokens`."""

from functools import cached_property

from chatkeep.access.rows import Rows, Values
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import VerificationTokenNotFoundError
from chatkeep.inputs.deepsearch import NewVerificationToken, VerificationTokenChanges
from chatkeep.records.deepsearch import VerificationToken


class VerificationTokenQueries:
    """The statements on verification tokens."""

    def __init__(self, tokens: Rows[VerificationToken]) -> None:
        self.rows = tokens
        self.by_key = tokens.equal("identifier", "token")

    @cached_property
    def find(self) -> Query[VerificationToken]:
        """By key."""
        return self.rows.find(self.by_key)

    @cached_property
    def use(self) -> Query[VerificationToken]:
        """Delete and give back, in one statement: of two that try, one gets it."""
        return self.rows.delete(self.by_key, "use")


class VerificationTokens:
    """Tokens that went out to an address, each good for one use."""

    def __init__(self, runner: Runner, queries: VerificationTokenQueries) -> None:
        self._runner = runner
        self._queries = queries

    async def create(self, new: NewVerificationToken) -> VerificationToken:
        """Store a token.

        Raises:
            AlreadyExistsError: The same token went out to the same address before.
            InvalidInputError: It is not the input of a verification token.
        """
        values = self._queries.rows.new_values(new)
        return _found(await self._queries.rows.insert(values).first(self._runner, values))

    async def get(self, identifier: str, token: str) -> VerificationToken:
        """Give a token without using it up.

        Raises:
            VerificationTokenNotFoundError: No such token, or it was used.
        """
        return _found(await self.find(identifier, token))

    async def find(self, identifier: str, token: str) -> VerificationToken | None:
        """Give a token without using it up, or None."""
        key = {"identifier": identifier, "token": token}
        return await self._queries.find.first(self._runner, key)

    async def update(
        self, identifier: str, token: str, changes: VerificationTokenChanges
    ) -> VerificationToken:
        """Change the fields that were set, such as a later expiry.

        Raises:
            VerificationTokenNotFoundError: No such token, or it was used.
            InvalidInputError: They are not the changes of a verification token.
        """
        queries = self._queries
        key: Values = {"identifier": identifier, "token": token}
        return _found(
            await queries.rows.change(self._runner, queries.find, queries.by_key, key, changes)
        )

    async def use(self, identifier: str, token: str) -> VerificationToken:
        """Use a token up: it is deleted, and of two callers at once only one gets it.

        An expired token is used up and given back too: compare `expires` with the time.

        Raises:
            VerificationTokenNotFoundError: No such token, or it was used.
        """
        key = {"identifier": identifier, "token": token}
        return _found(await self._queries.use.first(self._runner, key))

    async def delete(self, identifier: str, token: str) -> None:
        """Take a token back.

        Raises:
            VerificationTokenNotFoundError: No such token, or it was used.
        """
        await self.use(identifier, token)


def _found(token: VerificationToken | None) -> VerificationToken:
    if token is None:
        raise VerificationTokenNotFoundError("No such verification token, or it was used already.")
    return token
