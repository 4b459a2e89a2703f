"""What a rule of the review is."""

from dataclasses import dataclass
from typing import Literal

from chatkeep.kit.review.finding import Severity

Area = Literal["locks", "code", "data", "form", "folder"]
"""What a rule looks at: waiting, running code, stored rows, how it is written, the files."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Attributes:
        severity: The gravest that its findings have; less where the facts allow it.
        title: What is found, in a few words.
        safe: The safe form, in one sentence or two.
    """

    id: str
    area: Area
    severity: Severity
    title: str
    safe: str
