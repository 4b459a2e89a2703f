"""`/api/overview`: what this studio looks at, what it may do, and how the database is at one look."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatkeep.errors import DatabaseError
from chatkeep.insight.recent import recent_chats
from chatkeep.kit.connection import shown
from chatkeep.schema.schema import Schema
from chatkeep.studio.answering import answer
from chatkeep.studio.ground import Ground
from chatkeep.studio.grounds import ground_of
from chatkeep.studio.refusing import body_of
from chatkeep.studio.structure.findings import last_visit
from chatkeep.studio.structure.glance import about, glance
from chatkeep.studio.structure.reading import attributes_of, estimated_rows

_RECENT = 8
_MOST_SORTED = 200_000  # chats; beyond, no index gives the last ones of everybody quickly


async def _overview(request: Request) -> Response:
    ground = ground_of(request)
    if ground.mismatch is not None:  # somebody may have run since what the page told them to run
        await ground.reopen()
    async with ground.transaction(name="overview") as connection:
        database, version, role, size = await about(connection)
    schema = ground.schema
    problem = _problem(ground)
    return answer(
        {
            "database": database,
            "place": shown(ground.url),
            "version": version,
            "role": role,
            "bytes": size,
            "write": ground.write,
            "preset": type(schema).__module__.split(".")[2:3] if isinstance(schema, Schema) else [],
            "tables": sorted(schema.tables) if isinstance(schema, Schema) else [],
            "problem": None if problem is None else str(problem.args[0]),
            "hint": None if problem is None else problem.hint,
            "migrations": ground.settings.migrations.name,
        }
    )


def _problem(ground: Ground) -> DatabaseError | None:
    """Say why there is no typed access, and so no people and conversations."""
    try:
        _ = ground.database
    except DatabaseError as error:
        return error
    return None


async def _glance(request: Request) -> Response:
    ground = ground_of(request)
    async with ground.transaction(name="glance") as connection:
        found = await glance(connection, attributes_of(ground.schema))
        names = await estimated_rows(connection)
    return answer({**found, "doctor": last_visit(ground, names.keys())})


async def _recent(request: Request) -> Response:
    """Give the conversations that moved last; why there are none to give is part of the answer."""
    ground = ground_of(request)
    problem = _problem(ground)
    if problem is not None:
        return answer({"chats": None, "many": False, **body_of(problem)})
    tables = ground.database.schema.tables
    if "chats" not in tables:
        return answer({"chats": None, "many": False, "error": None})
    chats = tables["chats"]
    async with ground.transaction(name="recent") as connection:
        rows = await estimated_rows(connection)
    if (rows.get((chats.schema or "public", chats.name)) or 0) > _MOST_SORTED:
        return answer({"chats": [], "many": True, "error": None})
    async with ground.lent() as database:
        found = await recent_chats(database, _RECENT)
    lines = [
        {"id": chat_id, "title": title, "at": at, "user_id": user_id, "user": name or email}
        for chat_id, title, at, user_id, name, email in found
    ]
    return answer({"chats": lines, "many": False, "error": None})


ROUTES = (
    Route("/overview", _overview),
    Route("/overview/glance", _glance),
    Route("/overview/recent", _recent),
)
