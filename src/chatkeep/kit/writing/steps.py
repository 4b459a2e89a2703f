"""Which steps lead from the folder's state to the schema: one, or the stages of an upgrade."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Fact
from chatkeep.kit.catalog.tables import Table
from chatkeep.kit.folder import Folder
from chatkeep.kit.target import StageLike, State, Target

STAGE_KEY = "stage"
"""Under our own key of a journal entry: which stage of an upgrade the migration is."""


@dataclass(frozen=True, slots=True)
class Step:
    """One migration to write.

    Attributes:
        state: What the migration leads to; None where it runs `statements`.
        stage: The stage that it is, or None for a plain change.
    """

    state: State | None
    statements: tuple[str, ...] = ()
    stage: StageLike | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """What to write now.

    Attributes:
        held: The last stage of the upgrade, where the caller wants to wait with it.
    """

    now: tuple[Step, ...]
    held: StageLike | None = None


def plain(target: Target) -> Steps:
    """Give the single step to the schema."""
    return Steps((Step(target.state),))


def of_upgrade(stages: Sequence[StageLike], *, hold_last: bool) -> Steps:
    """Give the steps of these stages.

    Args:
        stages: What is left of the upgrade.
        hold_last: Leave the last one for another time.
    """
    now = stages[:-1] if hold_last else stages
    steps = tuple(Step(_state(stage), tuple(stage.statements), stage) for stage in now)
    return Steps(steps, stages[-1] if hold_last else None)


def states_of(target: Target) -> list[State]:
    """Give the states that the stages of an upgrade reach, one after the other."""
    return [state for stage in target.stages if (state := _state(stage)) is not None]


def stages_left(folder: Folder, target: Target) -> tuple[StageLike, ...] | None:
    """Give the stages that come after those the journal names; None where it names none."""
    names = [stage.name for stage in target.stages]
    done = [m.entry.own.get(STAGE_KEY) for m in folder.migrations]
    places = [names.index(name) for name in done if isinstance(name, str) and name in names]
    return target.stages[max(places) + 1 :] if places else None


def lies_before(state: Catalog, first: Catalog, last: Catalog) -> bool:
    """Say whether a state lies before an upgrade that passes `first` and ends at `last`.

    The first stage keeps what old code needs, and the last drops or changes it. A state that
    still has some of that in the old form has not been upgraded, whatever else it holds. Row-level
    security is no such form: it may be asked for at any time.
    """
    return any(
        _form(state.facts.get(key)) == _form(fact)
        for key, fact in first.facts.items()
        if _form(last.facts.get(key)) != _form(fact)
    )


def _form(fact: Fact | None) -> Fact | None:
    if not isinstance(fact, Table):
        return fact
    return replace(fact, row_security=False, force_row_security=False)


def _state(stage: StageLike) -> State | None:
    return None if stage.metadata is None else State(stage.metadata, tuple(stage.extras))
