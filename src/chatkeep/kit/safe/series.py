"""A change as a series of migrations, each of which lets a live system go on."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Check, ForeignKey, Keyed, PrimaryKey
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.tables import Column, Table
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.safe import filling, forms, holding
from chatkeep.kit.safe.retyping import Path, Retyping, pair
from chatkeep.kit.safe.step import SafeStep, joined, one_by_one, parted, planned

Measure = Callable[[Sequence[str]], Awaitable[list[bool]]]
"""Says which statements work through a whole table; changes nothing."""

Look = Callable[[Sequence[str]], Awaitable[Catalog]]
"""Gives the facts after these statements; changes nothing."""

Take = Callable[[SafeStep], Awaitable[Catalog]]
"""Runs a step and gives the facts after it."""

SAYS_NONE = (
    "-- There is no safe form of this statement: it reads or writes the whole table under a lock."
)


class Series:
    """Writes the steps one after the other, each planned from what the one before left.

    Attributes:
        steps: Those that there are.
    """

    def __init__(
        self,
        after: Catalog,
        using: Mapping[Path, str],
        database: tuple[Measure, Look, Take],
    ) -> None:
        self.after = after
        self.using = using
        self.measure, self.look, self.take = database
        self.steps: list[SafeStep] = []
        self.now = after
        self.tables: set[tuple[str, str]] = set()
        self.retypings: list[Retyping] = []
        self.retyped: set[Key] = set()
        self.fills: list[filling.Fill] = []

    async def write(
        self, before: Catalog, statements: Sequence[Statement], heavy: Sequence[bool]
    ) -> None:
        """Write all steps.

        Args:
            before: The facts now.
            statements: The plain plan from there.
            heavy: Which of them work through a whole table.
        """
        self.now = before
        renames = [statement for statement in statements if statement.action == "rename"]
        if renames:
            await self._step(
                planned("rename", "Gives things their new names, rows untouched.", renames)
            )
        self.tables = {
            (table.schema, table.name)
            for table in self.now.of(Table)
            if table.key in self.after.facts and not table.partition_key
        }
        hard = self._columns_of([s for s, h in zip(statements, heavy, strict=True) if h])
        self.retypings = self._retypings(hard)
        self.retyped = {each.old.key for r in self.retypings for each in r.pairs}
        self.fills = filling.find(self.now, self.after, hard, self.using)
        await self._number()
        await self._expand()
        await self._fill()
        await self._index()
        await self._enforce()
        await self._validate("validate")
        await self._contract()
        await self._validate("validate again")
        await self._drop()

    async def _step(self, step: SafeStep) -> None:
        if step.statements:
            self.now = await self.take(step)
            self.steps.append(step)

    def _columns_of(self, statements: Sequence[Statement]) -> set[Key]:
        """Give the columns that these statements add or give another type."""
        names = {".".join(c.path): c.key for c in [*self.now.of(Column), *self.after.of(Column)]}
        words = (" SET DATA TYPE ", " ADD COLUMN ")
        return {
            names[s.object]
            for s in statements
            if s.object in names and any(word in s.sql for word in words)
        }

    def _retypings(self, heavy: set[Key]) -> list[Retyping]:
        by_table: dict[tuple[str, str], list[tuple[Column, Column]]] = {}
        for key in sorted(heavy):
            old, new = self.now.facts.get(key), self.after.facts.get(key)
            if not isinstance(old, Column) or not isinstance(new, Column):
                continue
            computed = old.generated or new.generated or self._computes_with(key)
            if key.path[:2] in self.tables and not computed:
                by_table.setdefault((new.schema, new.table), []).append((old, new))
        return [
            Retyping(
                table,
                tuple(pair(old, new, self.now, self.after, self.using) for old, new in columns),
                self.now,
                self.after,
            )
            for table, columns in by_table.items()
        ]

    def _computes_with(self, column: Key) -> bool:
        return any(
            isinstance(fact, Column) and fact.generated and column in catalog.depends.get(key, ())
            for catalog in (self.now, self.after)
            for key, fact in catalog.facts.items()
        )

    # Steps, in their order.

    async def _number(self) -> None:
        texts = [sql for fill in self.fills for sql in fill.number()]
        summary = (
            "Makes the counters of new columns; new rows will count above those that are there."
        )
        await self._step(SafeStep("number", summary, tuple(texts)))

    async def _expand(self) -> None:
        """Everything brief that takes nothing away."""
        held = self._held()
        first = {**held, **{fill.default: None for fill in self.fills}}
        one = holding.composed(self.now, self.after, first)
        two = holding.composed(self.now, self.after, held)
        statements = plan(self.now, one, using=self.using, allow_drops=True)
        statements = joined([*statements, *plan(one, two, using=self.using, allow_drops=True)])
        more = [sql for fill in self.fills for sql in fill.attach()]
        more += filling.give(self.now, self.fills)
        more += [sql for each in self.retypings for sql in each.expand()]
        loose, tight = parted(statements)
        summary = (
            "Adds what takes a moment only; nothing is taken away, code of before keeps working. "
            "New rows get all values; those that are there get theirs in the next steps."
        )
        if loose or not tight:
            step = await self._marked(planned("expand", summary, loose, *more))
            await self._step(one_by_one(step) if self.tables else step)
            summary, more = "Changes in one moment what takes several moves.", []
        step = await self._marked(planned("change" if loose else "expand", summary, tight, *more))
        await self._step(step)

    def _held(self) -> dict[Key, Fact | None]:
        """Give what the first step leaves as it is."""
        now, after = self.now, self.after
        held: dict[Key, Fact | None] = holding.proofs(now, after, self.tables)
        held |= {key: now.facts[key] for key in holding.leaving(now, after)}
        filled = [f.column.key.path[:2] for f in self.fills] + [r.table for r in self.retypings]
        held |= holding.triggers(now, after, [(schema, table) for schema, table in filled])
        for fill in self.fills:
            held[fill.column.key] = fill.first()
            for key, fact in held.items():
                if isinstance(fact, Check) and fill.column.key in after.depends.get(key, ()):
                    held[key] = now.facts.get(key)
            if fill.is_identity:
                held[fill.default] = None
                held |= {key: now.facts[key] for key in fill.counters}
        for key, fact in after.facts.items():
            old = now.facts.get(key)
            if forms.table_of(fact) not in self.tables or old == fact:
                continue
            if isinstance(fact, Index) or (isinstance(fact, Keyed) and forms.can_use_index(fact)):
                held[key] = old
            if self._is_stricter(fact):
                held[key] = holding.nullable(cast("Column", fact))
        return self._held_by_retypings(held)

    def _held_by_retypings(self, held: dict[Key, Fact | None]) -> dict[Key, Fact | None]:
        now = self.now
        for key in self.retyped:
            held[key] = now.facts[key]
            default = Key(Kind.DEFAULT, key.path)
            held[default] = now.facts.get(default)
        for key, fact in self.after.facts.items():
            if self.retyped & self.after.depends.get(key, frozenset()):
                is_view = fact.kind in {Kind.VIEW, Kind.MATERIALIZED_VIEW, Kind.FUNCTION}
                if not is_view or now.facts.get(key) != fact:
                    held[key] = now.facts.get(key)
        for key, fact in list(held.items()):
            if isinstance(fact, ForeignKey) and self._waits(key, held):
                held[key] = now.facts.get(key)
        return held

    def _waits(self, key: Key, held: Mapping[Key, Fact | None]) -> bool:
        """Whether a foreign key needs a key that comes later."""
        needs = self.after.depends.get(key, frozenset())
        return any(
            n in held and n.kind in {Kind.UNIQUE, Kind.PRIMARY_KEY, Kind.INDEX} for n in needs
        )

    async def _fill(self) -> None:
        texts = [sql for fill in self.fills for sql in fill.fill(self.now)]
        texts += [sql for each in self.retypings for sql in each.fill()]
        summary = (
            "Fills the new columns in batches, each a short transaction. Rows that come meanwhile "
            "have their values already: from a default, or the trigger of the step before."
        )
        await self._step(SafeStep("fill", summary, tuple(texts), in_transaction=False))

    async def _index(self) -> None:
        """Indexes, and those that keys take over later."""
        texts: list[str] = []
        for fact, name in self._wanted_indexes():
            index = forms.index_of(fact) if isinstance(fact, Keyed) else fact
            texts += forms.build(replace(index, name=name))
            old = self.now.facts.get(fact.key)
            if isinstance(fact, Index) and isinstance(old, Index):
                texts += [forms.remove(old), forms.rename_index(fact.schema, name, fact.name)]
        for each in self.retypings:
            texts += [sql for _, copy in each.copies(self.after) for sql in forms.build(copy)]
        summary = (
            "Builds indexes without a lock that stops writers. Runs in no transaction: cut off, it "
            "goes on with the statement that was not done."
        )
        await self._step(SafeStep("index", summary, tuple(texts), in_transaction=False))

    def _wanted_indexes(self) -> list[tuple[Index | Keyed, str]]:
        """Give what is to be built beside the table's work, with the name until it is in place."""
        out: list[tuple[Index | Keyed, str]] = []
        for key, fact in sorted(self.after.facts.items()):
            if forms.table_of(fact) not in self.tables or self._is_on_retyped(key):
                continue
            old = self.now.facts.get(key)
            if old == fact or not isinstance(fact, Index | Keyed):
                continue
            if isinstance(fact, Index) or forms.can_use_index(fact):
                name = fact.path[-1]
                out.append(
                    (fact, name if old is None and not self._is_taken(fact) else forms.aside(name))
                )
        return out

    def _is_taken(self, fact: Fact) -> bool:
        key = (fact.path[0], fact.path[-1])
        kinds = (Kind.INDEX, Kind.UNIQUE, Kind.PRIMARY_KEY, Kind.EXCLUDE)
        return any((k.path[0], k.path[-1]) == key for k in self.now.facts if k.kind in kinds)

    def _is_on_retyped(self, key: Key) -> bool:
        return bool(self.retyped & self.after.depends.get(key, frozenset()))

    async def _enforce(self) -> None:
        """New rows must keep the new rules from here on."""
        texts: list[str] = []
        for fact, name in self._keys():
            if not isinstance(fact, PrimaryKey) and fact.key not in self.now.facts:
                texts.append(forms.use_index(fact, name))
        for column, name in self._to_prove():
            texts.append(forms.helper_check(column, name))
        here = await self.look(texts) if texts else self.now
        wanted = holding.proofs(here, self.after, self.tables)
        new = {
            key: fact
            for key, fact in wanted.items()
            if key not in here.facts and not self._is_on_retyped(key) and self._is_ready(key, here)
        }
        goal = holding.composed(here, here, new)
        goal = Catalog(
            goal.version, goal.facts, {**self.after.depends, **goal.depends}, goal.unmodelled
        )
        texts += [statement.sql for statement in plan(here, goal, allow_drops=True)]
        summary = "Puts the new rules in force for new rows; those that are there come next."
        await self._step(one_by_one(SafeStep("enforce", summary, tuple(texts))))

    def _keys(self) -> list[tuple[Keyed, str]]:
        """Give the keys that wait for their index, which is there by now."""
        out: list[tuple[Keyed, str]] = []
        for fact in sorted(self.after.facts.values(), key=lambda f: f.key):
            if isinstance(fact, Keyed) and self.now.facts.get(fact.key) != fact:
                names = (fact.name, forms.aside(fact.name))
                built = [n for n in names if self.now.find(Index, fact.schema, n) is not None]
                if (
                    built
                    and not self._is_on_retyped(fact.key)
                    and forms.table_of(fact) in self.tables
                ):
                    out.append((fact, built[0]))
        return out

    def _is_ready(self, key: Key, here: Catalog) -> bool:
        return all(need in here.facts for need in self.after.depends.get(key, frozenset()))

    def _to_prove(self) -> list[tuple[Column, str]]:
        """Give the columns that become NOT NULL, each with its name at this time."""
        out = [
            (each.new, each.helper) for r in self.retypings for each in r.pairs if each.new.not_null
        ]
        for key, fact in sorted(self.after.facts.items()):
            if self._is_stricter(fact) and key.path[:2] in self.tables:
                out.append((cast("Column", fact), key.path[2]))
        return out

    def _is_stricter(self, fact: Fact) -> bool:
        """Whether it is a column that is there and becomes NOT NULL."""
        old = self.now.facts.get(fact.key)
        if not isinstance(fact, Column) or not isinstance(old, Column):
            return False
        return fact.key not in self.retyped and fact.not_null and not old.not_null

    async def _validate(self, name: str) -> None:
        texts = [
            forms.validate(fact)
            for fact in sorted(self.now.facts.values(), key=lambda f: f.key)
            if isinstance(fact, Check | ForeignKey) and self._is_unproved(fact)
        ]
        summary = (
            "Looks at the rows that are there, under a lock that lets readers and writers go on."
        )
        await self._step(one_by_one(SafeStep(name, summary, tuple(texts))))

    def _is_unproved(self, fact: Check | ForeignKey) -> bool:
        wanted = self.after.facts.get(fact.key)
        ours = wanted is None and fact.name in {forms.proof_name(c) for c, _ in self._to_prove()}
        theirs = isinstance(wanted, Check | ForeignKey) and forms.is_proved(wanted)
        return "NOT VALID" in fact.extra and (ours or theirs)

    async def _contract(self) -> None:
        """NOT NULL, swapped names, replaced keys and constraints: a moment each, in one transaction."""
        texts: list[str] = []
        for column, name in self._to_prove():
            if column.key not in self.retyped:
                texts.append(forms.alter(column.path, f"ALTER COLUMN {ident(name)} SET NOT NULL"))
                texts.append(forms.drop((*column.path[:2], forms.proof_name(column))))
        for each in self.retypings:
            texts += each.swap(self.now)
        for fact, name in self._keys():
            old = self.now.facts.get(fact.key)
            if old is not None:
                texts += [forms.drop(user.path) for user in forms.referring(self.now, fact.key)]
                texts.append(forms.drop(fact.path))
            texts.append(forms.use_index(fact, name))
        # A foreign key between two such tables is dropped for the sake of both.
        texts = list(dict.fromkeys(texts))
        here = await self.look(texts) if texts else self.now
        held: dict[Key, Fact | None] = dict(holding.loosened(here, self.after))
        held |= filling.givers(here, self.fills)
        for each in self.retypings:
            held |= each.formers(here)
        held |= holding.proofs(here, self.after, self.tables)
        goal = holding.composed(here, self.after, held)
        rest = plan(here, goal, using=self.using, allow_drops=True)
        step = planned("contract", "Puts the rest in its place; takes a moment.", rest)
        refills = tuple(each.refill() for each in self.retypings)
        step = replace(step, statements=(*texts, *step.statements), refills=refills)
        await self._step(await self._marked(step))

    async def _drop(self) -> None:
        """What nothing uses any more goes last."""
        going = [f for f in self.now.of(Index) if f.key not in self.after.facts]
        stay = holding.leaving(self.now, self.after)
        on_kept = [f for f in going if f.parent in self.after.facts and self._is_alone(f, stay)]
        summary = "Drops indexes that nothing needs any more, without a lock that stops anybody."
        texts = tuple(forms.remove(index) for index in on_kept)
        await self._step(SafeStep("drop index", summary, texts, in_transaction=False))
        rest = plan(self.now, self.after, using=self.using, allow_drops=True)
        # The values of these live on in the columns that took their names.
        formers = {".".join((*r.table, each.former)) for r in self.retypings for each in r.pairs}
        rest = [replace(s, loses="") if s.object in formers else s for s in rest]
        step = planned(
            "drop", "Drops what nothing uses any more: apply it when no old code runs.", rest
        )
        step = await self._marked(step)
        loose = all(statement.action == "drop" for statement in rest)
        await self._step(one_by_one(step) if loose else step)

    def _is_alone(self, index: Index, stay: set[Key]) -> bool:
        """Whether it does not go with a column."""
        needs = self.now.depends.get(index.key, frozenset())
        return not any(need.kind is Kind.COLUMN and need in stay for need in needs)

    async def _marked(self, step: SafeStep) -> SafeStep:
        """Say at a statement that works through a table that there is no better form."""
        if not step.statements:
            return step
        heavy = await self.measure(step.statements)
        texts = [
            f"{SAYS_NONE}\n{t}" if h else t for t, h in zip(step.statements, heavy, strict=True)
        ]
        return replace(step, statements=tuple(texts))
