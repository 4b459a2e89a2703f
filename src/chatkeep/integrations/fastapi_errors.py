"""Our errors as answers of HTTP, which say no more than the caller may know."""

import logging
import math
from dataclasses import dataclass
from typing import Any

from chatkeep import errors
from chatkeep.errors import (
    ChatkeepError,
    ConfigError,
    DatabaseError,
    InvalidInputError,
    SearchFailedError,
    UnreadableSearchError,
)

try:
    from fastapi import FastAPI, Request, WebSocket, status
    from fastapi.responses import JSONResponse
    from fastapi.websockets import WebSocketState
except ImportError as exc:
    raise ConfigError(
        "The error handlers need FastAPI, which is not installed.",
        hint="pip install 'chatkeep[fastapi]'",
    ) from exc

_log = logging.getLogger("chatkeep.fastapi")


@dataclass(frozen=True)
class _Answer:
    """The status for an error, and the words: None for the error's own, without its hint."""

    status: int
    detail: str | None = None


_UNAVAILABLE = _Answer(503, "The database does not answer now; try again.")
_FAILED_SEARCH = _Answer(503, "The search failed a moment ago; try again.")
_UNREADABLE_SEARCH = _Answer(502, "The search gave nothing that can be read.")
_BUSY = (_UNAVAILABLE, _FAILED_SEARCH)
_LOGGED = (_UNAVAILABLE, _UNREADABLE_SEARCH)
_ANSWERS: dict[type[ChatkeepError], _Answer] = {
    errors.NotFoundError: _Answer(404),
    errors.InvalidInputError: _Answer(422),
    UnreadableSearchError: _UNREADABLE_SEARCH,
    errors.SearchFailedError: _FAILED_SEARCH,
    errors.CheckFailedError: _Answer(422, "A value is not allowed."),
    errors.AlreadyExistsError: _Answer(409, "It exists already."),
    errors.ReferencedRowError: _Answer(409, "What it belongs to does not exist."),
    errors.ConflictError: _Answer(409, "Something else changed it at the same time; try again."),
    errors.RevisionConflictError: _Answer(409),
    errors.AnswerRunningError: _Answer(409),
    errors.AnswerTakenOverError: _Answer(409),
    errors.ConnectionFailedError: _UNAVAILABLE,
    errors.DatabaseTimeoutError: _UNAVAILABLE,
    errors.DatabaseBusyError: _UNAVAILABLE,
    errors.DatabaseClosedError: _UNAVAILABLE,
}


def install_error_handlers(app: FastAPI) -> None:
    """Answer our errors with a status and a JSON body, at this application's routes.

    Not found is 404, refused input 422, what exists already, conflicts and running answers 409, a
    database that does not answer 503 with `Retry-After`, a web search that failed lately as well; one
    that gave nothing readable 502. The body has `detail` and `code`, which is the error's, and
    `field` of refused input. Names of tables, constraints and servers are never in it. What the
    database did, and a 502, is logged (`chatkeep.fastapi`). Every other error stays a 500.

    An application that is mounted has handlers of its own: call it for each.
    """
    for kind in _ANSWERS:
        app.add_exception_handler(kind, _answer)


async def _answer(connection: Request | WebSocket, error: Exception) -> Any:  # noqa: ANN401 - a response for a request, nothing for a socket, as Starlette has it
    """Answer a request; close a web socket."""
    if not isinstance(error, ChatkeepError):
        raise error
    answer = next(_ANSWERS[kind] for kind in type(error).__mro__ if kind in _ANSWERS)
    if answer in _LOGGED:
        _log.error("%s: %s", type(error).__name__, error)
    if isinstance(connection, WebSocket) and not _takes_response(connection):
        await connection.close(_closing(answer))
        return None
    headers = {"Retry-After": _seconds(error)} if answer in _BUSY else None
    return JSONResponse(_body(error, answer), answer.status, headers)


def _closing(answer: _Answer) -> int:
    if answer in _BUSY:
        return status.WS_1013_TRY_AGAIN_LATER
    is_ours = answer is _UNREADABLE_SEARCH
    return status.WS_1011_INTERNAL_ERROR if is_ours else status.WS_1008_POLICY_VIOLATION


def _seconds(error: ChatkeepError) -> str:
    """Give whole seconds, 1 or more, after which it is worth asking again."""
    return f"{max(math.ceil(error.retry_after), 1) if isinstance(error, SearchFailedError) else 1}"


def _body(error: ChatkeepError, answer: _Answer) -> dict[str, Any]:
    # What PostgreSQL said, about whatever table, stays here; the code of an error never tells.
    own = None if isinstance(error, DatabaseError) else str(error.args[0])
    body = {"detail": answer.detail or own, "code": error.code}
    if isinstance(error, InvalidInputError) and answer is not _UNREADABLE_SEARCH:
        body["field"] = error.field
    return body


def _takes_response(connection: WebSocket) -> bool:
    """Tell whether a socket is not accepted yet, by a server that can answer instead."""
    return (
        connection.application_state is WebSocketState.CONNECTING
        and "websocket.http.response" in (connection.scope.get("extensions") or {})
    )
