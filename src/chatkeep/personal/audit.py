"""The audit: who exported, erased or swept what, in a table to which rows are only added.

It stands in the database schema `chatkeep`, which migrations pass over, and is made when it is
first written to. It never holds a person's id or e-mail: of the id it keeps the SHA-256, so that
who knows the id can find its rows, and nobody else learns it from them.
"""

import datetime as dt
import getpass
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

import asyncpg

from chatkeep.errors import PersonalDataError
from chatkeep.kit.applying.lock import BOOKS
from chatkeep.kit.connection import connect

_THERE = "select pg_catalog.to_regclass('chatkeep.audit') is not null"
_SCHEMA_THERE = "select pg_catalog.to_regnamespace('chatkeep') is not null"
_SCHEMA = "create schema if not exists chatkeep"
# Statement triggers also stop what would touch no row, and ALWAYS holds while a session says
# session_replication_role = replica. Who owns the table can still take them away.
_TABLE = """
create table if not exists chatkeep.audit (
    id bigint generated always as identity primary key,
    at timestamp with time zone not null default clock_timestamp(),
    actor text not null,
    action text not null,
    subject text,
    detail jsonb not null,
    version text not null
);
create or replace function chatkeep.refuse_audit_change() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
    raise exception 'rows of chatkeep.audit are only added' using errcode = 'restrict_violation';
end
$$;
create or replace trigger append_only before update or delete or truncate on chatkeep.audit
for each statement execute function chatkeep.refuse_audit_change();
alter table chatkeep.audit enable always trigger append_only
"""
_INSERT = """
insert into chatkeep.audit (actor, action, subject, detail, version)
values ($1, $2, $3, $4::text::jsonb, $5)
"""
_HISTORY = """
select id, at, actor, action, subject, detail::text from chatkeep.audit
where ($1::text is null or subject = $1) order by id desc limit $2
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the audit.

    Attributes:
        at: When it was written.
        actor: Who did it.
        action: What: `export`, `erase`, `erase-proof`, or what else calls `record`.
        subject: `subject_hash` of the person's id; None where it was about nobody in particular.
        detail: Counts and the like.
    """

    id: int
    at: dt.datetime
    actor: str
    action: str
    subject: str | None
    detail: Mapping[str, object]

    def as_json(self) -> dict[str, object]:
        """Give it as what JSON can hold."""
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "actor": self.actor,
            "action": self.action,
            "subject": self.subject,
            "detail": dict(self.detail),
        }


def actor_name(given: str | None = None) -> str:
    """Give who acts: the name given, else the user of the operating system."""
    if given:
        return given
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may run under a number without a name
        return f"uid {os.getuid()}"


def subject_hash(subject_id: str) -> str:
    """Give what the audit keeps of a person's id: 64 hexadecimal digits."""
    return hashlib.sha256(subject_id.encode()).hexdigest()


async def record(
    connection: asyncpg.Connection,
    *,
    actor: str,
    action: str,
    subject_id: str | None = None,
    detail: Mapping[str, object],
) -> None:
    """Add a row, in the transaction that the connection is in; without one, by itself.

    The table is made where it is missing, in the same transaction; whoever else makes it at that
    moment waits for its end.

    Args:
        connection: Of a role that may write to `chatkeep.audit`, or make it.
        actor: See `actor_name`. The caller sees to it that it is not the subject's id or e-mail.
        action: One word, such as `erase` or `sweep`.
        subject_id: Whom it was about; only its hash is stored.
        detail: What JSON can hold; never a person's id, e-mail or text.

    Raises:
        PersonalDataError: The role may neither write to the table nor make it.
    """
    text = json.dumps(dict(detail), ensure_ascii=False)
    subject = None if subject_id is None else subject_hash(subject_id)
    version = metadata.version("chatkeep")
    try:
        async with connection.transaction():
            await _prepare(connection)
            await connection.execute(_INSERT, actor, action, subject, text, version)
    except asyncpg.InsufficientPrivilegeError as exc:
        raise PersonalDataError(
            "This role may not write to chatkeep.audit, where it is noted who did what.",
            hint="Connect as the owner of the tables, or grant it CREATE on the database and, "
            "where the table is there, USAGE on schema chatkeep and INSERT on chatkeep.audit.",
        ) from exc


async def read_history(url: str, *, subject_id: str | None = None, limit: int = 100) -> list[Entry]:
    """Connect, and give what `history` does.

    Raises:
        ConnectionFailedError: The server cannot be reached, or the connection broke.
        PersonalDataError: The role may not read it.
    """
    async with connect(url, name="chatkeep audit") as connection:
        return await history(connection, subject_id=subject_id, limit=limit)


async def history(
    connection: asyncpg.Connection, *, subject_id: str | None = None, limit: int = 100
) -> list[Entry]:
    """Give the newest rows, newest first; none where nothing was ever noted.

    Args:
        connection: Of a role that may read `chatkeep.audit`.
        subject_id: Only those about this person.
        limit: At most so many.

    Raises:
        PersonalDataError: The role may not read it.
    """
    subject = None if subject_id is None else subject_hash(subject_id)
    try:
        if not await connection.fetchval(_THERE):
            return []
        rows = await connection.fetch(_HISTORY, subject, limit)
    except asyncpg.InsufficientPrivilegeError as exc:
        raise PersonalDataError(
            "This role may not read chatkeep.audit.",
            hint="Grant it USAGE on schema chatkeep and SELECT on chatkeep.audit.",
        ) from exc
    return [Entry(*tuple(row)[:5], detail=json.loads(row[5])) for row in rows]


async def _prepare(connection: asyncpg.Connection) -> None:
    if await connection.fetchval(_THERE):
        return
    # The kit makes the same schema for its ledger under the same lock.
    await connection.execute(BOOKS.call("pg_advisory_xact_lock"))
    if not await connection.fetchval(_SCHEMA_THERE):  # IF NOT EXISTS asks for CREATE all the same
        await connection.execute(_SCHEMA)
    await connection.execute(_TABLE)
