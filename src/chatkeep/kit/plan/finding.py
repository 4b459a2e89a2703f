"""What differs between two catalogs, and what must be rebuilt along with it."""

from collections.abc import Iterator
from dataclasses import fields

from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.tables import Column, SequenceOwner
from chatkeep.kit.catalog.types import Composite, Domain, Enum
from chatkeep.kit.plan.changes import Changes
from chatkeep.kit.plan.filling import fill_empty
from chatkeep.kit.plan.handover import Handover, find_handovers
from chatkeep.kit.plan.kinds.columns import COLUMN, needs_using, type_family
from chatkeep.kit.plan.kinds.types import added_labels
from chatkeep.kit.plan.partitions import alter_whole, follow_partitions, follow_wholes
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.plan.registry import WRITERS
from chatkeep.kit.plan.regranting import regrant_columns
from chatkeep.kit.plan.unlogged import free_circles
from chatkeep.kit.plan.writer import Context

_REWRITTEN_WITH_TYPE = (
    Kind.VIEW,
    Kind.MATERIALIZED_VIEW,
    Kind.RULE,
    Kind.POLICY,
    Kind.PUBLICATION,
    Kind.TRIGGER,
    Kind.FUNCTION,
)
"""What PostgreSQL refuses to carry through a change of a column's type."""


def find_changes(context: Context) -> Changes:
    """Compare the facts and add what must be rebuilt along with them."""
    changes = Changes(context)
    old, new = context.before.facts, context.after.facts
    changes.drops = {key for key in old if key not in new}
    changes.creates = {key for key in new if key not in old}
    for key, fact in old.items():
        other = new.get(key)
        if other is not None and fact != other and not alter_whole(changes, fact, other):
            _alter(changes, fact, other)
        elif isinstance(fact, Column) and isinstance(other, Column):
            _rename_not_null(changes, fact, other)
    for handover in find_handovers(context):
        _hand_over(changes, handover)
    _swap_for_new_labels(changes)
    free_circles(changes)
    _spread(changes)
    _drop_altered_defaults(changes)
    follow_wholes(changes)
    follow_partitions(changes)
    fill_empty(changes)
    regrant_columns(changes)
    return changes


def _rename_not_null(changes: Changes, before: Column, after: Column) -> None:
    """Take over a name that somebody gave to a NOT NULL; PostgreSQL's own names do not count."""
    if after.not_null_name is not None and before.not_null_name != after.not_null_name:
        changes.alters[after.key] = COLUMN.alter(before, after, changes.context) or []


def _alter(changes: Changes, before: Fact, after: Fact) -> None:
    key = before.key
    statements = WRITERS[key.kind].alter(before, after, changes.context)
    if isinstance(after, Composite) and _used_by_columns(changes, key):
        retyped = any(" ALTER ATTRIBUTE " in sql for sql in statements or ())
        statements = None if retyped else statements  # refused below a column
    if statements is not None:
        changes.alters[key] = statements
    elif isinstance(after, Enum | Domain | Composite):
        _swap(changes, after)
    else:
        changes.replace(key)
    if isinstance(before, Column) and isinstance(after, Column):
        kept = key not in changes.drops
        if kept and (before.type, before.collation) != (after.type, after.collation):
            changes.retyped.add(key)


def _used_by_columns(changes: Changes, type_: Key) -> bool:
    depends = changes.context.before.depends
    return any(k.kind is Kind.COLUMN and type_ in needs for k, needs in depends.items())


def _swap(changes: Changes, after: Enum | Domain | Composite) -> None:
    """Make the new type beside the old one, move the columns over, drop the old one."""
    aside = after.name[:45] + "__replaced"
    old, new = ident(*after.path), ident(after.schema, aside)
    noun = "DOMAIN" if isinstance(after, Domain) else "TYPE"
    changes.swapped.add(after.key)
    changes.alters[after.key] = [
        f"ALTER {noun} {old} RENAME TO {ident(aside)}",
        *WRITERS[after.kind].create(after),
    ]
    changes.finish[after.key] = f"DROP {noun} {new}"


def _swap_for_new_labels(changes: Changes) -> None:
    """Swap an enum whose new label is used at once.

    PostgreSQL lets nobody use a label of ADD VALUE before the end of the transaction.
    """
    before, after = changes.context.before, changes.context.after
    for enum in before.of(Enum):
        other = after.find(Enum, *enum.path)
        added = added_labels(enum, other) if other is not None else None
        if other is None or not added or enum.key in changes.swapped:
            continue
        users = [k for k in changes.creates | set(changes.alters) if k in after.facts]
        texts = [_texts(after.facts[k]) for k in users if other.key in after.depends.get(k, ())]
        if any(literal(label) in text for label in added for text in texts):
            _swap(changes, other)


