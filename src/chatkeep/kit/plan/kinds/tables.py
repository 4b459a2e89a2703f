"""Tables. CREATE TABLE with its columns and constraints is written in `create_table.py`."""

from chatkeep.kit.catalog.tables import Table
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.plan.writer import Context, Writer, replaced


def changes(before: Table, after: Table) -> list[str]:
    """Give the ALTERs between two tables of one name."""
    head = f"ALTER TABLE {ident(*after.path)}"
    out: list[str] = []
    if before.unlogged != after.unlogged:
        out.append(f"{head} SET {'UNLOGGED' if after.unlogged else 'LOGGED'}")
    out += option_changes(head, before.options, after.options)
    if before.row_security != after.row_security:
        out.append(f"{head} {'ENABLE' if after.row_security else 'DISABLE'} ROW LEVEL SECURITY")
    if before.force_row_security != after.force_row_security:
        word = "FORCE" if after.force_row_security else "NO FORCE"
        out.append(f"{head} {word} ROW LEVEL SECURITY")
    return out


def option_changes(head: str, before: tuple[str, ...], after: tuple[str, ...]) -> list[str]:
    """Give the SET and RESET between two lists of `name=value`."""
    old, new = (dict(item.split("=", 1) for item in items) for items in (before, after))
    gone = [name for name in old if name not in new]
    out = [f"{head} RESET ({', '.join(gone)})"] if gone else []
    changed = [f"{name}={value}" for name, value in new.items() if old.get(name) != value]
    return [*out, f"{head} SET ({', '.join(changed)})"] if changed else out


def _alter(before: Table, after: Table, context: Context) -> list[str] | None:
    if before.partition_key != after.partition_key:
        return replaced(before, after, context)
    return changes(before, after)


def _create(fact: Table) -> list[str]:
    bare = Table(fact.schema, fact.name, fact.unlogged, fact.options, False, False, "default")
    return changes(bare, fact)


TABLE = Writer[Table](_create, lambda f: f"DROP TABLE {ident(*f.path)}", _alter)
"""`create` gives only what CREATE TABLE cannot say."""
