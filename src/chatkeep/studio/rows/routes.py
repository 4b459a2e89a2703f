"""Addresses of the row browser: tables, rows, edits."""

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import asyncpg
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatkeep.errors import InvalidInputError
from chatkeep.studio.answering import answer, body
from chatkeep.studio.ground import STATEMENT_SECONDS, Ground
from chatkeep.studio.grounds import ground_of
from chatkeep.studio.refusing import NoSuchThingError
from chatkeep.studio.rows import conditions
from chatkeep.studio.rows.applying import apply, prepared
from chatkeep.studio.rows.asking import (
    Asked,
    asked_of,
    checked_filter,
    checked_sort,
    chosen,
    decoded,
)
from chatkeep.studio.rows.binding import Binder, settle
from chatkeep.studio.rows.catalog import Relation, attributes_of, lines, relation_of
from chatkeep.studio.rows.changes import Change, Changes, Delete, shown
from chatkeep.studio.rows.consequences import Consequences, Spot, follow
from chatkeep.studio.rows.copying import CopyAsked, copied
from chatkeep.studio.rows.cursors import seal, unseal
from chatkeep.studio.rows.documents import table_document
from chatkeep.studio.rows.linking import picks, references
from chatkeep.studio.rows.paging import Pages
from chatkeep.studio.rows.single import CellAsked, duplicate, whole_cell

