"""Which rows a reference leads to, as conditions of SQL, and in which order rows can go.

Where a chain of foreign keys carries the person's id along, as from `users.id` over
`chat.user_id` to `message.user_id`, the condition is that column; an index begins with it. Where
none does, the rows are looked up through the table that they refer to.
"""

from collections.abc import Iterator

from chatkeep.errors import PersonalDataError
from chatkeep.kit.plan.quoting import ident
from chatkeep.personal.catalog import Table
from chatkeep.personal.person import EMAILS, ID, is_text, mentions, text_of
from chatkeep.personal.references import Reference, Registry


class Reach:
    """Conditions for the rows that lead to a person; a statement with one goes through `bind`.

    Raises:
        PersonalDataError: Foreign keys that delete each other's rows form a circle.
    """

    def __init__(self, registry: Registry) -> None:
        """Work out through which columns the person's id is carried."""
        self._registry = registry
        self._carried = _carried(registry)
        for table in registry.owned:
            self.owned(table, "t")

    def owned(self, table: Table, alias: str) -> str:
        """Give the condition for rows of a table that are the person's; `false` for none."""
        return self._owned(table, alias, ())

    def matches(self, reference: Reference, alias: str) -> str:
        """Give the condition for rows whose reference leads to the person."""
        return self._edge(reference, alias, ())

    def others(self, reference: Reference, alias: str) -> str:
        """Give the condition for rows of somebody else whose reference leads to the person."""
        own = self.owned(reference.table, alias)
        return f"{self.matches(reference, alias)} and ({own}) is not true"

    def changed(self, reference: Reference, alias: str) -> str:
        """Give the condition for rows that anonymising a reference changes.

        Those of others; and the person's own where PostgreSQL would let neither row go before the
        other.
        """
        key = reference.key
        if key is not None and key.on_delete in ("no action", "restrict"):
            return self.matches(reference, alias)
        return self.others(reference, alias)

    def order(self) -> list[Table]:
        """Give the tables of the person's rows, those that refer before those referred to."""
        left, done = self._registry.owned, list[Table]()
        emptied = [each.key for each in self._registry.references if not each.deletes]
        while left:
            parents = {
                key.parent
                for table in left
                for key in table.keys
                if key.parent != table.oid and key not in emptied
            }
            free = [table for table in left if table.oid not in parents]
            done += free or left  # a circle: PostgreSQL's own rules have to do
            left = [table for table in left if table not in done]
        return done

    def _owned(self, table: Table, alias: str, above: tuple[int, ...]) -> str:
        edges = [each for each in self._registry.of(table) if each.deletes]
        carried = sorted(self._carried.get(table.oid, ()))
        if carried:
            return _is_id(table, carried[0], alias)
        if table.oid in above:
            raise PersonalDataError(
                f"Foreign keys that delete each other's rows lead from {table.shown} back to it.",
                hint="Say what becomes of one of them in `personal` of the schema's class.",
            )
        loops = [each for each in edges if each.parent is table]
        plain = [self._edge(each, alias, above) for each in edges if each not in loops]
        whole = " or ".join(dict.fromkeys(plain)) or "false"
        return self._looped(table, loops, alias, above) if loops else whole

    def _edge(self, reference: Reference, alias: str, above: tuple[int, ...]) -> str:
        table = reference.table
        match reference.holds:
            case "id":
                return _is_id(table, reference.columns[0], alias)
            case "email":
                column = text_of(table.columns[reference.columns[0]], alias)
                return f"lower({column}) = any({EMAILS})"
            case "text":
                found = (text_of(table.columns[name], alias) for name in reference.columns)
                return "(" + " or ".join(mentions(text) for text in found) + ")"
            case "row":
                return self._row(reference, alias, (*above, table.oid))

    def _row(self, reference: Reference, alias: str, above: tuple[int, ...]) -> str:
        parent, key = reference.parent, reference.key
        assert parent is not None  # noqa: S101 - `row` has both
        assert key is not None  # noqa: S101 - the same
        carried = self._carried.get(parent.oid, frozenset())
        for name, other in zip(key.columns, key.parent_columns, strict=True):
            if other in carried:
                return _is_id(reference.table, name, alias)
        within = f"p{len(above)}"
        own, others = _names(key.columns, alias), _names(key.parent_columns, within)
        where = self._owned(parent, within, above)
        return f"({own}) in (select {others} from {parent.sql} {within} where {where})"  # noqa: S608 - names of the catalog

    def _looped(
        self, table: Table, loops: list[Reference], alias: str, above: tuple[int, ...]
    ) -> str:
        """Follow a key from a table to itself down to the last row."""
        plain = [
            self._edge(each, "b", above)
            for each in self._registry.of(table)
            if each.deletes and each not in loops
        ]
        keys = [each.key for each in loops if each.key is not None]
        needed = sorted({name for key in keys for name in key.parent_columns})
        columns = ", ".join(["{0}.tableoid", "{0}.ctid", *(f"{{0}}.{ident(n)}" for n in needed)])
        steps = " or ".join(
            f"({_names(key.columns, 'x')}) = ({_names(key.parent_columns, 'r')})" for key in keys
        )
        names = ", ".join(["t", "c", *(ident(name) for name in needed)])
        return (
            f"({alias}.tableoid, {alias}.ctid) in (with recursive r({names}) as ("  # noqa: S608 - names of the catalog
            f"select {columns.format('b')} from {table.sql} b where {' or '.join(plain) or 'false'}"
            f" union select {columns.format('x')} from {table.sql} x join r on {steps})"
            " select r.t, r.c from r)"
        )


def _carried(registry: Registry) -> dict[int, frozenset[str]]:
    """Give, by table, the columns that hold the person's id in each of the person's rows."""
    found = {table.oid: frozenset(table.columns) for table in registry.owned}
    changed = True
    while changed:
        before = dict(found)
        for reference in registry.references:
            if reference.deletes:
                found[reference.table.oid] &= frozenset(_carries(reference, found))
        changed = found != before
    return found


def _carries(reference: Reference, found: dict[int, frozenset[str]]) -> Iterator[str]:
    if reference.holds == "id":
        yield reference.columns[0]
    elif reference.parent is not None and reference.key is not None:
        carried = found[reference.parent.oid]
        pairs = zip(reference.key.columns, reference.key.parent_columns, strict=True)
        yield from (name for name, other in pairs if other in carried)


def _is_id(table: Table, name: str, alias: str) -> str:
    column = table.columns[name]
    value = ID if is_text(column) else f"{ID}::{column.type}"
    return f"{alias}.{ident(name)} = {value}"


def _names(columns: tuple[str, ...], alias: str) -> str:
    return ", ".join(f"{alias}.{ident(name)}" for name in columns)
