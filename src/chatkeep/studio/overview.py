"""`/api/overview`: what this studio looks at, and what it may do."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatkeep.errors import DatabaseError
from chatkeep.kit.connection import where
from chatkeep.schema.schema import Schema
from chatkeep.studio.answering import answer
from chatkeep.studio.grounds import ground_of

_ABOUT = """
select current_database()::text, current_setting('server_version'), current_user::text,
    pg_catalog.pg_database_size(current_database())
"""


async def _overview(request: Request) -> Response:
    ground = ground_of(request)
    async with ground.transaction(name="overview") as connection:
        row = await connection.fetchrow(_ABOUT)
    assert row is not None  # noqa: S101 - a select without FROM has one row
    schema = ground.schema
    problem: str | None = None
    try:
        _ = ground.database
    except DatabaseError as error:
        problem = str(error)
    return answer(
        {
            "database": row[0],
            "place": where(ground.url),
            "version": row[1],
            "role": row[2],
            "bytes": row[3],
            "write": ground.write,
            "preset": type(schema).__module__.split(".")[2:3] if isinstance(schema, Schema) else [],
            "tables": sorted(schema.tables) if isinstance(schema, Schema) else [],
            "problem": problem,
            "migrations": ground.settings.migrations.name,
        }
    )


ROUTES = (Route("/overview", _overview),)
