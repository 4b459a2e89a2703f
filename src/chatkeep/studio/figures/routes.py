"""Addresses of usage, cache, statements, sessions, personal data."""

from starlette.routing import Route

from chatkeep.studio.figures import numbers, people

ROUTES: tuple[Route, ...] = (
    Route("/figures/parts", numbers.parts),
    Route("/figures/usage", numbers.usage),
    Route("/figures/activity", numbers.activity),
    Route("/figures/cache", numbers.cache),
    Route("/figures/cache/expiring", numbers.expiring),
    Route("/figures/statements", numbers.statements),
    Route("/figures/running", numbers.running),
    Route("/figures/sessions", people.sessions),
    Route("/figures/sessions/revoke", people.revoke, methods=["POST"]),
    Route("/figures/sessions/revoke-all", people.revoke_all, methods=["POST"]),
    Route("/figures/personal", people.personal),
    Route("/figures/personal/proof", people.proof),
    Route("/figures/personal/export", people.export, methods=["POST"]),
)
