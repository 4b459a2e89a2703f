"""Addresses of tables, constraints, indexes and how they hang together."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatkeep.studio.answering import answer
from chatkeep.studio.ground import Ground
from chatkeep.studio.grounds import ground_of
from chatkeep.studio.masking import secret_columns
from chatkeep.studio.refusing import NoSuchThingError
from chatkeep.studio.structure.ddl import ddl
from chatkeep.studio.structure.diagram import diagram
from chatkeep.studio.structure.findings import conventions, last_visit, visit
from chatkeep.studio.structure.page import covered, page
from chatkeep.studio.structure.reading import (
    attributes_of,
    estimated_rows,
    read_facts,
    relation,
)
from chatkeep.studio.structure.statistics import indexes_of, oid_of, statistics_of


async def _diagram(request: Request) -> Response:
    ground = ground_of(request)
    async with ground.transaction(name="schema") as connection:
        catalog = await read_facts(ground, connection)
        rows = await estimated_rows(connection)
        secrets = await secret_columns(ground, connection)
    return answer(diagram(catalog, rows, secrets, attributes_of(ground.schema)))


async def _table(request: Request) -> Response:
    ground = ground_of(request)
    schema = request.query_params.get("schema", "")
    name = request.query_params.get("table", "")
    async with ground.transaction(name="table") as connection:
        catalog = await read_facts(ground, connection)
        fact = relation(catalog, schema, name)
        oid = await oid_of(connection, schema, name)
        if fact is None or oid is None:
            raise NoSuchThingError(
                f"The database has no table {schema[:63]}.{name[:63]}.",
                hint="It may have been renamed or dropped meanwhile; the schema page lists all.",
            )
        secrets = await secret_columns(ground, connection)
        indexes = await indexes_of(connection, oid)
        statistics = await statistics_of(connection, oid)
    needless = covered(catalog, (schema, name))
    return answer(
        page(catalog, fact, secrets.get((schema, name), frozenset()))
        | {
            "attribute": attributes_of(ground.schema).get((schema, name)),
            "indexes": [
                {**each, "covered_by": needless.get(str(each["name"]), [])} for each in indexes
            ],
            "statistics": statistics,
            **ddl(catalog, schema, name),
        }
    )


async def _findings(request: Request) -> Response:
    return await _told(ground_of(request))


async def _visit(request: Request) -> Response:
    ground = ground_of(request)
    await visit(ground)
    return await _told(ground)


async def _told(ground: Ground) -> Response:
    async with ground.transaction(name="findings") as connection:
        names = await estimated_rows(connection)
    return answer(
        {"conventions": conventions(ground.schema), "doctor": last_visit(ground, names.keys())}
    )


ROUTES = (
    Route("/structure", _diagram),
    Route("/structure/table", _table),
    Route("/structure/findings", _findings),
    Route("/structure/doctor", _visit, methods=["POST"]),
)
