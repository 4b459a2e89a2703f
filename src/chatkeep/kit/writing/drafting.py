"""Drafts of migrations: planned, run and reversed on a bench, each with its text and snapshot."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from chatkeep.errors import (
    MigrationError,
    MigrationFailedError,
    ProofFailedError,
    RenameUnclearError,
)
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.folder import Folder, Migration
from chatkeep.kit.folder.append import Draft
from chatkeep.kit.plan.naming import name_in
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.plan.renames import Candidate, Renames, parse_renames
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.roles import missing_roles
from chatkeep.kit.safe.step import Refill
from chatkeep.kit.safe.writing import safe_steps
from chatkeep.kit.snapshot.snapshot import snapshot
from chatkeep.kit.target import State, Target
from chatkeep.kit.writing import draft as text
from chatkeep.kit.writing.bench import Bench, provisional
from chatkeep.kit.writing.deriving import MOST_NAMES, derive_name
from chatkeep.kit.writing.prove import HINT, refuse_faults
from chatkeep.kit.writing.reversing import (
    REASON_KEY,
    REVERSE_KEY,
    plan_reverse,
    proof_of,
    standing_on,
)
from chatkeep.kit.writing.standing import differing_facts
from chatkeep.kit.writing.steps import STAGE_KEY, Step

RENAMES_KEY = "renames"
"""Under our own key of a journal entry: what was said about renames, as `--rename` takes it."""

Ask = Callable[[Sequence[Candidate]], Renames]
"""Asks a person what was renamed: the old path to the new name, or to None for "it is new"."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to generate.

    Attributes:
        name: Of the migration; without one it is read off the change.
        renames: What has another name now, as `--rename` takes it: `table.column:new`.
        allow_drops: Take whatever is gone for dropped, never for renamed.
        hold_contract: Leave the last stage of an upgrade for another time.
        ask: Asks a person about renames that are unclear; None where there is nobody to ask.
        safe: Write what is safe on big tables under load: several migrations for one change.
    """

    name: str | None = None
    renames: tuple[str, ...] = ()
    allow_drops: bool = False
    hold_contract: bool = False
    ask: Ask | None = None
    safe: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """One file to write.

    Attributes:
        goal: What it must lead to; None where that is nobody's but its own affair.
        irreversible: Why it has no reverse; "" where one is looked for.
        name: Which step of a safe series it is; "" where it is the whole change.
        refills: What its reverse has to fill again.
    """

    sql: str
    goal: Catalog | None = None
    loses: tuple[str, ...] = ()
    renames: Renames = field(default_factory=dict[tuple[str, ...], str | None])
    irreversible: str = ""
    name: str = ""
    refills: tuple[Refill, ...] = ()


class Drafter:
    """Takes one step after the other on a bench and keeps the drafts.

    Attributes:
        destructive: What is lost when they are applied.
        lost_back: What is lost when their reverses are run.
        reasons: Of each draft, why it has no reverse, or "".
    """

    def __init__(
        self,
        target: Target,
        folder: Folder,
        options: Options,
        goals: Callable[[State], Awaitable[Catalog]],
    ) -> None:
        self._target = target
        self._options = options
        self._goals = goals
        self._done: list[Migration] = list(folder.migrations)
        self.drafts: list[Draft] = []
        self.destructive: list[str] = []
        self.lost_back: list[str] = []
        self.reasons: list[str] = []

    async def take(self, here: Bench, step: Step) -> None:
        """Draft what the step needs; nothing where the bench stands there already.

        Raises:
            MigrationError: As `generate` does.
        """
        before = here.catalog
        for part in await self._parts(here, step):
            await self._write(here, step, part, before)

    async def _parts(self, here: Bench, step: Step) -> Sequence[_Part]:
        state = here.catalog
        if step.state is None:
            sql = text.stage_sql(_own_statements(step, safe=self._options.safe))
            reason = "It runs statements of its own, which change rows."
            return [_Part(sql, irreversible=reason)] if sql else []
        goal = await self._goals(step.state)
        statements, renames = self._planned(state, goal, step)
        if not statements:
            return []
        roles = missing_roles(step.state.extras, state, goal)
        if self._options.safe:
            parts = await _safe_parts(here, statements, goal, step.state, renames)
            return _with_roles(parts, roles)
        return [
            _Part(
                text.statements_sql([*roles, *statements]),
                goal,
                tuple(each.loses for each in statements if each.loses),
                renames,
                _conversion(statements, step.state),
            )
        ]

    def _planned(
        self, state: Catalog, goal: Catalog, step: Step
    ) -> tuple[list[Statement], Renames]:
        """Plan; ask about renames for as long as there is something unclear and somebody to ask."""
        renames = dict(parse_renames(self._options.renames, state, goal))
        using = step.state.using() if step.state else {}
        # The stages of an upgrade say what they drop; nobody has to be asked.
        allow_drops = self._options.allow_drops or step.stage is not None
        while True:
            try:
                found = plan(state, goal, renames=renames, using=using, allow_drops=allow_drops)
            except RenameUnclearError as unclear:
                ask = self._options.ask
                answers = ask([Candidate(*each) for each in unclear.candidates]) if ask else {}
                if answers.keys() <= renames.keys():
                    raise
                renames.update(answers)
            else:
                return found, renames

    async def _write(self, here: Bench, step: Step, part: _Part, start: Catalog) -> None:
        """Run the part on the bench, try its reverse, and keep the draft."""
        before, stage = here.catalog, step.stage
        sql = text.with_losses(part.sql, part.loses)
        if stage is not None:
            sql = text.with_head(sql, stage.name, stage.summary)
        up = provisional(stage.name if stage else "new", sql)
        try:
            moved = await here.take(up)
        except MigrationFailedError as exc:
            if part.goal is None:
                raise  # not of our planning
            raise ProofFailedError(
                f"The planned SQL does not run on a copy of the database. {exc}", hint=HINT
            ) from exc
        after = here.catalog
        if part.goal is not None:
            refuse_faults([*differing_facts(after, part.goal), *moved])
        name = self._name(step, part, start if part.name else before, after)
        own: dict[str, object] = {} if stage is None else {STAGE_KEY: stage.name}
        if part.renames:
            own[RENAMES_KEY] = [_told(path, new) for path, new in part.renames.items()]
        reverse, said = await self._reversed(here, up, part, (before, after))
        shot = snapshot(after, full_names=self._target.full_names)
        self.drafts.append(Draft(name, sql, shot, {**own, **said}, reverse))
        self.destructive += part.loses
        self._done.append(up)

    async def _reversed(
        self, here: Bench, up: Migration, part: _Part, states: tuple[Catalog, Catalog]
    ) -> tuple[str | None, Mapping[str, object]]:
        """Plan and try the reverse; give its text and what the journal shall say of it."""
        reason = part.irreversible
        if not reason:
            before, after = states
            try:
                planned = plan_reverse(
                    up,
                    before,
                    after,
                    renames=part.renames,
                    lost=part.loses,
                    refills=part.refills,
                )
            except MigrationError as exc:
                reason = str(exc.args[0])
            else:
                down = provisional(f"{up.tag}.down", planned.sql)
                faults = await here.reverse(down)
                if not faults:
                    on = standing_on(self._done)
                    self.lost_back += planned.loses
                    self.reasons.append("")
                    proof = proof_of(up, down, on, has_dump=here.has_dump)
                    return planned.sql, {REVERSE_KEY: proof}
                reason = f"Its reverse was tried and does not bring back what was: {faults[0]}."
        self.reasons.append(reason)
        return None, {REASON_KEY: reason}

    def _name(self, step: Step, part: _Part, before: Catalog, after: Catalog) -> str:
        given, end = self._options.name, f"_{part.name}" if part.name else ""
        if step.stage is not None:
            return f"{given or 'harden'}_{step.stage.name}{end}"
        found = given or self._renamed(part) or derive_name(before, after, self._target.prefix)
        return found + end

    def _renamed(self, part: _Part) -> str:
        """Give the name where something whole is renamed, which two catalogs alone do not tell."""
        prefix = self._target.prefix
        whole = [
            (name_in(path), new) for path, new in part.renames.items() if len(path) < 3 and new
        ]
        both = [f"{old.removeprefix(prefix)}_to_{new.removeprefix(prefix)}" for old, new in whole]
        if len(both) > MOST_NAMES:
            return f"rename_{len(both)}_things"
        return f"rename_{'_and_'.join(both)}" if both else ""


def _with_roles(parts: list[_Part], roles: Sequence[Statement]) -> list[_Part]:
    """Put what makes roles before everything else of a safe series."""
    if not parts or not roles:
        return parts
    first = parts[0]
    sql = text.before(first.sql, text.statements_sql(roles))
    return [replace(first, sql=sql), *parts[1:]]


def _own_statements(step: Step, *, safe: bool) -> Sequence[str]:
    """Give what a stage runs: in batches, where it has such a form and that is wanted."""
    found: object = getattr(step.stage, "safe_statements", ())
    batched = [str(sql) for sql in cast("tuple[object, ...]", found)] if safe else []
    return batched or step.statements


async def _safe_parts(
    here: Bench,
    statements: Sequence[Statement],
    goal: Catalog,
    state: State,
    renames: Renames,
) -> list[_Part]:
    """Give the parts of the safe form; the whole plan as one part where it needs no care."""
    async with here.beside() as connection:
        steps = await safe_steps(connection, statements, here.catalog, goal, using=state.using())
    own = _conversion(statements, state)
    return [
        _Part(
            text.steps_sql(step.head(number, len(steps)), step.statements),
            goal if number == len(steps) else None,
            step.loses,
            renames if step.name == "rename" else {},
            own if step.name == "contract" else "",
            step.name if len(steps) > 1 else "",
            step.refills,
        )
        for number, step in enumerate(steps, start=1)
    ]


def _told(path: tuple[str, ...], new: str | None) -> str:
    return f"{'.'.join(path)}:{new or ''}"


def _conversion(statements: Sequence[Statement], state: State) -> str:
    """Say which column is converted by SQL of the user's own: nobody can turn that round."""
    for path, using in state.using().items():
        if any(f" USING {using}" in statement.sql for statement in statements):
            column = ".".join(path)
            return f'The values of {column} are converted by SQL of your own (info["using"]).'
    return ""
