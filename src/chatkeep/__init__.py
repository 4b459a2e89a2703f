"""chatkeep: the PostgreSQL layer for AI chat applications.

Everything that an application needs day by day is here, loaded when it is first asked for: importing
the package loads no dependency. Records and inputs are those of the DeepSearch preset; the maps
preset has its own in `chatkeep.records.maps` and `chatkeep.inputs.maps`. Tables are in
`chatkeep.presets`, and every error is in `chatkeep.errors`.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatkeep.access.answering import (
        AnswerOptions,
    )
    from chatkeep.access.answers import (
        Answer,
    )
    from chatkeep.access.devices import (
        DeviceCount,
    )
    from chatkeep.access.embedding import (
        Embed,
    )
    from chatkeep.access.nested import (
        Nested,
        nested,
    )
    from chatkeep.access.paging import (
        END,
        START,
    )
    from chatkeep.access.trashed import (
        live,
    )
    from chatkeep.auth.options import (
        AuthOptions,
    )
    from chatkeep.auth.provider_tokens import (
        ProviderTokens,
        TokenChanges,
    )
    from chatkeep.auth.session_records import (
        AuthSession,
        DeviceSession,
        IssuedSession,
        SessionCookie,
    )
    from chatkeep.cache.options import (
        SearchCacheOptions,
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
        AnswerRunningError,
        AnswerTakenOverError,
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
        EmbeddingError,
        FeedbackNotFoundError,
        InvalidCursorError,
        InvalidInputError,
        InvalidUrlError,
        MessageNotFoundError,
        MigrationError,
        NotFoundError,
        ReferencedRowError,
        RevisionConflictError,
        SchemaMismatchError,
        SearchFailedError,
        ServerError,
        SessionNotFoundError,
        ShareNotFoundError,
        StatementError,
        StoredDataError,
        TokensAtRestError,
        UserNotFoundError,
        VerificationTokenNotFoundError,
    )
    from chatkeep.inputs.deepsearch import (
        AccountChanges,
        ChatChanges,
        NewAccount,
        NewChat,
        NewFeedback,
        NewMessage,
        NewSession,
        NewUsage,
        NewUser,
        NewVerificationToken,
        SessionChanges,
        SettingsChanges,
        UserChanges,
        VerificationTokenChanges,
    )
    from chatkeep.inputs.search import (
        SearchFilter,
    )
    from chatkeep.records.answers import (
        AnswerPiece,
    )
    from chatkeep.records.auth import (
        CallerSession,
    )
    from chatkeep.records.deepsearch import (
        Account,
        Chat,
        ChatShare,
        ChatShareWithToken,
        ChatWithMessages,
        DailyUsage,
        Message,
        MessageFeedback,
        MessageMetadata,
        MessageUsage,
        ModelUsage,
        Session,
        SharedChat,
        SharedMessage,
        Source,
        TokenUsage,
        TrashedChat,
        TrashedMessage,
        UsageTotals,
        User,
        UserSettings,
        UserWithAccounts,
        VerificationToken,
    )
    from chatkeep.records.page import (
        Page,
    )
    from chatkeep.records.search import (
        Found,
    )
    from chatkeep.records.search_cache import (
        FailedSearch,
        SearchResult,
        SearchResults,
        WarmedSearches,
    )
    from chatkeep.records.search_stats import PopularSearch, SearchCounts, SearchStats

__all__ = [  # noqa: RUF022 - in the order of sorted(), as a test compares it
    "Account",
    "AccountChanges",
    "AccountNotFoundError",
    "AlreadyExistsError",
    "Answer",
    "AnswerOptions",
    "AnswerPiece",
    "AnswerRunningError",
    "AnswerTakenOverError",
    "AuthOptions",
    "AuthSession",
    "CallerSession",
    "Chat",
    "ChatChanges",
    "ChatNotFoundError",
    "ChatShare",
    "ChatShareWithToken",
    "ChatWithMessages",
    "ChatkeepError",
    "CheckFailedError",
    "ConfigError",
    "ConflictError",
    "ConnectionFailedError",
    "ConstraintError",
    "DailyUsage",
    "Database",
    "DatabaseBusyError",
    "DatabaseClosedError",
    "DatabaseError",
    "DatabaseOptions",
    "DatabaseTimeoutError",
    "DeviceCount",
    "DeviceSession",
    "END",
    "EmailTakenError",
    "Embed",
    "EmbeddingError",
    "FailedSearch",
    "FeedbackNotFoundError",
    "Found",
    "InvalidCursorError",
    "InvalidInputError",
    "InvalidUrlError",
    "Isolation",
    "IssuedSession",
    "Message",
    "MessageFeedback",
    "MessageMetadata",
    "MessageNotFoundError",
    "MessageUsage",
    "MigrationError",
    "ModelUsage",
    "Nested",
    "NewAccount",
    "NewChat",
    "NewFeedback",
    "NewMessage",
    "NewSession",
    "NewUsage",
    "NewUser",
    "NewVerificationToken",
    "NotFoundError",
    "Observation",
    "Observer",
    "Page",
    "PopularSearch",
    "Prepared",
    "ProviderTokens",
    "ReferencedRowError",
    "RevisionConflictError",
    "START",
    "SchemaMismatchError",
    "SearchCacheOptions",
    "SearchCounts",
    "SearchFailedError",
    "SearchFilter",
    "SearchResult",
    "SearchResults",
    "SearchStats",
    "ServerError",
    "Session",
    "SessionChanges",
    "SessionCookie",
    "SessionNotFoundError",
    "SettingsChanges",
    "ShareNotFoundError",
    "SharedChat",
    "SharedMessage",
    "Source",
    "StatementError",
    "StoredDataError",
    "Stream",
    "TokenChanges",
    "TokenUsage",
    "TokensAtRestError",
    "Transaction",
    "TrashedChat",
    "TrashedMessage",
    "UsageTotals",
    "User",
    "UserChanges",
    "UserNotFoundError",
    "UserSettings",
    "UserWithAccounts",
    "VerificationToken",
    "VerificationTokenChanges",
    "VerificationTokenNotFoundError",
    "WarmedSearches",
    "live",
    "nested",
    "run",
]

# name -> the module that has it
_PLACES = {
    "AnswerOptions": "chatkeep.access.answering",
    "Answer": "chatkeep.access.answers",
    "DeviceCount": "chatkeep.access.devices",
    "Embed": "chatkeep.access.embedding",
    "Nested": "chatkeep.access.nested",
    "nested": "chatkeep.access.nested",
    "live": "chatkeep.access.trashed",
    "END": "chatkeep.access.paging",
    "START": "chatkeep.access.paging",
    "AuthOptions": "chatkeep.auth.options",
    "ProviderTokens": "chatkeep.auth.provider_tokens",
    "TokenChanges": "chatkeep.auth.provider_tokens",
    "AuthSession": "chatkeep.auth.session_records",
    "DeviceSession": "chatkeep.auth.session_records",
    "IssuedSession": "chatkeep.auth.session_records",
    "SessionCookie": "chatkeep.auth.session_records",
    "SearchCacheOptions": "chatkeep.cache.options",
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
    "AnswerRunningError": "chatkeep.errors",
    "AnswerTakenOverError": "chatkeep.errors",
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
    "EmbeddingError": "chatkeep.errors",
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
    "TokensAtRestError": "chatkeep.errors",
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
    "AnswerPiece": "chatkeep.records.answers",
    "CallerSession": "chatkeep.records.auth",
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
    "FeedbackNotFoundError": "chatkeep.errors",
    "ShareNotFoundError": "chatkeep.errors",
    "NewFeedback": "chatkeep.inputs.deepsearch",
    "NewUsage": "chatkeep.inputs.deepsearch",
    "ChatShare": "chatkeep.records.deepsearch",
    "ChatShareWithToken": "chatkeep.records.deepsearch",
    "DailyUsage": "chatkeep.records.deepsearch",
    "MessageFeedback": "chatkeep.records.deepsearch",
    "MessageUsage": "chatkeep.records.deepsearch",
    "ModelUsage": "chatkeep.records.deepsearch",
    "SharedChat": "chatkeep.records.deepsearch",
    "SharedMessage": "chatkeep.records.deepsearch",
    "TrashedChat": "chatkeep.records.deepsearch",
    "TrashedMessage": "chatkeep.records.deepsearch",
    "UsageTotals": "chatkeep.records.deepsearch",
    "RevisionConflictError": "chatkeep.errors",
    "Page": "chatkeep.records.page",
    "SearchFailedError": "chatkeep.errors",
    "SearchFilter": "chatkeep.inputs.search",
    "Found": "chatkeep.records.search",
    "FailedSearch": "chatkeep.records.search_cache",
    "SearchResult": "chatkeep.records.search_cache",
    "SearchResults": "chatkeep.records.search_cache",
    "WarmedSearches": "chatkeep.records.search_cache",
    "PopularSearch": "chatkeep.records.search_stats",
    "SearchCounts": "chatkeep.records.search_stats",
    "SearchStats": "chatkeep.records.search_stats",
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
