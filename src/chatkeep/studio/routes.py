"""Every address of the JSON API. A screen has a room of its own and gives its routes here."""

from starlette.routing import Route

from chatkeep.studio import overview
from chatkeep.studio.console.routes import ROUTES as CONSOLE
from chatkeep.studio.conversations.routes import ROUTES as CONVERSATIONS
from chatkeep.studio.figures.routes import ROUTES as FIGURES
from chatkeep.studio.migrations.routes import ROUTES as MIGRATIONS
from chatkeep.studio.rows.routes import ROUTES as ROWS
from chatkeep.studio.structure.routes import ROUTES as STRUCTURE

API: tuple[Route, ...] = (
    *overview.ROUTES,
    *ROWS,
    *CONSOLE,
    *STRUCTURE,
    *MIGRATIONS,
    *CONVERSATIONS,
    *FIGURES,
)
