"""Rows that only quote a person: anybody may have written them, so no export gives them away."""

from dataclasses import replace

import asyncpg

from chatkeep.personal.person import Person, is_text
from chatkeep.personal.reach import Reach
from chatkeep.personal.references import Reference, Registry


def without_quotes(registry: Registry) -> Registry:
    """Leave of columns that may mention a person what is their e-mail and nothing else.

    What is an id and nothing else may be a word that anybody looked for.
    """
    found: list[Reference] = []
    for each in registry.references:
        if each.holds != "text":
            found.append(each)
            continue
        columns = [name for name in each.columns if is_text(each.table.columns[name])]
        found += [replace(each, columns=(name,), holds="email") for name in columns]
    return replace(registry, references=found)


async def count_quotes(
    connection: asyncpg.Connection, registry: Registry, person: Person
) -> dict[str, int]:
    """Count, by table, the rows that a quote alone leads to, and those that hang below them."""
    strict = without_quotes(registry)
    reach, strict_reach = Reach(registry), Reach(strict)
    found: dict[str, int] = {}
    for table in {each.table.oid: each.table for each in registry.references}.values():
        every = [reach.matches(each, "t") for each in registry.of(table)]
        own = [strict_reach.matches(each, "t") for each in strict.of(table)]
        if every == own:
            continue
        sql = (
            f"select count(*) from {table.sql} t where ({' or '.join(every)})"  # noqa: S608 - names of the catalog
            f" and ({' or '.join(own) or 'false'}) is not true"
        )
        bound, arguments = person.bind(sql)
        if count := await connection.fetchval(bound, *arguments):
            found[table.shown] = count
    return found
