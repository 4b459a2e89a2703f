"""Errors of the migrations workflow."""

from chatkeep.errors.base import ChatkeepError


class MigrationError(ChatkeepError):
    """The migrations workflow refuses to go on; nothing was changed."""

    code = "migration"


class MigrationsFolderError(MigrationError):
    """The migrations folder or its journal is absent or cannot be read."""

    code = "migrations_folder"


class MigrationFileMissingError(MigrationsFolderError):
    """The journal names a file that is not there."""

    code = "migration_file_missing"


class MigrationEditedError(MigrationError):
    """A migration that was applied has another content now."""

    code = "migration_edited"


class MigrationOrderError(MigrationError):
    """A pending migration is older than one that was applied; Drizzle would skip it silently."""

    code = "migration_order"


class MigrationFailedError(MigrationError):
    """PostgreSQL refused a statement of a migration; that migration left nothing behind."""

    code = "migration_failed"


class MigrationLockError(MigrationError, TimeoutError):
    """Another process is migrating the same database."""

    code = "migration_lock"


class UnmodelledObjectError(MigrationError):
    """The database holds a kind of object that the diff does not know."""

    code = "unmodelled_object"


class RenameUnclearError(MigrationError):
    """Something went and something of the same kind came: a rename, or a drop and an add?

    Attributes:
        candidates: (kind, qualified old name, possible new names) of each.
    """

    code = "rename_unclear"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        candidates: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.candidates = candidates


class RowsInTheWayError(MigrationError):
    """A push or a rollback would lose rows or values, or rows refuse it; nothing was changed."""

    code = "rows_in_the_way"


class NotReversibleError(MigrationError):
    """A migration cannot be taken back: no reverse, or none that brings back what was before it."""

    code = "not_reversible"


class ProofFailedError(MigrationError):
    """The planned statements, run on a copy, did not lead to the wanted schema."""

    code = "proof_failed"
