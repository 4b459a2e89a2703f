"""A change of type that would rewrite the table: a second column, kept in step, then the names swap."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Check, ForeignKey, Keyed
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.tables import Column
from chatkeep.kit.catalog.types import Domain
from chatkeep.kit.plan.kinds.columns import identity_words, set_type
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.plan.rewrite import rename_column
from chatkeep.kit.plan.writer import Context
from chatkeep.kit.safe import forms
from chatkeep.kit.safe.step import Refill

TRIGGER = f"{forms.OURS}_keep"

Path = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """A column before and after.

    Attributes:
        value: The new value, told from the row before.
        turns: How values turn into each other; None where the caller said how, and nobody knows
            the way back.
        base: What the old type is made of, where it is a domain.
    """

    old: Column
    new: Column
    value: str
    turns: "Turns | None" = None
    base: str | None = None

    @property
    def helper(self) -> str:
        """Name of the new column before the swap."""
        return forms.aside(self.old.name)

    @property
    def former(self) -> str:
        """Name of the old column after the swap."""
        return forms.aside(self.old.name, "old")


@dataclass(frozen=True, slots=True)
class Turns:
    """Values of one type as values of the other.

    Attributes:
        back: The old one, told from the new column under its helper's name.
        backward: The same, told from it when it has the column's name.
        forward: The new one, told from the old column under the name that it has then.
    """

    back: str
    backward: str
    forward: str


def pair(
    old: Column, new: Column, before: Catalog, after: Catalog, using: Mapping[Path, str]
) -> Pair:
    """Find out how the values turn into each other."""
    domain = before.find(Domain, *old.user_type) if old.user_type else None
    base = domain.base if domain is not None and not old.type.endswith("[]") else None
    here, there = Context(before, after, {}), Context(after, before, {})
    value = _turned(old, new, Context(before, after, using))
    found = Pair(old, new, value, base=base)
    if (new.schema, new.table, new.name) in using:
        return found

    # Planned under each name: in an expression, a name may meet a type of the same name.
    def named(name: str, context: Context, *columns: Column) -> str:
        one, other = (replace(column, name=name) for column in columns)
        return _turned(one, other, context)

    turns = Turns(
        named(found.helper, there, new, old),
        named(new.name, there, new, old),
        named(found.former, here, old, new),
    )
    return replace(found, turns=turns)


def _turned(old: Column, new: Column, context: Context) -> str:
    return set_type(old, new, context)[0].partition(" USING ")[2] or ident(old.name)


@dataclass(frozen=True)
class Retyping:
    """All such columns of one table."""

    table: tuple[str, str]
    pairs: tuple[Pair, ...]
    before: Catalog
    after: Catalog

    @property
    def function(self) -> str:
        """Name of the trigger's function, quoted."""
        return ident(self.table[0], forms.aside(self.table[1], "keep"))

    def expand(self) -> list[str]:
        """Give the new columns and what keeps them in step."""
        out = []
        for each in self.pairs:
            new = each.new
            words = f"{ident(each.helper)} {new.type}"
            words += f" COMPRESSION {new.compression}" if new.compression else ""
            words += f" COLLATE {new.collation}" if new.collation else ""
            out.append(forms.alter(self.table, f"ADD COLUMN {words}"))
        bodies = [self._forward(each) for each in self.pairs]
        out.append(self._function("CREATE", bodies))
        call = f"BEFORE INSERT OR UPDATE ON {ident(*self.table)} FOR EACH ROW EXECUTE FUNCTION"
        return [*out, f"CREATE TRIGGER {ident(TRIGGER)} {call} {self.function}()"]

    def _function(self, command: str, bodies: Sequence[str]) -> str:
        given = any(each.turns is None for each in self.pairs)
        return forms.trigger_function(command, self.function, bodies, foreign=given)

    def _forward(self, each: Pair) -> str:
        """Writers of the old form set the old column, those of the new one the new; either is kept."""
        old, new = f"NEW.{ident(each.old.name)}", f"NEW.{ident(each.helper)}"
        value = self._of_row(each.value)
        ahead = f"{new} := {value};"
        if each.turns is None:
            return f"    {ahead}"
        was_old, was_new = old.replace("NEW", "OLD", 1), new.replace("NEW", "OLD", 1)
        set_new = f"TG_OP = 'INSERT' AND {new} IS NOT NULL AND {old} IS NULL"
        changed = f"TG_OP = 'UPDATE' AND {_same(old, was_old)} AND NOT {_same(new, was_new)}"
        # The backfill sets what the old value gives: the old one may hold more, and stays.
        changed += f" AND NOT {_same(new, f'{value}::{each.new.type}')}"
        return (
            f"    IF {set_new} OR {changed} THEN\n"
            f"        {old} := {self._of_row(each.turns.back, {each.helper})};\n"
            f"    ELSE\n        {ahead}\n    END IF;"
        )

    def _backward(self, each: Pair) -> str:
        """After the swap: what does not fit the old type becomes NULL there, and disturbs nobody.

        Who inserts without naming columns still sets the old one, which stands in its place.
        """
        if each.turns is None:
            return ""
        former, new = f"NEW.{ident(each.former)}", f"NEW.{ident(each.new.name)}"
        value = self._of_row(each.turns.forward, {each.former})
        back = self._of_row(each.turns.backward, {each.new.name})
        return (
            f"    IF TG_OP = 'INSERT' AND {former} IS NOT NULL THEN\n"
            f"        {new} := {value};\n"
            f"    END IF;\n"
            f"    BEGIN\n        {former} := {back};\n"
            f"    EXCEPTION WHEN data_exception OR integrity_constraint_violation\n"
            f"        OR syntax_error_or_access_rule_violation OR program_limit_exceeded THEN\n"
            f"        {former} := NULL;\n    END;"
        )

    def _of_row(self, expression: str, extra: Collection[str] = ()) -> str:
        helpers = [name for each in self.pairs for name in (each.helper, each.former)]
        return forms.of_row(self.before, self.table, expression, helpers, extra)

    def fill(self) -> list[str]:
        """Give the backfill."""
        return forms.batched(self.before, self.table, *self._filled())

    def _filled(self) -> tuple[str, str]:
        change = ", ".join(f"{ident(each.helper)} = {each.value}" for each in self.pairs)
        return change, " OR ".join(map(_is_open, self.pairs))

    def refill(self) -> Refill:
        """Give what puts the values into the new columns where a reverse made them anew."""
        change, where = self._filled()
        columns = frozenset(".".join((*self.table, each.helper)) for each in self.pairs)
        return Refill(columns, f"UPDATE {ident(*self.table)} SET {change} WHERE {where}")  # noqa: S608 - names are quoted

    def copies(self, catalog: Catalog) -> list[tuple[Fact, Index]]:
        """Give the indexes and keys of the wanted state on these columns, each with its copy.

        The copies stand on the new columns, under names of their own.
        """
        out: list[tuple[Fact, Index]] = []
        columns = {each.new.key for each in self.pairs}
        for key, fact in sorted(catalog.facts.items()):
            on = columns & catalog.depends.get(key, frozenset())
            if not on or forms.table_of(fact) != self.table:
                continue
            if isinstance(fact, Keyed) and forms.can_use_index(fact):
                index = forms.index_of(fact)
            elif isinstance(fact, Index):
                index = fact
            else:
                continue
            for each in self.pairs:
                change = rename_column(self.table, each.new.name, each.helper)
                index = _as_index(change(index))
            out.append((fact, replace(index, name=forms.aside(fact.path[-1]))))
        return out

    def swap(self, catalog: Catalog) -> list[str]:
        """Give what makes the new columns the columns.

        Args:
            catalog: The facts now, copies and all.
        """
        out = self._let_go(catalog)
        for each in self.pairs:
            rename = "RENAME COLUMN {} TO {}"
            out.append(
                forms.alter(self.table, rename.format(ident(each.old.name), ident(each.former)))
            )
            out.append(
                forms.alter(self.table, rename.format(ident(each.helper), ident(each.new.name)))
            )
        for each in self.pairs:
            out += _freed(each)
            out += _hand_over(each)
        for fact, copy in self.copies(self.after):
            if isinstance(fact, Keyed):
                out.append(forms.use_index(fact, copy.name))
            else:
                out.append(forms.rename_index(self.table[0], copy.name, fact.path[-1]))
        bodies = [body for each in self.pairs if (body := self._backward(each))]
        return [*out, self._function("CREATE OR REPLACE", bodies)]

    def _let_go(self, catalog: Catalog) -> list[str]:
        """Drop what stands on the old columns: foreign keys first, then keys, checks and indexes."""
        columns = {each.old.key for each in self.pairs}
        users = [
            f
            for k, f in sorted(catalog.facts.items())
            if columns & catalog.depends.get(k, frozenset())
        ]
        keys = {fact.key for fact in users if isinstance(fact, Keyed)}
        foreign = [
            fact
            for fact in sorted(catalog.of(ForeignKey), key=lambda fact: fact.path)
            if (columns | keys) & catalog.depends.get(fact.key, frozenset())
        ]
        helpers = {forms.proof_name(each.new) for each in self.pairs}
        parts = [f for f in users if isinstance(f, Keyed | Check) and f.name not in helpers]
        drops = [
            forms.alter(fact.path, f"DROP CONSTRAINT {ident(fact.name)}")
            for fact in [*foreign, *parts]
        ]
        return drops + [f"DROP INDEX {ident(*f.path)}" for f in users if isinstance(f, Index)]

    def formers(self, catalog: Catalog) -> dict[Key, Fact]:
        """Give the facts that stay until the contract: old columns, trigger and function."""
        names = {each.former for each in self.pairs}
        function = forms.aside(self.table[1], "keep")
        return {
            key: fact
            for key, fact in catalog.facts.items()
            if (key.kind is Kind.COLUMN and key.path[:2] == self.table and key.path[2] in names)
            or (key.kind is Kind.TRIGGER and key.path == (*self.table, TRIGGER))
            or (key.kind is Kind.FUNCTION and key.path[:2] == (self.table[0], function))
        }


