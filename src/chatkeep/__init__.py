"""chatkeep: the PostgreSQL layer for AI chat applications.

Everything that an application needs day by day is here, loaded when it is first asked for: importing
the package loads no dependency. Records and inputs are those of the DeepSearch preset; the maps
preset has its own in `chatkeep.records.maps` and `chatkeep.inputs.maps`. Tables are in
`chatkeep.presets`, and every error is in `chatkeep.errors`.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatkeep.access.nested import (
        Nested,
        nested,
    )
    from chatkeep.access.paging import (
        END,
        START,
    )
    from chatkeep.database import (
        Database,
        Prepared,
        Stream,
        Transaction,
        run,
    )
    from chatkeep.database.options import (
        DatabaseOptions,
    )
    from chatkeep.engine.observe import (
        Observation,
        Observer,
    )
    from chatkeep.engine.transaction import (
        Isolation,
    )
    from chatkeep.errors import (
        AccountNotFoundError,
        AlreadyExistsError,
        ChatkeepError,
        ChatNotFoundError,
        CheckFailedError,
        ConfigError,
        ConflictError,
        ConnectionFailedError,
        ConstraintError,
        DatabaseBusyError,
        DatabaseClosedError,
        DatabaseError,
        DatabaseTimeoutError,
        EmailTakenError,
        InvalidCursorError,
        InvalidInputError,
        InvalidUrlError,
        MessageNotFoundError,
        MigrationError,
        NotFoundError,
        ReferencedRowError,
        SchemaMismatchError,
        ServerError,
        SessionNotFoundError,
        StatementError,
        StoredDataError,
        UserNotFoundError,
        VerificationTokenNotFoundError,
    )
    from chatkeep.inputs.deepsearch import (
        AccountChanges,
        ChatChanges,
        NewAccount,
        NewChat,
        NewMessage,
        NewSession,
        NewUser,
        NewVerificationToken,
        SessionChanges,
        SettingsChanges,
        UserChanges,
        VerificationTokenChanges,
    )
    from chatkeep.records.deepsearch import (
        Account,
        Chat,
        ChatWithMessages,
        Message,
        MessageMetadata,
        Session,
        Source,
        TokenUsage,
        User,
        UserSettings,
        UserWithAccounts,
        VerificationToken,
    )
    from chatkeep.records.page import (
        Page,
    )

__all__ = [  # noqa: RUF022 - in the order of sorted(), as a test compares it
    "Account",
    "AccountChanges",
    "AccountNotFoundError",
    "AlreadyExistsError",
    "Chat",
    "ChatChanges",
    "ChatNotFoundError",
    "ChatWithMessages",
    "ChatkeepError",
    "CheckFailedError",
    "ConfigError",
    "ConflictError",
    "ConnectionFailedError",
    "ConstraintError",
    "Database",
    "DatabaseBusyError",
    "DatabaseClosedError",
    "DatabaseError",
    "DatabaseOptions",
    "DatabaseTimeoutError",
    "END",
    "EmailTakenError",
    "InvalidCursorError",
    "InvalidInputError",
    "InvalidUrlError",
    "Isolation",
    "Message",
    "MessageMetadata",
    "MessageNotFoundError",
    "MigrationError",
    "Nested",
    "NewAccount",
    "NewChat",
    "NewMessage",
    "NewSession",
    "NewUser",
    "NewVerificationToken",
    "NotFoundError",
    "Observation",
    "Observer",
    "Page",
    "Prepared",
    "ReferencedRowError",
    "START",
    "SchemaMismatchError",
    "ServerError",
    "Session",
    "SessionChanges",
    "SessionNotFoundError",
    "SettingsChanges",
    "Source",
    "StatementError",
    "StoredDataError",
    "Stream",
    "TokenUsage",
    "Transaction",
    "User",
    "UserChanges",
    "UserNotFoundError",
    "UserSettings",
    "UserWithAccounts",
    "VerificationToken",
    "VerificationTokenChanges",
    "VerificationTokenNotFoundError",
    "nested",
    "run",
]

# name -> the module that has it
_PLACES = {
    "Nested": "chatkeep.access.nested",
    "nested": "chatkeep.access.nested",
    "END": "chatkeep.access.paging",
    "START": "chatkeep.access.paging",
    "Database": "chatkeep.database",
    "Prepared": "chatkeep.database",
    "Stream": "chatkeep.database",
    "Transaction": "chatkeep.database",
    "run": "chatkeep.database",
    "DatabaseOptions": "chatkeep.database.options",
    "Observation": "chatkeep.engine.observe",
    "Observer": "chatkeep.engine.observe",
    "Isolation": "chatkeep.engine.transaction",
    "AccountNotFoundError": "chatkeep.errors",
    "AlreadyExistsError": "chatkeep.errors",
    "ChatNotFoundError": "chatkeep.errors",
    "ChatkeepError": "chatkeep.errors",
    "CheckFailedError": "chatkeep.errors",
    "ConfigError": "chatkeep.errors",
    "ConflictError": "chatkeep.errors",
    "ConnectionFailedError": "chatkeep.errors",
    "ConstraintError": "chatkeep.errors",
    "DatabaseBusyError": "chatkeep.errors",
    "DatabaseClosedError": "chatkeep.errors",
    "DatabaseError": "chatkeep.errors",
    "DatabaseTimeoutError": "chatkeep.errors",
    "EmailTakenError": "chatkeep.errors",
    "InvalidCursorError": "chatkeep.errors",
    "InvalidInputError": "chatkeep.errors",
    "InvalidUrlError": "chatkeep.errors",
    "MessageNotFoundError": "chatkeep.errors",
    "MigrationError": "chatkeep.errors",
    "NotFoundError": "chatkeep.errors",
    "ReferencedRowError": "chatkeep.errors",
    "SchemaMismatchError": "chatkeep.errors",
    "ServerError": "chatkeep.errors",
    "SessionNotFoundError": "chatkeep.errors",
    "StatementError": "chatkeep.errors",
    "StoredDataError": "chatkeep.errors",
    "UserNotFoundError": "chatkeep.errors",
    "VerificationTokenNotFoundError": "chatkeep.errors",
    "AccountChanges": "chatkeep.inputs.deepsearch",
    "ChatChanges": "chatkeep.inputs.deepsearch",
    "NewAccount": "chatkeep.inputs.deepsearch",
    "NewChat": "chatkeep.inputs.deepsearch",
    "NewMessage": "chatkeep.inputs.deepsearch",
    "NewSession": "chatkeep.inputs.deepsearch",
    "NewUser": "chatkeep.inputs.deepsearch",
    "NewVerificationToken": "chatkeep.inputs.deepsearch",
    "SessionChanges": "chatkeep.inputs.deepsearch",
    "SettingsChanges": "chatkeep.inputs.deepsearch",
    "UserChanges": "chatkeep.inputs.deepsearch",
    "Account": "chatkeep.records.deepsearch",
    "Chat": "chatkeep.records.deepsearch",
    "ChatWithMessages": "chatkeep.records.deepsearch",
    "Message": "chatkeep.records.deepsearch",
    "MessageMetadata": "chatkeep.records.deepsearch",
    "Session": "chatkeep.records.deepsearch",
    "Source": "chatkeep.records.deepsearch",
    "TokenUsage": "chatkeep.records.deepsearch",
    "User": "chatkeep.records.deepsearch",
    "UserSettings": "chatkeep.records.deepsearch",
    "UserWithAccounts": "chatkeep.records.deepsearch",
    "VerificationToken": "chatkeep.records.deepsearch",
    "VerificationTokenChanges": "chatkeep.inputs.deepsearch",
    "Page": "chatkeep.records.page",
}


def __getattr__(name: str) -> object:
    """Load a name when it is first asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module 'chatkeep' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Show the names, loaded or not."""
    return [*globals(), *(name for name in __all__ if name not in globals())]
