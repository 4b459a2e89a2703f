"""Addresses of people, their chats, transcripts, search."""

from starlette.routing import Route

ROUTES: tuple[Route, ...] = ()
