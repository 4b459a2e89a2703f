"""One process that serves the message table: chatkeep's studio, starlette-admin or sqladmin.

    python studio_peers.py chatkeep|starlette-admin|sqladmin URL PORT

The peers are set up as their documentation shows, on the same table, with the columns that the list
shows by default and 100 rows a page.
"""

import asyncio
import sys
from typing import Any

import uvicorn

P = "b_"


def chatkeep(url: str) -> Any:
    """Ours, mounted as an application would."""
    from chatkeep import Database
    from chatkeep.presets import deepsearch
    from chatkeep.studio import studio

    return studio(Database(deepsearch.schema(prefix=P), url))


def _model() -> Any:
    from sqlalchemy import BigInteger, DateTime, Text
    from sqlalchemy.dialects.postgresql import JSONB
    from sqlalchemy.orm import DeclarativeBase, mapped_column

    class Base(DeclarativeBase):
        pass

    class Message(Base):
        __tablename__ = f"{P}message"
        id = mapped_column(Text, primary_key=True)
        seq = mapped_column(BigInteger)
        chat_id = mapped_column(Text)
        user_id = mapped_column(Text)
        role = mapped_column(Text)
        content = mapped_column(Text)
        sources = mapped_column(JSONB)
        meta = mapped_column("metadata", JSONB)
        created_at = mapped_column(DateTime(timezone=True))
        parent_id = mapped_column(Text)
        parts = mapped_column(JSONB)
        status = mapped_column(Text)
        updated_at = mapped_column(DateTime(timezone=True))
        deleted_at = mapped_column(DateTime(timezone=True))

    return Message


def _engine(url: str) -> Any:
    import asyncpg
    from sqlalchemy.ext.asyncio import create_async_engine

    # A URL with a socket's folder is the driver's own, which SQLAlchemy reads otherwise.
    return create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url))


def starlette_admin(url: str) -> Any:
    """Its list is a page of HTML."""
    from starlette.applications import Starlette
    from starlette_admin.contrib.sqla import Admin, ModelView

    class MessageAdmin(ModelView):
        page_size = 100
        searchable_fields = ("content",)

    app = Starlette()
    admin = Admin(_engine(url))
    admin.add_view(MessageAdmin(_model(), key="message"))
    admin.mount_to(app)
    return app


def sqladmin(url: str) -> Any:
    """Its list is a page of HTML."""
    from sqladmin import Admin, ModelView
    from starlette.applications import Starlette

    class MessageAdmin(ModelView, model=_model()):
        column_list = "__all__"
        column_searchable_list = ("content",)
        column_sortable_list = ("id", "created_at")
        column_default_sort = ("id", False)
        page_size = 100
        page_size_options = (100,)
        identity = "message"

    app = Starlette()
    Admin(app, _engine(url)).add_view(MessageAdmin)
    return app


APPS = {"chatkeep": chatkeep, "starlette-admin": starlette_admin, "sqladmin": sqladmin}


async def main() -> None:
    name, url, port = sys.argv[1:]
    app = APPS[name](url)
    config = uvicorn.Config(app, port=int(port), log_level="warning", access_log=False)
    if name != "chatkeep":
        await uvicorn.Server(config).serve()
        return
    async with app.state.ground.database:
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())
