"""Findings about waiting: long work under a lock that keeps others away."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from chatkeep.kit.review import modes
from chatkeep.kit.review.draft import Desk, Draft
from chatkeep.kit.review.finding import Severity
from chatkeep.kit.review.rewriting import rewrite_findings
from chatkeep.kit.review.shape import TABLES, Constraint, Relation
from chatkeep.kit.review.trace import Step


def lock_findings(desk: Desk) -> Iterator[Draft]:
    """Tell where the migration lets others wait, and for how much work."""
    for step in desk.trace.steps:
        own = list(_own(desk, step))
        yield from own
        if not any(draft.finding.severity is Severity.DANGER for draft in own):
            yield from _under_lock(desk, step)
        yield from _brief(desk, step)
    yield from _several_tables(desk)


def _own(desk: Desk, step: Step) -> Iterator[Draft]:
    yield from _indexes(desk, step)
    yield from _constraints(desk, step)
    yield from _not_null(desk, step)
    yield from rewrite_findings(desk, step)
    yield from _partitions(desk, step)


def _waits(step: Step, table: int) -> str:
    """Say who waits, and for which lock: `inserts, updates and deletes wait (SHARE)`."""
    lock = step.lock_on(table)
    who = (
        "all reads and writes" if lock == modes.ACCESS_EXCLUSIVE else "inserts, updates and deletes"
    )
    return f"{who} of {step.before.name(table)} wait ({modes.name(lock)})"


def _blocks(step: Step, table: int) -> bool:
    return table in step.existing and _keeps_away(step, table, step.lock_on(table))


def _keeps_away(step: Step, table: int, lock: int) -> bool:
    """Whether a lock lets others wait; nobody writes to a materialized view but REFRESH."""
    relation = step.before.relations.get(table)
    rows_are_fixed = relation is not None and relation.kind in "mv"
    return lock >= (modes.ACCESS_EXCLUSIVE if rows_are_fixed else modes.SHARE)


def _indexes(desk: Desk, step: Step) -> Iterator[Draft]:
    built = step.difference.built
    of_partitioned = any(index.kind == "I" for index in built)
    behind = {item.index_oid: item for item in step.difference.added_constraints}
    for index in built:
        if index in step.difference.rebuilt:
            continue  # for a column's new type, or by REINDEX
        inherited = of_partitioned and _is_partition(step, index.table)
        if inherited or not _blocks(step, index.table):
            continue
        table = step.before.name(index.table)
        constraint = behind.get(index.oid)
        if constraint is None:
            message = f"{_waits(step, index.table)} while the index {index.name} is built from the whole table."
            yield desk.about(
                "index-locks-writes",
                step,
                f"{table}: {index.name}",
                _first(message),
                table=index.table,
            )
        else:
            message = f"{_waits(step, index.table)} while the index of {constraint.name} is built."
            yield desk.about(
                "unique-locks-table",
                step,
                f"{table}: {constraint.name}",
                _first(message),
                table=index.table,
            )


def _is_partition(step: Step, table: int) -> bool:
    found = step.after.relations.get(table)
    return found is not None and found.is_partition


def _constraints(desk: Desk, step: Step) -> Iterator[Draft]:
    for constraint in step.difference.added_constraints:
        if not constraint.validated:
            continue
        if constraint.domain:
            yield from _domain(desk, step, constraint)
        elif constraint.table not in step.scanned or not _blocks(step, constraint.table):
            continue
        elif constraint.kind == "c":
            message = f"{_waits(step, constraint.table)} while each row is compared with the check."
            yield _on_constraint(desk, step, "check-scans", constraint, message)
        elif constraint.kind == "f":
            target = step.after.name(constraint.target)
            both = "" if constraint.target == constraint.table else f", and those of {target},"
            message = (
                f"{_waits(step, constraint.table)}{both} while each row's reference is looked up."
            )
            yield _on_constraint(desk, step, "foreign-key-scans", constraint, message)


def _on_constraint(
    desk: Desk, step: Step, rule: str, constraint: Constraint, message: str
) -> Draft:
    place = f"{step.before.name(constraint.table)}: {constraint.name}"
    return desk.about(rule, step, place, _first(message), table=constraint.table)


def _domain(desk: Desk, step: Step, constraint: Constraint) -> Iterator[Draft]:
    for table in sorted(step.scanned):
        if _blocks(step, table):
            message = f"{_waits(step, table)} while each value of the domain is looked at."
            place = f"{step.before.name(table)}: {constraint.name}"
            yield desk.about("check-scans", step, place, _first(message), table=table)


def _not_null(desk: Desk, step: Step) -> Iterator[Draft]:
    keyed = {item.table for item in step.difference.added_constraints if item.kind == "p"}
    for column in step.difference.forbids_null:
        table = column.table
        if table in step.scanned and table not in keyed | step.rewritten and _blocks(step, table):
            place = f"{step.before.name(table)}.{column.name}"
            message = f"{_waits(step, table)} while each row is searched for a NULL."
            yield desk.about("not-null-scans", step, place, _first(message), table=table)


def _partitions(desk: Desk, step: Step) -> Iterator[Draft]:
    for old, new in step.difference.kept:
        if old.kind not in TABLES or old.is_partition == new.is_partition:
            continue
        if new.is_partition:
            for table in sorted(step.scanned):
                if _blocks(step, table):
                    message = f"{_waits(step, table)} while each row is compared with the bounds."
                    place = step.before.name(table)
                    yield desk.about("partition-scans", step, place, _first(message), table=table)
        elif step.in_transaction:
            message = (
                f"{old.label} and the table that it was a part of are locked (ACCESS EXCLUSIVE)."
            )
            yield desk.about("partition-detach-locks", step, old.label, message, table=old.oid)


def _under_lock(desk: Desk, step: Step) -> Iterator[Draft]:
    """Tell of long work that keeps a lock waiting which an earlier statement, or this one, took."""
    required = {c.table for c in step.difference.added_columns if c.declared and not c.has_default}
    work = step.scanned | step.rewritten | step.much_changed
    busy = sorted((work & step.existing) - required)
    if not busy or step.truncates:
        return  # of a table with rows, a required column is refused; TRUNCATE reads none
    held = {oid: lock for oid, lock in step.held.items() if _keeps_away(step, oid, lock.lock)}
    changed = sorted(step.wrote & set(busy))
    names = ", ".join(step.before.name(oid) for oid in changed or busy)
    does = "changes rows of" if changed else "reads"
    for oid, lock in sorted(held.items(), key=lambda item: -item[1].lock):
        who = modes.blocks(lock.lock)
        message = (
            f"This statement {does} {names} from end to end, while {who} of {_name(step, oid)} wait: "
            f"statement {lock.since} took {modes.name(lock.lock)}, which lasts until the commit."
        )
        draft = desk.about("work-under-lock", step, _name(step, oid), message, table=busy[0])
        yield replace(draft, others=frozenset(busy))
        return  # the strongest says enough
    for oid in busy:
        if _keeps_away(step, oid, step.locks.get(oid, -1)):
            message = f"{_waits(step, oid)} while the table is read from end to end."
            yield desk.about("work-under-lock", step, _name(step, oid), _first(message), table=oid)


def _name(step: Step, oid: int) -> str:
    return step.before.name(oid) if oid in step.before.relations else step.after.name(oid)


def _brief(desk: Desk, step: Step) -> Iterator[Draft]:
    if step.statement.words[0] == "LOCK":
        for oid, lock in sorted(step.locks.items()):
            if lock >= modes.SHARE:
                message = f"{_first(_waits(step, oid))} until the transaction ends."
                yield desk.about("explicit-lock", step, step.before.name(oid), message, table=oid)
    for index in _dropped_alone(step):
        table = step.before.name(index.table)
        message = (
            f"All reads and writes of {table} wait until the statements that read it now have ended, "
            "and the lock (ACCESS EXCLUSIVE) lasts until the commit."
        )
        place = f"{table}: {index.name}"
        yield desk.about("index-drop-locks", step, place, message, table=index.table)


def _dropped_alone(step: Step) -> Iterable[Relation]:
    """Give the indexes that a DROP INDEX took, not those that went with something else."""
    after, keyed = step.after, {item.index_oid for item in step.before.constraints.values()}
    remade = {(index.table, index.name) for index in step.difference.remade}
    narrowed = {column.table for column in step.difference.dropped_columns}
    return [
        index
        for index in step.difference.dropped
        if index.table in after.relations
        and index.table not in narrowed
        and index.oid not in keyed
        and (index.table, index.name) not in remade
        and not _is_partition(step, index.table)
        and step.lock_on(index.table) == modes.ACCESS_EXCLUSIVE
        and index.table in step.existing
    ]


def _several_tables(desk: Desk) -> Iterator[Draft]:
    if not desk.trace.is_transactional:
        return
    first: dict[int, int] = {}
    for step in desk.trace.steps:
        strong = [oid for oid, lock in step.locks.items() if lock >= modes.SHARE]
        new = [
            oid for oid in strong if oid not in first and step.before.relations[oid].kind in TABLES
        ]
        first.update(dict.fromkeys(new, step.statement.number))
        if len(set(first.values())) > 1:
            names = sorted(_name(step, oid) for oid in first)
            yield desk.about("several-tables-locked", step, ", ".join(names), _SEVERAL, table=0)
            return


_SEVERAL = (
    "From here on the transaction keeps a lock on one table while it waits for another: whoever uses "
    "them in the other order may deadlock with it, and each lock lasts until the commit."
)


def _first(message: str) -> str:
    return message[0].upper() + message[1:]