def _freed(each: Pair) -> list[str]:
    """Let the old column hold NULL, and what its domain refuses: nothing is rewritten for that."""
    if each.base is None:
        return []
    return [
        forms.alter(each.old.path, f"ALTER COLUMN {ident(each.former)} SET DATA TYPE {each.base}")
    ]


def _hand_over(each: Pair) -> list[str]:
    """Give NOT NULL and the identity to the new column; take them from the old one."""
    table, old, new = each.old.path, ident(each.former), ident(each.new.name)
    out: list[str] = []
    had, wanted = each.old.identity, each.new.identity
    if had is not None and wanted is not None:
        kept = forms.aside(had.sequence, "old")
        moved = f"ALTER SEQUENCE {ident(each.old.schema, had.sequence)} RENAME TO {ident(kept)}"
        named = literal(ident(each.new.schema, wanted.sequence))
        position = f"last_value, is_called) FROM {ident(each.old.schema, kept)}"
        out = [
            moved,
            forms.alter(table, f"ALTER COLUMN {new} SET NOT NULL"),
            forms.alter(table, f"ALTER COLUMN {new} ADD {identity_words(each.new, wanted)}"),
            f"SELECT setval({named}::regclass, {position}",
        ]
    if had is not None:
        out.append(forms.alter(table, f"ALTER COLUMN {old} DROP IDENTITY"))
    if each.old.not_null:
        out.append(forms.alter(table, f"ALTER COLUMN {old} DROP NOT NULL"))
    if each.new.not_null:
        if had is None or wanted is None:
            out.append(forms.alter(table, f"ALTER COLUMN {new} SET NOT NULL"))
        out.append(forms.alter(table, f"DROP CONSTRAINT {ident(forms.proof_name(each.new))}"))
    return out


def _same(one: str, other: str) -> str:
    """Compare as text: a type such as json has no equality."""
    return f"({one}::text IS NOT DISTINCT FROM {other}::text)"


def _is_open(each: Pair) -> str:
    empty = f"{ident(each.helper)} IS NULL"
    return empty if each.turns is None else f"({empty} AND {ident(each.old.name)} IS NOT NULL)"


def _as_index(fact: Fact) -> Index:
    if not isinstance(fact, Index):
        raise TypeError(fact)
    return fact
