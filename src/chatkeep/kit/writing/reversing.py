"""The reverse of a migration: the same differ, backwards."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Kind
from chatkeep.kit.folder.directives import directives
from chatkeep.kit.folder.journal import Entry
from chatkeep.kit.folder.reading import Migration, hash_of
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.plan.renames import Renames
from chatkeep.kit.plan.renaming import inverted
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.safe.step import Refill
from chatkeep.kit.writing import draft as text

REVERSE_KEY = "reverse"
"""Under our own key of a journal entry: which reverse was proved, on what, and by whom."""

REASON_KEY = "irreversible"
"""Under our own key: why the migration has no reverse."""

DIRECTIVE = "reverse"
_LOSES = "-- Loses data: "


@dataclass(frozen=True, slots=True)
class Reverse:
    """A planned reverse.

    Attributes:
        sql: The whole file.
        loses: Which stored rows or values go when it runs, in words.
    """

    sql: str
    loses: tuple[str, ...]


def plan_reverse(
    up: Migration,
    before: Catalog,
    after: Catalog,
    *,
    renames: Renames,
    lost: Sequence[str],
    refills: Sequence[Refill] = (),
) -> Reverse:
    """Plan the way back.

    Args:
        up: The migration.
        before: Where it starts; the reverse leads there.
        after: Where it leads.
        renames: What it renames, as `plan` took them.
        lost: What it loses by itself, which no reverse brings back.
        refills: What fills columns that the way back makes, right after them.

    Raises:
        MigrationError: The differ cannot go back.
    """
    back = inverted(renames, before, after)
    statements = plan(after, before, renames=back, allow_drops=True)
    for refill in refills:
        made = [n for n, s in enumerate(statements, 1) if _makes(s, refill.columns)]
        if made:
            filled = Statement(refill.sql, Kind.COLUMN, ", ".join(sorted(refill.columns)))
            statements = [*statements[: made[-1]], filled, *statements[made[-1] :]]
    loses = tuple(statement.loses for statement in statements if statement.loses)
    return Reverse(_file(up.hash, statements, loses, lost), loses)


def _makes(statement: Statement, columns: Collection[str]) -> bool:
    return (statement.kind, statement.action) == (Kind.COLUMN, "create") and (
        statement.object in columns
    )


def _file(
    up_hash: str, statements: Sequence[Statement], loses: Sequence[str], lost: Sequence[str]
) -> str:
    head = f"-- chatkeep:{DIRECTIVE} {up_hash}\n"
    kept = text.with_losses(text.statements_sql(statements), loses)
    gone = "".join(f"-- Does not bring back: {text.one_line(words)}.\n" for words in lost)
    return f"{head}{gone}{kept}"


def reverse_path(migration: Migration) -> Path:
    """Give where the migration's reverse stands, or would stand."""
    return migration.down_path


def reverse_migration(migration: Migration, sql: str) -> Migration:
    """Give a reverse as something that can be run, by the name of its file."""
    path = reverse_path(migration)
    entry = Entry(migration.entry.idx, migration.when, path.stem)
    return Migration(entry, path, sql, hash_of(sql.encode())[1])


def named_hash(down_sql: str) -> str | None:
    """Give the hash of the migration that a reverse was made for; None in one made by hand."""
    for directive in directives(down_sql):
        if directive.word == DIRECTIVE:
            return directive.arguments
    return None


def told_losses(down_sql: str) -> tuple[str, ...]:
    """Give what the head of a reverse says that it loses."""
    lines = down_sql.removeprefix("\ufeff").splitlines()
    told = [line.removeprefix(_LOSES) for line in lines if line.startswith(_LOSES)]
    return tuple(line.removesuffix(".") for line in told)


def standing_on(earlier: Iterable[Migration]) -> str:
    """Give the hash of what a migration stands on: its proof holds there and nowhere else."""
    chain = hashlib.sha256()
    for migration in earlier:
        chain.update(migration.hash.encode())
    return chain.hexdigest()


def proof_of(up: Migration, down: Migration, on: str, *, has_dump: bool) -> dict[str, object]:
    """Give what the journal says of a proved reverse."""
    by = "pg_dump" if has_dump else "facts"
    return {"of": up.hash, "file": down.hash, "on": on, "by": by}


def is_proved(up: Migration, down: Migration, on: str) -> bool:
    """Say whether the journal holds the proof of pg_dump for just these texts, in this place."""
    return up.entry.own.get(REVERSE_KEY) == proof_of(up, down, on, has_dump=True)


def is_generated(up: Migration, down: Migration) -> bool:
    """Say whether the reverse is as `generate` wrote it for this text: its head tells its losses.

    Where it stands on other migrations than then, it is not proved, and yet not one by hand.
    """
    said = up.entry.own.get(REVERSE_KEY)
    return said in [proof_of(up, down, _on(said), has_dump=has_dump) for has_dump in (True, False)]


def _on(said: object) -> str:
    on: object = said.get("on") if isinstance(said, dict) else None
    return on if isinstance(on, str) else ""
