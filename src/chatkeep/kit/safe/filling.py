"""New columns whose values the rows that are there must get one by one."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.tables import Column, Default, Sequence
from chatkeep.kit.catalog.types import Domain
from chatkeep.kit.plan.kinds.sequences import create_sequence
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.safe import forms

TRIGGER = f"{forms.OURS}_give"
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

    @property
    def asks_rows(self) -> bool:
        """Whether nothing but the row tells its value, so that new ones need a trigger for it."""
        return self.given is not None and not self.has_default and not self.is_identity

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


def give(catalog: Catalog, fills: Iterable[Fill]) -> list[str]:
    """Give what lets writers go on that do not know a column which must have a value."""
    by_table: dict[tuple[str, str], list[Fill]] = {}
    for fill in fills:
        if fill.asks_rows:
            by_table.setdefault((fill.column.schema, fill.column.table), []).append(fill)
    out: list[str] = []
    for table, those in by_table.items():
        lines = [line for fill in those for line in _given(catalog, table, fill)]
        function = ident(table[0], forms.aside(table[1], "give"))
        call = f"BEFORE INSERT ON {ident(*table)} FOR EACH ROW EXECUTE FUNCTION {function}()"
        out += [
            forms.trigger_function("CREATE", function, lines, foreign=True),
            f"CREATE TRIGGER {ident(TRIGGER)} {call}",
        ]
    return out


def _given(catalog: Catalog, table: tuple[str, str], fill: Fill) -> tuple[str, ...]:
    new = f"NEW.{ident(fill.column.name)}"
    value = forms.of_row(catalog, table, fill.given or "NULL")
    return f"    IF {new} IS NULL THEN", f"        {new} := {value};", "    END IF;"


def givers(catalog: Catalog, fills: Iterable[Fill]) -> dict[Key, Fact]:
    """Give the facts of that, which stay for as long as code of before may run."""
    tables = {fill.column.path[:2] for fill in fills if fill.asks_rows}
    triggers = {Key(Kind.TRIGGER, (*table, TRIGGER)) for table in tables}
    functions = {(schema, forms.aside(name, "give")) for schema, name in tables}
    return {
        key: fact
        for key, fact in catalog.facts.items()
        if key in triggers or (key.kind is Kind.FUNCTION and key.path[:2] in functions)
    }


def _is_strict(catalog: Catalog, column: Column) -> bool:
    """Whether its type is a domain with rules of its own."""
    domain = catalog.find(Domain, *column.user_type) if column.user_type else None
    return domain is not None and (domain.not_null or bool(domain.checks))


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
        if old is None and default is not None and _is_strict(after, column):
            continue  # it refuses the NULL of the time before, and is looked at in each row anyway
        changed = default is not None and now.facts.get(default.key) != default
        is_new = old is None and (column.key in heavy or (column.not_null and default is None))
        is_stricter = old is not None and column.not_null and not old.not_null and changed
        if is_new or is_stricter:
            given = using.get((column.schema, column.table, column.name)) if is_new else None
            out.append(Fill(column, given, default is not None))
    return out
