"""The statements that erase a person, in an order in which no foreign key is in the way."""

from collections.abc import Iterator
from dataclasses import dataclass

from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.personal.catalog import Table
from chatkeep.personal.erasure_report import Step
from chatkeep.personal.reach import Reach
from chatkeep.personal.references import Reference, Registry, emptied


@dataclass(frozen=True, slots=True)
class Work:
    """One statement: rows of a table, and what becomes of them.

    Attributes:
        references: What leads to the rows; all of one rule.
        where: The condition of the rows, of `t`.
    """

    table: Table
    references: tuple[Reference, ...]
    where: str

    def counting(self) -> str:
        """Give the statement that counts the rows."""
        return f"select count(*) from {self.table.sql} t where {self.where}"  # noqa: S608 - names of the catalog

    def doing(self) -> str | None:
        """Give the statement that does it; None where the rows are kept."""
        reference = self.references[0]
        match reference.does:
            case "delete":
                return f"delete from {self.table.sql} t where {self.where}"  # noqa: S608 - names of the catalog
            case "anonymise":
                settings = ", ".join(_settings(reference))
                return f"update {self.table.sql} t set {settings} where {self.where}"  # noqa: S608 - the same
            case _:
                return None

    def told(self, rows: int) -> Step:
        """Give what the report says of it."""
        rule = self.references[0].rule
        return Step(
            table=self.table.shown,
            rule=self.references[0].does or "",
            why=tuple(each.shown_source for each in self.references),
            reason=rule.reason if rule is not None else "",
            rows=rows,
        )


def plan(registry: Registry, reach: Reach) -> list[Work]:
    """Give the statements: first what is anonymised, then what goes, last what stays."""
    work = [
        Work(each.table, (each,), reach.changed(each, "t"))
        for each in registry.references
        if each.does == "anonymise"
    ]
    for table in reach.order():
        own = tuple(each for each in registry.of(table) if each.deletes)
        work.append(Work(table, own, reach.owned(table, "t")))
    work += [
        Work(each.table, (each,), reach.others(each, "t"))
        for each in registry.references
        if each.does == "keep"
    ]
    return work


def locking(registry: Registry, reach: Reach) -> list[str]:
    """Give what locks the person's row, then the rows next to it that others refer to.

    In this order everybody who adds to them comes by: a chat before its messages. Who adds rows
    waits from then on, and finds nothing to add them to.
    """
    referred = {key.parent for table in registry.owned for key in table.keys}
    users = registry.users
    next_to = [
        table
        for table in registry.owned
        if table is not users
        and table.oid in referred
        and any(key.parent == users.oid for key in table.keys)
    ]
    return [
        f"select 1 from {table.sql} t where {reach.owned(table, 't')} for update"  # noqa: S608 - names of the catalog
        for table in (users, *next_to)
    ]


def _settings(reference: Reference) -> Iterator[str]:
    rule, key, table = reference.rule, reference.key, reference.table
    to = rule.to if rule is not None else None
    if to is not None:
        (name,) = reference.columns
        yield f"{ident(name)} = {literal(to)}::{table.columns[name].type}"
        return
    if key is not None and key.on_delete == "set default":
        yield from (f"{ident(name)} = default" for name in reference.columns)
        return
    yield from (f"{ident(name)} = null" for name in emptied(table, reference.columns))
