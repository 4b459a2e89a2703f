"""Addresses of usage, cache, statements, sessions, personal data."""

from starlette.routing import Route

ROUTES: tuple[Route, ...] = ()