def _texts(fact: Fact) -> str:
    values = (getattr(fact, item.name) for item in fields(fact))
    return "\n".join(_flat(value) for value in values)


def _flat(value: object) -> str:
    if isinstance(value, str):
        return value
    expression: object = getattr(value, "expression", None)
    if isinstance(expression, str):
        return expression
    if isinstance(value, tuple):
        return "\n".join(_flat(item) for item in value)
    return ""


def _hand_over(changes: Changes, handover: Handover) -> None:
    if handover.column in changes.drops:
        return
    changes.alters[handover.column] = handover.statements
    changes.drops -= handover.dropped
    changes.creates -= handover.created
    for key in handover.dropped | handover.created:
        changes.alters.pop(key, None)
        changes.carried[key] = handover.column


def _spread(changes: Changes) -> None:
    """Rebuild what cannot outlive a change of what it depends on."""
    before = changes.context.before
    users: dict[Key, list[Key]] = {}
    for key, needs in before.depends.items():
        for need in needs:
            users.setdefault(need, []).append(key)
    work = list(changes.drops | changes.retyped | changes.swapped)
    while work:
        key = work.pop()
        for user in users.get(key, ()):
            if user in changes.drops or user in changes.carried:
                continue
            work += _follow(changes, key, user)


def _follow(changes: Changes, key: Key, user: Key) -> Iterator[Key]:
    """Give the user of a changed fact when it has to be rebuilt, or its type changed."""
    before, after = changes.context.before, changes.context.after
    column, wanted = before.facts[user], after.facts[user]
    if key in changes.swapped and isinstance(column, Column) and isinstance(wanted, Column):
        if column.type == wanted.type and user not in changes.retyped:
            changes.retyped.add(user)
            changes.alters.setdefault(user, []).insert(0, _recast(changes, column))
            yield user
        return
    if key in changes.drops and key not in changes.creates and user in changes.alters:
        return  # the ALTER lets go of what is dropped
    if isinstance(column, SequenceOwner) and key in changes.drops:
        sequence = Key(Kind.SEQUENCE, column.path)
        if sequence in before.facts and sequence in after.facts:
            changes.replace(sequence)  # it goes with its column
            yield sequence
    if key in changes.drops or key in changes.swapped:
        rebuilt = not isinstance(column, Column) or column.generated is not None
        rebuilt = rebuilt or key == user_table(column)
    else:
        rebuilt = _type_breaks(changes, key, user)
    if rebuilt:
        changes.replace(user)
        yield user


def user_table(fact: Fact) -> Key | None:
    """Give the table of a column."""
    return fact.parent if isinstance(fact, Column) else None


def _recast(changes: Changes, column: Column) -> str:
    swapped = changes.context.after
    path = column.user_type or ("", "")
    domain = swapped.find(Domain, *path)
    through = f"::{domain.base}" if domain and not column.type.endswith("]") else "::text"
    name = ident(column.name)
    table = ident(*column.path[:2])
    given = changes.context.using.get((column.schema, column.table, column.name))
    cast = given or f"{name}{through}::{column.type}"
    return f"ALTER TABLE {table} ALTER COLUMN {name} SET DATA TYPE {column.type} USING {cast}"


def _type_breaks(changes: Changes, key: Key, user: Key) -> bool:
    """Say whether a dependent has to step aside while a column changes its type."""
    if user.kind in _REWRITTEN_WITH_TYPE:
        return True
    before, after = changes.context.before.facts[key], changes.context.after.facts[key]
    fact = changes.context.before.facts[user]
    if isinstance(fact, Column):
        return fact.generated is not None
    if user.kind is Kind.FOREIGN_KEY and isinstance(before, Column) and isinstance(after, Column):
        return type_family(before.type) != type_family(after.type)
    return False


def _drop_altered_defaults(changes: Changes) -> None:
    """Take a default away before its column's type changes, where it says something else after."""
    before, after = changes.context.before, changes.context.after
    for key in changes.retyped:
        default = Key(Kind.DEFAULT, key.path)
        old, new = before.facts.get(key), after.facts.get(key)
        if default not in before.facts or default not in after.facts or default in changes.carried:
            continue
        if not isinstance(old, Column) or not isinstance(new, Column):
            continue
        hard = needs_using(old.type, new.type)
        if default in changes.alters or hard:
            changes.replace(default)
