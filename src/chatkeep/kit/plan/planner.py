"""The plan: statements that turn one database into another."""

from collections.abc import Collection, Mapping, Sequence

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Constraint
from chatkeep.kit.catalog.fact import Key, Kind
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.programs import Function
from chatkeep.kit.catalog.tables import Column, Table
from chatkeep.kit.plan.changes import Changes
from chatkeep.kit.plan.filling import FILLS
from chatkeep.kit.plan.finding import find_changes
from chatkeep.kit.plan.folding import fold_creates, fold_drops
from chatkeep.kit.plan.guard import accepted, refuse_copies, refuse_differences, refuse_touched
from chatkeep.kit.plan.kinds.create_table import add_column, create_table
from chatkeep.kit.plan.kinds.partitions import attach_index
from chatkeep.kit.plan.kinds.privileges import undo_defaults
from chatkeep.kit.plan.losing import lost_attributes, lost_by_drop, lost_by_type
from chatkeep.kit.plan.order import Action, Orderer, Step
from chatkeep.kit.plan.partitions import counterpart
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.plan.registry import WRITERS
from chatkeep.kit.plan.renames import Renames
from chatkeep.kit.plan.renaming import apply_renames, infer_renames
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.plan.unclear import find_unclear, refuse_unclear
from chatkeep.kit.plan.writer import Context, texts

_BODIES_LATER = "SELECT set_config('check_function_bodies', 'off', true)"


def plan(
    a: Catalog,
    b: Catalog,
    *,
    renames: Renames | None = None,
    using: Mapping[tuple[str, str, str], str] | None = None,
    allow_drops: bool = False,
    accept: Collection[str] = (),
) -> list[Statement]:
    """Give the statements that turn database `a` into database `b`, in order.

    Constraints, indexes and sequences that differ only by name are renamed without a question;
    a sequence keeps its position, also from serial to identity and back.

    Args:
        a: Facts of the database to change.
        b: Facts of the database that it shall become.
        renames: (schema, table), (schema, table, column) and the like as they are in `a`, each to
            its new name, or to None for "no rename, it goes"; see `Path`.
        using: USING expressions by (schema, table, column), for changes of type.
        allow_drops: Never ask about renames; what is gone is dropped.
        accept: Kinds whose differences are looked past, such as `grant`.

    Raises:
        UnmodelledObjectError: The two differ in objects that the diff cannot change.
        RenameUnclearError: A rename, or a drop and an add? Only the caller knows.
        MigrationError: A rename names something that `a` does not have, or does have by the new name.
    """
    given = renames or {}
    a, b = accepted(a, accept), accepted(b, accept)
    a, renamed = apply_renames(a, given)
    refuse_differences(a, b, accept)
    if not allow_drops:
        refuse_unclear(find_unclear(a, b, given))
    a, inferred = infer_renames(a, b)
    changes = find_changes(Context(a, b, using or {}))
    refuse_touched(a, b, changes.keys())
    refuse_copies(changes, allow_drops=allow_drops)
    return [*renamed, *inferred, *_write(changes)]


def _write(changes: Changes) -> list[Statement]:
    dropped_by, made_by = fold_drops(changes), fold_creates(changes)
    made_with: dict[Key, list[Key]] = {}
    for part, holder in made_by.items():
        made_with.setdefault(holder, []).append(part)
    out: list[Statement] = []
    if _bodies_later(changes):
        out.append(Statement(_BODIES_LATER, "setting", "check_function_bodies", "alter"))
    for step in Orderer(changes, dropped_by, made_by).sorted():
        out += _statements(changes, step, made_by, made_with)
    return out


def _bodies_later(changes: Changes) -> bool:
    """Say whether a function in SQL may speak of something that is made after it."""
    facts = changes.context.after.facts
    touched = changes.creates | set(changes.alters)
    checked = {
        key: fact.checked
        for key in touched
        if isinstance(fact := facts.get(key), Function) and fact.checked is not None
    }
    made = {key for key in touched if key.kind in _SPOKEN_OF}
    return any(
        any(key != other and other.path[min(1, len(other.path) - 1)] in text for other in made)
        for key, text in checked.items()
    )


_SPOKEN_OF = (
    Kind.ENUM,
    Kind.DOMAIN,
    Kind.COMPOSITE,
    Kind.RANGE,
    Kind.SEQUENCE,
    Kind.TABLE,
    Kind.COLUMN,
    Kind.VIEW,
    Kind.MATERIALIZED_VIEW,
    Kind.FUNCTION,
)
"""What the body of a function may name before it is there."""


def _statements(
    changes: Changes,
    step: Step,
    made_by: Mapping[Key, Key],
    made_with: Mapping[Key, Sequence[Key]],
) -> list[Statement]:
    action, key = step
    name = ".".join(part for part in key.path if part)
    before, after = changes.context.before, changes.context.after
    if action is Action.DROP:
        loses = lost_by_drop(before, after, key)
        return [
            Statement(changes.alone(key, sql), key.kind, name, "drop", loses)
            for sql in texts(WRITERS[key.kind].drop(before.facts[key]))
        ]
    if action is Action.FINISH:
        return [Statement(changes.finish[key], key.kind, name, "drop")]
    if action is Action.ALTER:
        loses = _lost_by_alter(changes, key)
        return [
            Statement(
                changes.alone(key, sql),
                key.kind,
                name,
                "alter",
                next((words for part, words in loses if part in sql), ""),
                f"column {name}" if sql.startswith(FILLS) else "",
            )
            for sql in changes.alters[key]
        ]
    fact = after.facts[key]

    def inline(part: Key) -> bool:
        return part in made_by

    if isinstance(fact, Table):
        made = create_table(after, fact, inline)
    elif isinstance(fact, Column):
        made = add_column(after, fact, inline)
    else:
        made = [changes.alone(key, sql) for sql in WRITERS[key.kind].create(fact)]
        whole = fact.whole if isinstance(fact, Index | Constraint) else None
        if whole is not None and counterpart(changes, fact):
            made.append(attach_index(whole, fact.path[0], fact.path[-1]))
    for part in (key, *made_with.get(key, ())):
        made += undo_defaults(after.facts[part], changes.context)
    return [Statement(sql, key.kind, name, "create") for sql in made]


def _lost_by_alter(changes: Changes, key: Key) -> list[tuple[str, str]]:
    """Tell what is lost by the statements that hold a part of SQL."""
    before, after = changes.context.before, changes.context.after
    coarser = lost_by_type(before, after, before.facts.get(key), after.facts.get(key))
    gone = lost_attributes(before, after, key) if key.kind is Kind.COMPOSITE else {}
    return [
        (" SET DATA TYPE ", coarser),
        *((f" DROP ATTRIBUTE {ident(name)} ", words) for name, words in gone.items()),
    ]
