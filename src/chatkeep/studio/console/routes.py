"""`/api/console`: run SQL, read plans, and find what was run and saved before."""

import asyncio
import logging
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatkeep.studio.answering import answer, body, number
from chatkeep.studio.console.asked import PlanRequest, RunRequest
from chatkeep.studio.console.files import FileTroubleError
from chatkeep.studio.console.history import History
from chatkeep.studio.console.planning import Planned, Planning
from chatkeep.studio.console.running import Outcome, Run
from chatkeep.studio.console.runs import runs_of
from chatkeep.studio.console.saved import SavedQueries
from chatkeep.studio.console.words import words
from chatkeep.studio.grounds import ground_of

_log = logging.getLogger("chatkeep.studio")


class _ToSave(msgspec.Struct, forbid_unknown_fields=True):
    sql: str
    version: str | None = None


async def _run(request: Request) -> Response:
    asked = await body(request, RunRequest)
    ground = ground_of(request)
    if asked.write:
        ground.insist_on_write()
    run = Run(ground, asked)

    def cancel() -> None:
        run.cancelled = True

    async def work() -> Outcome:
        return await run.carry_out()

    outcome = await runs_of(ground).keep(request, asked.id, work, cancel)
    ok = all(each.error is None for each in outcome.statements)
    try:
        await asyncio.to_thread(
            History(ground.settings).add, asked.text, write=asked.write, ok=ok, ms=outcome.ms
        )
    except FileTroubleError as error:
        _log.warning("The console's history was not kept: %s", error)
    return answer(outcome)


async def _plan(request: Request) -> Response:
    asked = await body(request, PlanRequest)
    ground = ground_of(request)
    planning = Planning(ground, asked)

    def cancel() -> None:
        planning.cancelled = True

    async def work() -> Planned:
        return await planning.carry_out()

    return answer(await runs_of(ground).keep(request, asked.id, work, cancel))


async def _cancel(request: Request) -> Response:
    found = runs_of(ground_of(request)).cancel(request.path_params["id"])
    return answer({"cancelled": found})


async def _words(request: Request) -> Response:
    async with ground_of(request).transaction(name="words of the console") as connection:
        # What is visible is told by the role's own search_path, which the console's runs have.
        await connection.execute("set local search_path to default")
        return answer(await words(connection))


async def _history(request: Request) -> Response:
    ground = ground_of(request)
    history = History(ground.settings)
    if request.method == "DELETE":
        ground.insist_on_files()
        await asyncio.to_thread(history.clear)
    text, most = request.query_params.get("q", "")[:200], number(request, "limit", 100, 500)
    found: list[dict[str, Any]] = await asyncio.to_thread(history.find, text, most)
    return answer({"entries": found})


async def _saved(request: Request) -> Response:
    return answer(
        {"queries": await asyncio.to_thread(SavedQueries(ground_of(request).settings).all)}
    )


async def _one_saved(request: Request) -> Response:
    ground = ground_of(request)
    queries = SavedQueries(ground.settings)
    name: str = request.path_params["name"]
    if request.method != "GET":
        ground.insist_on_files()
    if request.method == "PUT":
        asked = await body(request, _ToSave)
        return answer(await asyncio.to_thread(queries.put, name, asked.sql, asked.version))
    if request.method == "DELETE":
        await asyncio.to_thread(queries.delete, name)
        return answer({"deleted": name})
    return answer(await asyncio.to_thread(queries.get, name))


ROUTES = (
    Route("/console/words", _words),
    Route("/console/runs", _run, methods=["POST"]),
    Route("/console/runs/{id}/cancel", _cancel, methods=["POST"]),
    Route("/console/plans", _plan, methods=["POST"]),
    Route("/console/history", _history, methods=["GET", "DELETE"]),
    Route("/console/saved", _saved),
    Route("/console/saved/{name}", _one_saved, methods=["GET", "PUT", "DELETE"]),
)
