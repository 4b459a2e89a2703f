"""New columns whose values the rows that are there must get one by one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Key, Kind
from chatkeep.kit.catalog.tables import Column, Default, Sequence
from chatkeep.kit.plan.kinds.sequences import create_sequence
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.safe import forms

_ROOM = 10_000  # numbers left free for rows that come between counting and the column


@dataclass(frozen=True, slots=True)
class Fill:
    """One such column.

    Attributes:
        given: The value, told from the row; None where the default gives it.
    """

    column: Column
    given: str | None
    has_default: bool

    @property
    def default(self) -> Key:
        """The default's key."""
        return Key(Kind.DEFAULT, self.column.path)

    @property
    def is_identity(self) -> bool:
        """Whether the column counts."""
        return self.column.identity is not None

    @property
    def counters(self) -> tuple[Key, ...]:
        """The sequences of an identity."""
        identity = self.column.identity
        if identity is None:
            return ()
        names = (identity.sequence, forms.aside(identity.sequence, "fill"))
        return tuple(Key(Kind.SEQUENCE, (self.column.schema, name)) for name in names)

    @property
    def _table(self) -> tuple[str, str]:
        return self.column.schema, self.column.table

    @property
    def _filler(self) -> str:
        identity = self.column.identity
        return ident(self.column.schema, forms.aside(identity.sequence if identity else "", "fill"))

    def first(self) -> Column:
        """Give the column as it is added: a moment's work."""
        return replace(self.column, not_null=False, identity=None)

    def number(self) -> list[str]:
        """Give the counters of an identity: one for new rows, one for those that are there."""
        identity = self.column.identity
        if identity is None:
            return []
        options, name = identity.options, ident(self.column.schema, identity.sequence)
        sequence = Sequence(self.column.schema, identity.sequence, options, False)
        bound = options.maximum if options.increment > 0 else options.minimum
        limit = "least" if options.increment > 0 else "greatest"
        steps = f"(count(*) + count(*) / 4 + {_ROOM})::numeric * {options.increment}"
        start = f"{limit}({options.start} + {steps}, {bound})::bigint"
        count = f"SELECT setval({literal(name)}::regclass, {start}) FROM {ident(*self._table)}"  # noqa: S608 - names are quoted
        words = f"AS {options.type} START WITH {options.start} INCREMENT BY {options.increment}"
        low, high = sorted((options.start, bound))
        words += f" MINVALUE {low} MAXVALUE {high}"
        return [*create_sequence(sequence), count, f"CREATE SEQUENCE {self._filler} {words}"]

    def attach(self) -> list[str]:
        """Let new rows count."""
        identity = self.column.identity
        if identity is None:
            return []
        name, column = ident(self.column.schema, identity.sequence), ident(self.column.name)
        start = f"ALTER COLUMN {column} SET DEFAULT nextval({literal(name)}::regclass)"
        return [
            f"ALTER SEQUENCE {name} OWNED BY {ident(*self._table)}.{column}",
            forms.alter(self._table, start),
        ]

    def fill(self, catalog: Catalog) -> list[str]:
        """Give the backfill; nothing where nobody knows the values."""
        column = ident(self.column.name)
        empty = f"{column} IS NULL"
        if self.is_identity:
            change = f"{column} = nextval({literal(self._filler)}::regclass)"
            filled = forms.by_place(catalog, self._table, change, empty)
            return [*filled, f"DROP SEQUENCE {self._filler}"]
        value = self.given or ("DEFAULT" if self.has_default else "")
        return forms.batched(catalog, self._table, f"{column} = {value}", empty) if value else []


def find(
    now: Catalog, after: Catalog, heavy: Collection[Key], using: Mapping[tuple[str, str, str], str]
) -> list[Fill]:
    """Find the columns of tables that are there whose values have to be put into each row.

    These are new ones that a plain ADD COLUMN would fill at once, and those that become NOT NULL
    with a new default. Nothing but PostgreSQL can fill a generated column.
    """
    out: list[Fill] = []
    for column in after.of(Column):
        table, old = Key(Kind.TABLE, column.path[:2]), now.find(Column, *column.path)
        if table not in now.facts or column.generated:
            continue
        default = after.find(Default, *column.path)
        changed = default is not None and now.facts.get(default.key) != default
        is_new = old is None and (column.key in heavy or (column.not_null and default is None))
        is_stricter = old is not None and column.not_null and not old.not_null and changed
        if is_new or is_stricter:
            given = using.get((column.schema, column.table, column.name)) if is_new else None
            out.append(Fill(column, given, default is not None))
    return out
