"""Putting the questions of one migration to the real database, and keeping what it cannot answer."""

from collections.abc import Awaitable
from dataclasses import dataclass, replace

from chatkeep.kit.review.counting import Counted
from chatkeep.kit.review.draft import Desk, Draft
from chatkeep.kit.review.finding import Severity
from chatkeep.kit.review.live import Live, UnansweredError
from chatkeep.kit.review.projection import Projector
from chatkeep.kit.review.trace import Step

LATER = " An earlier statement changes rows of this table; these are the rows of now."


@dataclass(frozen=True, slots=True)
class Asking:
    """One migration before the real database.

    Attributes:
        written: Tables whose rows an earlier pending statement changes. What is found in them may
            be mended by then: it is a warning, not a danger.
        filled: Tables into which one puts new rows, which mends only what refers to them.
        notes: Gets what could not be answered.
    """

    live: Live
    desk: Desk
    projector: Projector
    written: set[int]
    filled: set[int]
    notes: list[str]

    async def answer(self, step: Step, about: str, question: Awaitable[Counted]) -> Counted | None:
        """Give the answer; None, and a note, where there is none."""
        try:
            return await question
        except UnansweredError as exc:
            self.unanswered(step, about, exc.reason)
            return None

    def unanswered(self, step: Step, about: str, reason: str) -> None:
        """Note that a question has no answer."""
        place = f"{self.desk.file}, statement {step.statement.number}"
        self.notes.append(f"{place}: the rows of {about} could not be checked: {reason}.")

    def found(
        self,
        rule: str,
        step: Step,
        counted: Counted,
        subject: tuple[str, int],
        message: str,
        *,
        severity: Severity = Severity.DANGER,
    ) -> Draft:
        """Give a finding about rows.

        Args:
            rule: Its id.
            step: The statement.
            counted: The rows.
            subject: What it is about, and the number of its table.
            message: What happens; how many rows it happens to stands before it.
            severity: How grave it is where no earlier statement mends the rows.
        """
        name, table = subject
        if table in self.written and severity is Severity.DANGER:
            message, severity = message + LATER, Severity.WARNING
        text = f"{str(counted)[0].upper()}{str(counted)[1:]} {message}"
        draft = self.desk.about(rule, step, name, text, table=table, severity=severity)
        return with_rows(draft, counted)


def with_rows(draft: Draft, counted: Counted) -> Draft:
    """Give a draft that knows how many rows it is about, and which."""
    return replace(draft, finding=replace(draft.finding, rows=counted.rows, keys=counted.keys))
