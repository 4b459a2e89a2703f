"""A finding in the making: what the facts say, before the real database weighs it."""

from dataclasses import dataclass

from chatkeep.kit.review.finding import Finding, Severity
from chatkeep.kit.review.rules import RULES
from chatkeep.kit.review.steps import Statement
from chatkeep.kit.review.trace import Step, Trace


@dataclass(frozen=True, slots=True)
class Draft:
    """A finding with the number of the table that decides how much it matters (0 for none).

    Attributes:
        others: More tables that do; the biggest of all decides.
    """

    finding: Finding
    table: int = 0
    others: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the findings of one migration are written."""

    trace: Trace

    @property
    def file(self) -> str:
        """Name of the migration's file."""
        return self.trace.migration.label

    def about(
        self,
        rule: str,
        step: Step,
        subject: str,
        message: str,
        *,
        table: int = 0,
        severity: Severity | None = None,
    ) -> Draft:
        """Give a finding about a statement; as grave as the rule, where no severity is given."""
        finding = self._finding(rule, subject, message, step.statement, severity)
        return Draft(finding, table)

    def about_statement(self, rule: str, statement: Statement | None, message: str) -> Draft:
        """Give a finding about a statement that was not measured, or about the file."""
        return Draft(self._finding(rule, self.trace.migration.tag, message, statement, None))

    def _finding(
        self,
        rule: str,
        subject: str,
        message: str,
        statement: Statement | None,
        severity: Severity | None,
    ) -> Finding:
        known = RULES[rule]
        return Finding(
            rule=rule,
            severity=severity or known.severity,
            file=self.file,
            line=statement.line if statement else 1,
            subject=subject,
            message=message,
            safe=known.safe,
            statement=statement.number if statement else None,
        )
