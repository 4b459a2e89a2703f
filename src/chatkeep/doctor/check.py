"""What a check is."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place

Look = Callable[[Place], Awaitable[Sequence[Found]]]
"""Looks at a database and says what it found; in a read-only transaction of its own."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that may be wrong with a database.

    Attributes:
        name: How reports, `--only` and `--skip` name it.
        severity: How bad it is, as a rule.
        why: Why it matters, in one sentence.
        look: Finds it.
    """

    name: str
    severity: Severity
    why: str
    look: Look
