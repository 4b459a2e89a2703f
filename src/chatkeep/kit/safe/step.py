"""One migration of a safe series."""

from dataclasses import dataclass, field

from chatkeep.kit.plan.statement import Statement


@dataclass(frozen=True, slots=True)
class SafeStep:
    """One migration.

    Attributes:
        name: Goes into its file's name, such as `index`.
        summary: What it does and why it is safe, for the head of its file.
        statements: SQL without semicolons; comments and directives stand before the statement.
        in_transaction: Whether it runs in one transaction.
        loses: Which rows or values go when it runs, in words.
    """

    name: str
    summary: str
    statements: tuple[str, ...]
    in_transaction: bool = True
    loses: tuple[str, ...] = field(default=())

    def head(self, number: int, total: int) -> str:
        """Give the words at the head of its file; none for a change of one step."""
        return f"Step {number} of {total}, {self.name}: {self.summary}" if total > 1 else ""


def planned(name: str, summary: str, statements: list[Statement], *more: str) -> SafeStep:
    """Give the step of a plan, with what it loses."""
    texts = (*(statement.sql for statement in statements), *more)
    loses = tuple(statement.loses for statement in statements if statement.loses)
    return SafeStep(name, summary, texts, loses=loses)
