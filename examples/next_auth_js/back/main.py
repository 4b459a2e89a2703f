"""Routes that know who is calling by the cookie that Auth.js set.

    uvicorn back.main:app --port 8000

DATABASE_URL is that of the front, and AUTH_SECRET where sessions are JWTs. FRONT_ORIGIN is where
browsers see the front.
"""

import os
from typing import Annotated

from fastapi import Depends, FastAPI, status

from back.schema import schema
from chatkeep import Chat, Database, Message, NewChat, NewMessage, Page, User
from chatkeep.integrations.fastapi import (
    OriginCheck,
    UserScope,
    chatkeep_lifespan,
    current_scope,
    current_user,
    install_error_handlers,
)

same_origin = OriginCheck(os.environ.get("FRONT_ORIGIN", "http://localhost:3000"))
app = FastAPI(lifespan=chatkeep_lifespan(Database(schema)), dependencies=[Depends(same_origin)])
install_error_handlers(app)

Me = Annotated[User, Depends(current_user)]
Mine = Annotated[UserScope, Depends(current_scope)]


@app.get("/api/py/me")
async def me(user: Me) -> User:
    return user


@app.get("/api/py/chats")
async def chats(mine: Mine, after: str | None = None) -> Page[Chat]:
    return await mine.chats.list(after=after)


@app.post("/api/py/chats", status_code=status.HTTP_201_CREATED)
async def new_chat(mine: Mine, new: NewChat) -> Chat:
    return await mine.chats.create(new)


@app.get("/api/py/chats/{chat_id}/messages")
async def messages(mine: Mine, chat_id: str, before: str | None = None) -> Page[Message]:
    return await mine.messages.list(chat_id, before=before)


@app.post("/api/py/chats/{chat_id}/messages", status_code=status.HTTP_201_CREATED)
async def new_message(mine: Mine, chat_id: str, new: NewMessage) -> Message:
    (message,) = await mine.messages.append(chat_id, new)
    return message
