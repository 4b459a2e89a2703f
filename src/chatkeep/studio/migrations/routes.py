"""`/api/migrations`: the folder beside the database, reviews, and runs that change it."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from chatkeep.errors import ChatkeepError, MigrationFileMissingError, MigrationsFolderError
from chatkeep.kit import migrate as applying
from chatkeep.kit import rollback as reverting
from chatkeep.kit.connection import shown
from chatkeep.kit.folder import Folder, Migration
from chatkeep.kit.reverting.reading import look
from chatkeep.kit.review import review
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.status import Status, status
from chatkeep.studio.answering import answer, body, number
from chatkeep.studio.bounding import turn
from chatkeep.studio.ground import Ground
from chatkeep.studio.grounds import ground_of
from chatkeep.studio.migrations import documents
from chatkeep.studio.migrations.runs import Run, Runs, Task
from chatkeep.studio.migrations.scratching import Bench
from chatkeep.studio.refusing import ChangedMeanwhileError, NoSuchThingError, body_of

_MOST_STEPS = 10_000
_LOOK_SECONDS, _COUNT_SECONDS = 20.0, 60.0
_LIVE = {"content-encoding": "identity", "x-accel-buffering": "no"}
"""Each line leaves at once: compressing would keep it until there are enough."""


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody saw, and confirmed.

    Attributes:
        place: The database's place, as it was shown.
        tags: The migrations, in the order in which they come.
        lock_wait: Seconds to wait for another process that migrates.
        accept_data_loss: Stored rows and values may go; for taking back.
    """

    place: str
    tags: Annotated[list[str], msgspec.Meta(min_length=1, max_length=_MOST_STEPS)]
    lock_wait: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 60.0
    accept_data_loss: bool = False


async def _list(request: Request) -> Response:
    ground = ground_of(request)
    run = _runs(request).last
    document: dict[str, object] = {
        "folder": documents.shown(ground.settings.migrations, ground.settings.root),
        "place": shown(ground.url),
        "run": run.summary() if run else None,
        "migrations": [],
        "notes": [],
        "strays": [],
    }
    try:
        folder = await _folder(ground)
    except (MigrationsFolderError, MigrationFileMissingError) as error:
        return answer({**document, **body_of(error)})
    found: Status | None = None
    problem: object = None
    try:
        found = await _status(ground, folder)
    except ChatkeepError as error:  # such as a role that may not read the bookkeeping
        problem = body_of(error)["error"]
    told = await asyncio.to_thread(documents.listed, folder, found, ground.settings.root)
    return answer({**document, **told, "error": problem})


async def _page(request: Request) -> Response:
    ground = ground_of(request)
    folder, migration = await _migration(request)
    problem: object = None
    line = None
    try:
        found = await _status(ground, folder)
        line = next(each for each in found.lines if each.tag == migration.tag)
    except ChatkeepError as error:
        problem = body_of(error)["error"]
    seen = await asyncio.to_thread(look, folder, migration)
    told = await asyncio.to_thread(documents.paged, migration, line, seen)
    return answer({**told, "error": problem})


async def _changes(request: Request) -> Response:
    folder, migration = await _migration(request)
    return answer(documents.affected(await _bench(request).effect(folder, migration)))


async def _review(request: Request) -> Response:
    """Review what is pending, or the migration that the address names."""
    ground, tags = ground_of(request), tuple[str, ...]()
    if "tag" in request.path_params:
        folder, migration = await _migration(request)
        tags = (migration.tag,)
    else:
        folder = await _folder(ground)

    async def job(scratch: Scratch) -> dict[str, object]:
        return documents.reviewed(await review(folder, scratch, tags=tags, url=ground.url))

    return answer(await _bench(request).do(job))


async def _dry_run(request: Request) -> Response:
    ground = ground_of(request)
    folder = await _folder(ground)
    async with _looking(ground):
        found = await applying.dry_run(folder, ground.url, to=request.query_params.get("to"))
    steps = [
        {"tag": one.migration.tag, "sql": one.sql[: documents.MOST], "loses": []}
        for one in found.planned
    ]
    return answer(
        {
            "place": shown(ground.url),
            "before": found.before if found.planned else "",
            "steps": steps,
            "after": found.after if found.planned else "",
            "note": "",
        }
    )


async def _apply(request: Request) -> Response:
    ground = ground_of(request)
    ground.insist_on_write()
    runs = _runs(request)
    order = await _confirmed(request, ground)
    folder = await _folder(ground)
    async with _looking(ground):
        pending = await applying.pending(folder, ground.url, to=order.tags[-1])
    _insist_on(order, [each.tag for each in pending])
    options = applying.Options(lock_wait=order.lock_wait)

    async def job(run: Run) -> None:
        await applying.migrate(
            folder,
            ground.url,
            to=order.tags[-1],
            options=options,
            on_applied=lambda one: run.through(one.migration.tag, one.seconds),
            on_event=run.heard,
        )

    task = Task("apply", tuple(order.tags), order.place)
    return answer(runs.start(task, job, ground.reopen).summary(), 202)


