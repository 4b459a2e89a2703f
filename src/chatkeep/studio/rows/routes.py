"""Addresses of the row browser: tables, rows, edits."""

from starlette.routing import Route

ROUTES: tuple[Route, ...] = ()
