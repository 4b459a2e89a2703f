"""Addresses of the SQL console."""

from starlette.routing import Route

ROUTES: tuple[Route, ...] = ()
