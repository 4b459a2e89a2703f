"""Routes that know who is calling by the cookie that Better Auth set.

    uvicorn back.main:app --port 8000

DATABASE_URL and BETTER_AUTH_SECRET are those of the front. FRONT_ORIGIN is where browsers see the
front.
"""

import os
from typing import Annotated

from fastapi import Body, Depends, FastAPI, HTTPException, status
from sqlalchemy import delete, insert, select

from back.schema import Place, schema
from chatkeep import Database
from chatkeep.ids import new_uuid7
from chatkeep.integrations.fastapi import (
    CallerSession,
    OriginCheck,
    chatkeep_lifespan,
    current_session,
    current_user,
    install_error_handlers,
)
from chatkeep.records.maps import User

db = Database(schema)
same_origin = OriginCheck(os.environ.get("FRONT_ORIGIN", "http://localhost:3000"))
app = FastAPI(lifespan=chatkeep_lifespan(db), dependencies=[Depends(same_origin)])
install_error_handlers(app)

Me = Annotated[User, Depends(current_user)]
Caller = Annotated[CallerSession, Depends(current_session)]
Name = Annotated[str, Body(embed=True, min_length=1, max_length=200)]


@app.get("/api/py/me")
async def me(user: Me) -> User:
    return user


@app.get("/api/py/places")
async def places(caller: Caller) -> list[Place]:
    own = schema.places.c.user_id == caller.user_id
    return await db.all(select(schema.places).where(own).order_by(schema.places.c.id), into=Place)


@app.post("/api/py/places", status_code=status.HTTP_201_CREATED)
async def keep_place(caller: Caller, name: Name) -> Place:
    values = {"id": new_uuid7(), "user_id": caller.user_id, "name": name}
    statement = insert(schema.places).values(values).returning(schema.places)
    return await db.one(statement, into=Place)


@app.delete("/api/py/places/{place_id}", status_code=status.HTTP_204_NO_CONTENT)
async def forget_place(caller: Caller, place_id: str) -> None:
    own = schema.places.c.user_id == caller.user_id
    if not await db.execute(delete(schema.places).where(own, schema.places.c.id == place_id)):
        raise HTTPException(status.HTTP_404_NOT_FOUND)
