"""The studio: the database, the conversations and the migrations in a browser.

    app.mount("/studio", studio(db))     # behind the application's own sign-in

`chatkeep studio` serves the same on a port of its own. The pages are static files in `static/`, made
from `front/` of the repository; what they ask for is the JSON under `/api/`.
"""

from chatkeep.errors import ConfigError

try:
    from chatkeep.studio.app import studio
except ImportError as exc:
    if (exc.name or "").startswith("chatkeep"):
        raise
    raise ConfigError(
        f"The studio needs {exc.name}, which is not installed.",
        hint="pip install 'chatkeep[studio]'",
    ) from exc

__all__ = ["studio"]
