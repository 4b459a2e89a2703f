"""Addresses of people, their chats, transcripts, search."""

from starlette.routing import Route

from chatkeep.studio.conversations import people, searching, transcripts

# Ids are any text, such as `auth/1`: a slash that was sent as %2F is one by now.
ROUTES: tuple[Route, ...] = (
    Route("/people", people.people),
    Route("/people/{id:path}/chats", people.chats),
    Route("/people/{id:path}", people.person),
    Route("/chats/{id:path}/messages", transcripts.messages),
    Route("/chats/{id:path}", transcripts.chat),
    Route("/search", searching.search),
    Route("/search/plan", searching.plan),
)
