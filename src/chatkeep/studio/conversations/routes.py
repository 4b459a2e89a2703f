"""Addresses of people, their chats, transcripts, search."""

from starlette.routing import Route

from chatkeep.studio.conversations import people, searching, transcripts

ROUTES: tuple[Route, ...] = (
    Route("/people", people.people),
    Route("/people/{id}/chats", people.chats),
    Route("/people/{id}", people.person),
    Route("/chats/{id}", transcripts.chat),
    Route("/chats/{id}/messages", transcripts.messages),
    Route("/search", searching.search),
    Route("/search/plan", searching.plan),
)
