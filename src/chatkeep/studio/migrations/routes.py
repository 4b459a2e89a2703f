"""Addresses of the migrations folder against the database."""

from starlette.routing import Route

ROUTES: tuple[Route, ...] = ()