async def _plan(request: Request, steps: int) -> reverting.Plan:
    """Choose what is taken back, and try on scratch databases what is not known to lead back."""
    ground = ground_of(request)
    folder = await _folder(ground)
    hint = "`chatkeep rollback --dry-run` takes all the time that it needs."
    async with turn(ground, _COUNT_SECONDS, "Counting what would go", hint):
        plan = await reverting.select(folder, ground.url, steps=steps)
    if plan.is_proved:
        return plan
    return await _bench(request).do(lambda scratch: reverting.prove(plan, ground.url, scratch))


async def _dry_rollback(request: Request) -> Response:
    plan = await _plan(request, number(request, "steps", 1, _MOST_STEPS))
    told = documents.planned(plan, reverting.Options())
    return answer({"place": shown(ground_of(request).url), "before": "", "after": "", **told})


async def _rollback(request: Request) -> Response:
    ground = ground_of(request)
    ground.insist_on_write()
    runs = _runs(request)
    order = await _confirmed(request, ground)
    plan = await _plan(request, len(order.tags))
    _insist_on(order, [each.up.tag for each in plan.reversals])
    options = reverting.Options(order.accept_data_loss, order.lock_wait)

    async def job(run: Run) -> None:
        await reverting.rollback(
            plan,
            ground.url,
            options,
            on_reverted=lambda one: run.through(one.migration.tag, one.seconds),
            on_event=run.heard,
        )

    task = Task("rollback", tuple(order.tags), order.place)
    return answer(runs.start(task, job, ground.reopen).summary(), 202)


async def _follow(request: Request) -> Response:
    run = _runs(request).known()
    return StreamingResponse(run.follow(), media_type="application/x-ndjson", headers=_LIVE)


async def _stop(request: Request) -> Response:
    ground_of(request).insist_on_write()
    run = _runs(request).known()
    if run.state == "running":
        run.stop()
    return answer(run.summary())


def _looking(ground: Ground) -> AbstractAsyncContextManager[None]:
    hint = "Another process may hold its lock: `chatkeep status` waits for it."
    return turn(ground, _LOOK_SECONDS, "Reading the bookkeeping", hint)


async def _status(ground: Ground, folder: Folder) -> Status:
    async with _looking(ground):
        return await status(folder, ground.url)


async def _folder(ground: Ground) -> Folder:
    return await asyncio.to_thread(Folder.read, ground.settings.migrations)


async def _migration(request: Request) -> tuple[Folder, Migration]:
    tag = request.path_params["tag"]
    folder = await _folder(ground_of(request))
    for each in folder.migrations:
        if each.tag == tag:
            return folder, each
    raise NoSuchThingError(
        "The folder holds no migration of that name.", hint="It may have been renumbered."
    )


async def _confirmed(request: Request, ground: Ground) -> Order:
    """Read what is to be done, unless another run or another database is in the way."""
    _runs(request).refuse_second()
    order = await body(request, Order)
    if order.place != shown(ground.url):
        raise ChangedMeanwhileError(
            f"This studio shows {shown(ground.url)} now, not {order.place[:200]}.",
            hint="Load the page anew.",
        )
    return order


def _insist_on(order: Order, tags: list[str]) -> None:
    if order.tags != tags:
        raise ChangedMeanwhileError(
            "What would be done is not any more what was shown; nothing was run.",
            hint="Look at it again: the folder changed, or another process migrated.",
        )


def _runs(request: Request) -> Runs:
    state = request.app.state
    if not hasattr(state, "migration_runs"):
        state.migration_runs = Runs()
    runs: Runs = state.migration_runs
    return runs


def _bench(request: Request) -> Bench:
    state = request.app.state
    if not hasattr(state, "migration_bench"):
        state.migration_bench = Bench(ground_of(request).settings)
    bench: Bench = state.migration_bench
    return bench


ROUTES = (
    Route("/migrations", _list),
    Route("/migrations/review", _review),
    Route("/migrations/apply", _dry_run),
    Route("/migrations/apply", _apply, methods=["POST"]),
    Route("/migrations/rollback", _dry_rollback),
    Route("/migrations/rollback", _rollback, methods=["POST"]),
    Route("/migrations/run", _follow),
    Route("/migrations/run/stop", _stop, methods=["POST"]),
    Route("/migrations/file/{tag}", _page),
    Route("/migrations/file/{tag}/changes", _changes),
    Route("/migrations/file/{tag}/review", _review),
)
