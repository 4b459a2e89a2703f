"""Addresses of tables, constraints, indexes and how they hang together."""

from starlette.routing import Route

ROUTES: tuple[Route, ...] = ()