_log = logging.getLogger("chatkeep.studio")
_COUNT_SECONDS = 20.0
_COPY_SECONDS = 60.0
_FOLLOW_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a request names, and a connection to read it by."""

    ground: Ground
    connection: asyncpg.Connection
    relation: Relation


async def _tables(request: Request) -> Response:
    ground = ground_of(request)
    async with ground.transaction(name="list of tables") as connection:
        found = await lines(connection)
    attributes = attributes_of(ground.schema)
    return answer([each.document(attributes.get((each.schema, each.name))) for each in found])


async def _table(request: Request, names: tuple[str, str]) -> Response:
    async with _opened(request, names) as table:
        return answer(table_document(table.relation, write=table.ground.write))


async def _rows(request: Request, names: tuple[str, str]) -> Response:
    began = time.perf_counter()
    async with _opened(request, names) as table:
        ground, relation = table.ground, table.relation
        asked = asked_of(request, relation)
        place = unseal(ground, relation, asked, asked.cursor) if asked.cursor else None
        await conditions.check(table.connection, relation, asked)
        page = await Pages(table.connection, relation, asked).read(place)
    return answer(
        {
            "columns": [field.name for field in asked.fields],
            "key": relation.key,
            "rows": [{"key": row.key, "cells": row.cells} for row in page.rows],
            "next": page.after and seal(ground, relation, asked, page.after),
            "previous": page.before and seal(ground, relation, asked, page.before),
            "paging": relation.paging,
            "milliseconds": _since(began),
        }
    )


async def _count(request: Request, names: tuple[str, str]) -> Response:
    began = time.perf_counter()
    async with _opened(request, names, _COUNT_SECONDS) as table:
        asked = asked_of(request, table.relation)
        await conditions.check(table.connection, table.relation, asked)
        bind = Binder()
        found = " and ".join(conditions.where(table.relation, asked, bind)) or "true"
        statement = f"select count(*) from {table.relation.sql} where {found}"  # noqa: S608 - quoted names
        count = int(await table.connection.fetchval(statement, *bind.values) or 0)
    return answer({"count": count, "milliseconds": _since(began)})


async def _cell(request: Request, names: tuple[str, str]) -> Response:
    async with _opened(request, names) as table:
        field = table.relation.field(request.query_params.get("column", ""))
        key = _key(request)
        found = await whole_cell(table.connection, table.relation, key, field, reveal=False)
    return answer(found)


async def _reveal(request: Request, names: tuple[str, str]) -> Response:
    ground_of(request).insist_on_write()
    asked = await body(request, CellAsked)
    async with _opened(request, names) as table:
        field = table.relation.field(asked.column)
        if field.secret and asked.reveal:
            _log.warning("secret shown: %s of a row in %s", field.name, table.relation.shown)
        found = await whole_cell(
            table.connection, table.relation, asked.key, field, reveal=asked.reveal
        )
    return answer(found)


async def _copy(request: Request, names: tuple[str, str]) -> Response:
    wanted = await body(request, CopyAsked)
    async with _opened(request, names, _COPY_SECONDS) as table:
        relation = table.relation
        asked = Asked(
            chosen(relation, list(relation.fields) if wanted.columns is None else wanted.columns),
            checked_sort(relation, wanted.sort),
            checked_filter(wanted.filter),
            wanted.q,
            scan=wanted.scan or wanted.keys is not None,
        )
        await conditions.check(table.connection, relation, asked)
        pages = Pages(table.connection, relation, asked)
        await pages.insist()
        found = await copied(table.connection, relation, pages, asked.fields, wanted)
    return answer(found)


async def _references(request: Request, names: tuple[str, str]) -> Response:
    async with _opened(request, names) as table:
        found = await references(table.ground, table.connection, table.relation, _key(request))
    return answer({"references": found})


async def _pick(request: Request, names: tuple[str, str]) -> Response:
    columns = decoded(request.query_params.get("columns", "[]"), "columns", list[str])
    async with _opened(request, names) as table:
        text = request.query_params.get("q", "")
        found = await picks(table.connection, table.relation, columns, text)
    return answer({"columns": columns, "picks": found})


async def _duplicate(request: Request, names: tuple[str, str]) -> Response:
    async with _opened(request, names) as table:
        found = await duplicate(table.connection, table.relation, _key(request))
    return answer(found)


async def _preview(request: Request) -> Response:
    asked = await body(request, Changes)
    ground = ground_of(request)
    async with ground.transaction(name="preview of changes") as connection:
        await settle(connection)
        relations = await prepared(ground, connection, asked.changes)
        statements = [
            shown(relation, change)
            for relation, change in zip(relations, asked.changes, strict=True)
        ]
        deletes = await _consequences(ground, connection, relations, asked.changes)
    sql = "\n".join(["BEGIN;", *statements, "COMMIT;", ""])
    return answer({"sql": sql, "statements": statements, "deletes": deletes})


async def _consequences(
    ground: Ground,
    connection: asyncpg.Connection,
    relations: list[Relation],
    changes: list[Change],
) -> list[dict[str, Any]]:
    """Follow every delete, for some seconds; what was not followed by then says so."""
    until = time.monotonic() + _FOLLOW_SECONDS
    gone: set[Spot] = set()
    deletes: list[dict[str, Any]] = []
    for number, (relation, change) in enumerate(zip(relations, changes, strict=True)):
        if isinstance(change, Delete):
            found = Consequences(more=True)
            if time.monotonic() < until:
                found = await follow(ground, connection, relation, change.key, gone)
            deletes.append(found.document(number, gone))
    return deletes


async def _apply(request: Request) -> Response:
    ground = ground_of(request)
    ground.insist_on_write()
    asked = await body(request, Changes)
    async with ground.transaction(write=True, name="changes") as connection:
        await settle(connection)
        relations = await prepared(ground, connection, asked.changes)
        keys = await apply(connection, relations, asked.changes)
    return answer({"applied": len(keys), "keys": keys})


_Handler = Callable[[Request, tuple[str, str]], Awaitable[Response]]
_HANDLERS: dict[tuple[str, str], _Handler] = {
    ("GET", ""): _table,
    ("GET", "rows"): _rows,
    ("GET", "count"): _count,
    ("GET", "cell"): _cell,
    ("POST", "cell"): _reveal,
    ("POST", "copy"): _copy,
    ("GET", "references"): _references,
    ("GET", "pick"): _pick,
    ("GET", "duplicate"): _duplicate,
}


async def _of_table(request: Request) -> Response:
    """Answer for `/tables/{schema}/{table}/{what}`; each name is one segment, slashes in it as %2F."""
    segments = _segments(request)
    handler = None
    if len(segments) in (2, 3):
        handler = _HANDLERS.get((request.method, "".join(segments[2:])))
    if handler is None:
        raise NoSuchThingError("The row browser has no such address.")
    return await handler(request, (segments[0], segments[1]))


def _segments(request: Request) -> list[str]:
    """Cut the address where its slashes stood before they were decoded."""
    rest: str = request.path_params["rest"]
    raw = request.scope.get("raw_path")
    if isinstance(raw, bytes):
        parts = raw.partition(b"?")[0].decode("ascii", "replace").split("/")
        for at in range(len(parts)):
            if unquote("/".join(parts[at:])) == rest:
                return [unquote(part) for part in parts[at:]]
    return rest.split("/")


@asynccontextmanager
async def _opened(
    request: Request, names: tuple[str, str], seconds: float = STATEMENT_SECONDS
) -> AsyncGenerator[Table]:
    ground = ground_of(request)
    told = f"rows of {names[0][:63]}.{names[1][:63]}"
    async with ground.transaction(seconds=seconds, name=told) as connection:
        await settle(connection)
        relation = await relation_of(ground, connection, *names)
        yield Table(ground, connection, relation)


def _key(request: Request) -> list[str]:
    text = request.query_params.get("key")
    if text is None:
        raise InvalidInputError("The address names no row.", field="key")
    key: list[str] = decoded(text, "key", list[str])
    return key


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)


ROUTES: tuple[Route, ...] = (
    Route("/tables", _tables),
    Route("/changes/preview", _preview, methods=["POST"]),
    Route("/changes/apply", _apply, methods=["POST"]),
    Route("/tables/{rest:path}", _of_table, methods=["GET", "POST"]),
)
