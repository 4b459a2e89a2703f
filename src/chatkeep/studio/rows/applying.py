"""Carrying staged changes out: all in one transaction, none where a row is not what was seen."""

import asyncpg

from chatkeep.studio.ground import Ground, refused
from chatkeep.studio.refusing import ChangedMeanwhileError, StudioError, TooMuchError
from chatkeep.studio.rows.binding import Binder, fit, fit_key, key_of
from chatkeep.studio.rows.catalog import Relation, relation_of
from chatkeep.studio.rows.changes import (
    MOST_CHANGES,
    Change,
    Delete,
    Digest,
    Insert,
    Seen,
    bound,
    check,
    given_of,
)


class KeptAsItWasError(StudioError):
    """A trigger or rule of the database did not let a row be changed; nothing was stored."""

    code = "kept_as_it_was"
    status = 409


async def prepared(
    ground: Ground, connection: asyncpg.Connection, changes: list[Change]
) -> list[Relation]:
    """Check every change before the first one runs; give their tables.

    Raises:
        TooMuchError: There are more than 1,000.
        InvalidInputError: One cannot be done, or a value does not fit its column.
        NoSuchThingError: A table or column is not there.
    """
    if len(changes) > MOST_CHANGES:
        raise TooMuchError(f"At most {MOST_CHANGES:,} changes are stored at once.")
    relations: list[Relation] = []
    for change in changes:
        relation = await relation_of(ground, connection, change.schema, change.table)
        check(relation, change)
        for name, value in given_of(change).items():
            if isinstance(value, str):
                field = relation.field(name)
                await fit(connection, field, field.cast, value)
        if not isinstance(change, Insert):
            await fit_key(connection, relation, change.key)
        relations.append(relation)
    return relations


async def apply(
    connection: asyncpg.Connection, relations: list[Relation], changes: list[Change]
) -> list[list[str] | None]:
    """Carry changes out in their order; give each row's key afterwards, None for deleted ones.

    Args:
        connection: Inside a transaction, settled: it stores all or nothing.
        relations: What `prepared` gave.
        changes: What it was given.

    Raises:
        ChangedMeanwhileError: A row is gone, or a cell is not what was seen.
        KeptAsItWasError: A trigger kept a row as it was.
        ConstraintError: A row breaks a constraint.
        InvalidInputError: A value is too long, or refused by a domain.
    """
    keys: list[list[str] | None] = []
    for number, (relation, change) in enumerate(zip(relations, changes, strict=True), 1):
        name = f"change {number} of {len(changes)}, in {relation.shown}"
        try:
            keys.append(await _apply_one(connection, relation, change, name))
        except asyncpg.PostgresError as exc:
            raise refused(exc, name) from exc
    try:
        await connection.execute("set constraints all immediate")
    except asyncpg.PostgresError as exc:
        raise refused(exc, "the changes together") from exc
    return keys


async def _apply_one(
    connection: asyncpg.Connection, relation: Relation, change: Change, name: str
) -> list[str] | None:
    if not isinstance(change, Insert):
        await _insist_on_seen(connection, relation, change.key, change.old)
    bind = Binder()
    row = await connection.fetchrow(bound(relation, change, bind), *bind.values)
    if row is None:
        raise KeptAsItWasError(
            f"{name}: a trigger or policy of the database kept the row as it was. "
            "Nothing was stored."
        )
    return None if isinstance(change, Delete) or relation.key is None else list(row)


async def _insist_on_seen(
    connection: asyncpg.Connection, relation: Relation, key: list[str], old: dict[str, Seen]
) -> None:
    """Lock the row and compare it with what was seen of it."""
    bind = Binder()
    compared = ["true"]
    for name, seen in old.items():
        text = f"{relation.field(name).sql}::text"
        if isinstance(seen, Digest):
            compared.append(f"md5({text}) is not distinct from {bind(seen.md5)}::text")
        else:
            compared.append(f"{text} is not distinct from {bind(seen)}::text")
    found = key_of(relation, key, bind)
    statement = f"select {', '.join(compared)} from {relation.sql} where {found} for update"  # noqa: S608 - quoted names
    row = await connection.fetchrow(statement, *bind.values)
    told = ", ".join(
        f"{name} {value[:80]}" for name, value in zip(relation.key or (), key, strict=True)
    )
    if row is None:
        raise ChangedMeanwhileError(
            f"The row of {relation.shown} with {told} is gone, or has another key by now. "
            "Nothing was stored.",
            hint="Load the rows again; other changes can be kept.",
        )
    changed = [name for name, same in zip(old, row[1:], strict=True) if not same]
    if changed:
        raise ChangedMeanwhileError(
            f"The row of {relation.shown} with {told} was changed meanwhile by somebody else: "
            f"{', '.join(changed)}. Nothing was stored.",
            hint="Load the row again and look at what stands there now.",
        )
