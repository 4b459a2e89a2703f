"""One migration of a safe series."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chatkeep.kit.catalog.fact import Kind
from chatkeep.kit.plan.statement import Statement


@dataclass(frozen=True, slots=True)
class Refill:
    """An UPDATE that a reverse runs as soon as it has made columns anew.

    Attributes:
        columns: Their qualified names, dots between the parts.
    """

    columns: frozenset[str]
    sql: str


@dataclass(frozen=True, slots=True)
class SafeStep:
    """One migration.

    Attributes:
        name: Goes into its file's name, such as `index`.
        summary: What it does and why it is safe, for the head of its file.
        statements: SQL without semicolons; comments and directives stand before the statement.
        in_transaction: Whether it runs in one transaction.
        loses: Which rows or values go when it runs, in words.
        refills: For its reverse: a later run of this step takes the values from there.
    """

    name: str
    summary: str
    statements: tuple[str, ...]
    in_transaction: bool = True
    loses: tuple[str, ...] = field(default=())
    refills: tuple[Refill, ...] = ()

    def head(self, number: int, total: int) -> str:
        """Give the words at the head of its file; none for a change of one step."""
        return f"Step {number} of {total}, {self.name}: {self.summary}" if total > 1 else ""


def planned(name: str, summary: str, statements: list[Statement], *more: str) -> SafeStep:
    """Give the step of a plan, with what it loses."""
    texts = (*(statement.sql for statement in statements), *more)
    loses = tuple(statement.loses for statement in statements if statement.loses)
    return SafeStep(name, summary, texts, loses=loses)


def one_by_one(step: SafeStep) -> SafeStep:
    """Give the step as one that runs in no transaction.

    A transaction over several tables holds the first ones while it waits for the others, and may
    deadlock with clients that come from the other side.
    """
    if len(step.statements) < 2:  # one statement holds nothing while it waits for another
        return step
    first, *rest = step.statements
    marked = (f"-- chatkeep:no-transaction\n{first}", *rest)
    return replace(step, statements=marked, in_transaction=False)


def joined(statements: Sequence[Statement]) -> list[Statement]:
    """Make one statement of the DROP and the ADD of a constraint: there is no moment without it."""
    out: list[Statement] = []
    kinds = (Kind.FOREIGN_KEY, Kind.CHECK)
    dropped: dict[tuple[str, str], Statement] = {
        (s.kind, s.object): s for s in statements if s.action == "drop" and s.kind in kinds
    }
    made = {(s.kind, s.object) for s in statements if s.action == "create"}
    for statement in statements:
        key: tuple[str, str] = (statement.kind, statement.object)
        before = dropped.get(key) if key in made else None
        if before is None or statement.action not in {"drop", "create"}:
            out.append(statement)
        elif statement.action == "create":
            table = before.sql.partition(" DROP CONSTRAINT ")[0]
            if statement.sql.startswith(f"{table} ADD CONSTRAINT "):
                more = statement.sql.removeprefix(table)
                out.append(replace(statement, sql=f"{before.sql},{more}"))
            else:
                out += [before, statement]
    return out


def parted(statements: Sequence[Statement]) -> tuple[list[Statement], list[Statement]]:
    """Part what may run one by one from what must be seen as a whole or not at all.

    The second are the statements that change one thing in several moves, such as a serial that
    becomes an identity; and all of them, where something is dropped to be made anew.
    """
    if any(
        (s.action == "drop" and s.kind != Kind.DEFAULT) or s.kind == "setting" for s in statements
    ):
        return [], list(statements)
    moves = Counter((s.kind, s.object) for s in statements if s.action == "alter")
    tight = [s for s in statements if s.action == "alter" and moves[s.kind, s.object] > 1]
    return [s for s in statements if s not in tight], tight
