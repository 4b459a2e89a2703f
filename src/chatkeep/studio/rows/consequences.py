"""What deleting a row would bring with it, by the foreign keys, without deleting anything."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from chatkeep.studio.ground import Ground
from chatkeep.studio.rows.binding import Binder, key_of
from chatkeep.studio.rows.catalog import ForeignKey, Relation, relation_of

MOST_ROWS = 10_000
"""Rows that are followed from one deleted row."""

Spot = tuple[int, str]  # a row's place: which table's file, and where in it


@dataclass(slots=True)
class Consequences:
    """What goes with a row.

    Attributes:
        deleted: Places of rows that go, by the table and foreign key.
        touched: Places of rows that are set to something, or stand in the way.
        more: There were more rows than are followed.
    """

    deleted: dict[tuple[tuple[str, str], str], set[Spot]] = field(
        default_factory=lambda: defaultdict[tuple[tuple[str, str], str], set[Spot]](set)
    )
    touched: dict[tuple[tuple[str, str], str, str], set[Spot]] = field(
        default_factory=lambda: defaultdict[tuple[tuple[str, str], str, str], set[Spot]](set)
    )
    more: bool = False

    def document(self, number: int, gone: set[Spot]) -> dict[str, Any]:
        """Give it as JSON.

        Args:
            number: Which change it is.
            gone: Rows that go by now, those of changes before included.
        """
        effects = [
            self._effect(table, by, "deleted", len(rows))
            for (table, by), rows in self.deleted.items()
        ]
        for (table, by, does), rows in self.touched.items():
            left = rows if does == "restrict" else rows - gone
            if left:
                told = "refused" if does in ("restrict", "no action") else does
                effects.append(self._effect(table, by, told, len(left)))
        refused = any(each["does"] == "refused" for each in effects)
        return {"change": number, "effects": effects, "refused": refused, "more": self.more}

    def _effect(self, table: tuple[str, str], by: str, does: str, rows: int) -> dict[str, Any]:
        return {
            "schema": table[0],
            "table": table[1],
            "does": does,
            "by": by,
            "rows": rows,
            "more": self.more,
        }


async def follow(
    ground: Ground,
    connection: asyncpg.Connection,
    relation: Relation,
    key: list[str],
    gone: set[Spot],
) -> Consequences:
    """Follow the foreign keys from a row that is to be deleted.

    Args:
        ground: The studio's.
        connection: Inside a transaction, settled.
        relation: The row's table.
        key: The row's key.
        gone: Rows that go by then; those that go with this one are added.
    """
    found = Consequences()
    bind = Binder()
    condition = key_of(relation, key, bind, "c.")
    rows = await connection.fetch(_select(relation, f"where {condition}"), *bind.values)
    queue: list[tuple[Relation, list[asyncpg.Record]]] = [(relation, rows)]
    gone.update((row[0], row[1]) for row in rows)
    followed = 0
    while queue and not found.more:
        parent, rows = queue.pop(0)
        for each in parent.into:
            child = await relation_of(ground, connection, *each.child)
            referring = await _referring(connection, parent, child, each, rows)
            followed += len(referring)
            found.more = followed > MOST_ROWS
            new = [row for row in referring if (row[0], row[1]) not in gone]
            spots = {(row[0], row[1]) for row in new}
            if not new:
                continue
            if each.on_delete == "cascade":
                found.deleted[each.child, each.name] |= spots
                gone |= spots
                queue.append((child, new))
            else:
                found.touched[each.child, each.name, _done(child, each)] |= spots
    return found


def _done(child: Relation, key: ForeignKey) -> str:
    """Say what becomes of a row that refers to a deleted one; NULL is refused where it may not be."""
    if key.on_delete == "set null" and not all(child.fields[c].nullable for c in key.columns):
        return "restrict"
    return key.on_delete


def _referred(relation: Relation) -> list[str]:
    """Give the columns that others refer to."""
    return list(dict.fromkeys(name for each in relation.into for name in each.others))


def _select(relation: Relation, rest: str) -> str:
    texts = "".join(f", c.{relation.fields[name].sql}::text" for name in _referred(relation))
    return f"select c.tableoid::int8, c.ctid::text{texts} from {relation.sql} c {rest}"  # noqa: S608 - quoted names


async def _referring(
    connection: asyncpg.Connection,
    parent: Relation,
    child: Relation,
    key: ForeignKey,
    rows: list[asyncpg.Record],
) -> list[asyncpg.Record]:
    names = _referred(parent)
    places = [2 + names.index(name) for name in key.others]
    values = {tuple(row[at] for at in places) for row in rows}
    whole = [each for each in values if None not in each]
    if not whole:
        return []
    lists = ", ".join(f"${n + 1}::text[]" for n in range(len(places)))
    heads = ", ".join(f"v{n}" for n in range(len(places)))
    equal = " and ".join(
        f"c.{child.fields[name].sql} = v.v{n}::{child.fields[name].compare}"
        for n, name in enumerate(key.columns)
    )
    rest = f"join unnest({lists}) v({heads}) on {equal} limit {MOST_ROWS + 1}"
    return await connection.fetch(
        _select(child, rest), *[list(each) for each in zip(*whole, strict=True)]
    )
