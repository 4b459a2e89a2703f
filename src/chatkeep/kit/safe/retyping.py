"""A change of type that would rewrite the table: a second column, kept in step, then the names swap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Check, ForeignKey, Keyed
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.tables import Column
from chatkeep.kit.plan.kinds.columns import identity_words, set_type
from chatkeep.kit.plan.quoting import ident, literal, replace_name
from chatkeep.kit.plan.rewrite import rename_column
from chatkeep.kit.plan.writer import Context
from chatkeep.kit.safe import forms

TRIGGER = "~chatkeep_keep"
"""Fires after every other: triggers go by name, and `~` is the last sign."""

Path = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """A column before and after.

    Attributes:
        value: The new value, told from the row before.
        given: The caller said how; else the types tell.
        back: The old value, told from the new; None where nobody knows.
    """

    old: Column
    new: Column
    value: str
    given: bool
    back: str | None

    @property
    def helper(self) -> str:
        """Name of the new column before the swap."""
        return forms.aside(self.old.name)

    @property
    def former(self) -> str:
        """Name of the old column after the swap."""
        return forms.aside(self.old.name, "old")


def pair(
    old: Column, new: Column, before: Catalog, after: Catalog, using: Mapping[Path, str]
) -> Pair:
    """Find out how the values turn into each other."""
    path = (new.schema, new.table, new.name)
    value = _using(set_type(old, new, Context(before, after, using))[0]) or ident(old.name)
    back = None
    if path not in using:
        back = _using(set_type(new, old, Context(after, before, {}))[0]) or ident(old.name)
    return Pair(old, new, value, path in using, back)


def _using(sql: str) -> str:
    return sql.partition(" USING ")[2]


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
        out.append(self._function([self._forward(each) for each in self.pairs]))
        call = f"BEFORE INSERT OR UPDATE ON {ident(*self.table)} FOR EACH ROW EXECUTE FUNCTION"
        return [*out, f"CREATE TRIGGER {ident(TRIGGER)} {call} {self.function}()"]

    def _function(self, bodies: Sequence[str]) -> str:
        text = "\n".join(bodies)
        head = f"CREATE OR REPLACE FUNCTION {self.function}() RETURNS trigger LANGUAGE plpgsql"
        return f"{head} AS $chatkeep$\nBEGIN\n{text}\n    RETURN NEW;\nEND\n$chatkeep$"

    def _forward(self, each: Pair) -> str:
        """Writers of the old form set the old column, those of the new one the new; either is kept."""
        old, new = f"NEW.{ident(each.old.name)}", f"NEW.{ident(each.helper)}"
        ahead = f"{new} := {self._of_row(each.value)};"
        if each.back is None:
            return f"    {ahead}"
        back = replace_name(each.back, (each.old.name,), (each.helper,))
        was_old, was_new = old.replace("NEW", "OLD", 1), new.replace("NEW", "OLD", 1)
        set_new = f"TG_OP = 'INSERT' AND {new} IS NOT NULL AND {old} IS NULL"
        changed = f"TG_OP = 'UPDATE' AND {_same(old, was_old)} AND NOT {_same(new, was_new)}"
        return (
            f"    IF {set_new} OR {changed} THEN\n"
            f"        {old} := {self._of_row(back, {each.helper})};\n"
            f"    ELSE\n        {ahead}\n    END IF;"
        )

    def _backward(self, each: Pair) -> str:
        """After the swap: what does not fit the old type becomes NULL there, and disturbs nobody."""
        if each.back is None:
            return ""
        value = self._of_row(each.back, {each.old.name})
        former = f"NEW.{ident(each.former)}"
        return (
            f"    BEGIN\n        {former} := {value};\n"
            f"    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN\n"
            f"        {former} := NULL;\n    END;"
        )

    def _of_row(self, expression: str, extra: set[str] | None = None) -> str:
        """Give an expression on the table's columns for the row at hand."""
        names = [c.name for c in self.before.columns(*self.table)] + [p.helper for p in self.pairs]
        used = [n for n in dict.fromkeys(names) if n in expression or n in (extra or ())]
        row = ", ".join(f"NEW.{ident(name)} AS {ident(name)}" for name in used) or "NULL AS nothing"
        return f"(SELECT {expression} FROM (SELECT {row}) AS {ident(self.table[1])})"  # noqa: S608 - names are quoted

    def fill(self) -> list[str]:
        """Give the backfill."""
        change = ", ".join(f"{ident(each.helper)} = {each.value}" for each in self.pairs)
        return forms.batched(
            self.before, self.table, change, " OR ".join(map(_is_open, self.pairs))
        )

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
            out += _hand_over(each)
        for fact, copy in self.copies(self.after):
            if isinstance(fact, Keyed):
                out.append(forms.use_index(fact, copy.name))
            else:
                out.append(forms.rename_index(self.table[0], copy.name, fact.path[-1]))
        bodies = [body for each in self.pairs if (body := self._backward(each))]
        return [*out, self._function(bodies)]

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
    return f"{empty}" if each.given else f"({empty} AND {ident(each.old.name)} IS NOT NULL)"


def _as_index(fact: Fact) -> Index:
    if not isinstance(fact, Index):
        raise TypeError(fact)
    return fact
