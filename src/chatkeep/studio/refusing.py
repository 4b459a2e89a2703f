"""Errors as answers: one shape of JSON, a status that fits, nothing that the caller may not know."""

import logging
from collections.abc import Mapping

from starlette.responses import Response

from chatkeep import errors
from chatkeep.errors import ChatkeepError, InvalidInputError
from chatkeep.studio.answering import answer

_log = logging.getLogger("chatkeep.studio")


class StudioError(ChatkeepError):
    """The studio refuses a request."""

    code = "studio"
    status = 400


class ReadOnlyError(StudioError):
    """Something was to be changed, and the studio was opened to look."""

    code = "read_only"
    status = 403


class NoSuchThingError(StudioError):
    """What the address names is not there, such as a table that was dropped meanwhile."""

    code = "no_such_thing"
    status = 404


class ChangedMeanwhileError(StudioError):
    """Rows are not any more what they were when they were edited; nothing was stored."""

    code = "changed_meanwhile"
    status = 409


class TooMuchError(StudioError):
    """The request is larger, or asks for more, than the studio handles."""

    code = "too_much"
    status = 413


class WrongMethodError(StudioError):
    """The address is there, and takes another method."""

    code = "wrong_method"
    status = 405


class TooSlowError(StudioError):
    """The request began, and its rest did not come."""

    code = "too_slow"
    status = 408


class TableLockedError(errors.DatabaseTimeoutError):
    """Somebody else keeps a table locked that was to be read, such as a migration."""

    code = "table_locked"


_STATUSES: Mapping[type[ChatkeepError], int] = {
    errors.NotFoundError: 404,
    errors.InvalidInputError: 422,
    errors.ConflictError: 409,
    errors.ConstraintError: 409,
    errors.RevisionConflictError: 409,
    errors.ConnectionFailedError: 503,
    errors.DatabaseBusyError: 503,
    errors.DatabaseClosedError: 503,
    errors.DatabaseTimeoutError: 504,
    errors.SchemaMismatchError: 409,
    errors.MigrationLockError: 409,
    ChatkeepError: 400,
}


def status_of(error: ChatkeepError) -> int:
    """Give the status of HTTP for an error."""
    if isinstance(error, StudioError):
        return error.status
    return next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)


def body_of(error: ChatkeepError) -> dict[str, object]:
    """Give what a page shows of an error: `code`, `message`, `hint`, and `field` of an input."""
    field = error.field if isinstance(error, InvalidInputError) else None
    told = {"code": error.code, "message": str(error.args[0]), "hint": error.hint, "field": field}
    return {"error": told}


def refuse(error: ChatkeepError) -> Response:
    """Answer an error of ours."""
    return answer(body_of(error), status_of(error))


def break_down(error: Exception) -> Response:
    """Answer an error that is a fault of ours: its text may hold anything, so it is not shown."""
    _log.error("%s in the studio", type(error).__name__, exc_info=error)
    told = StudioError("Something failed inside the studio.", hint="The server's log has more.")
    return answer(body_of(told), 500)
