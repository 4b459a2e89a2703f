"""What pending migrations do to a live database: measured on a scratch one, and judged."""

from chatkeep.kit.review.finding import Finding, Measured, Review, Reviewed, Severity, Size
from chatkeep.kit.review.report import as_markdown, as_plain
from chatkeep.kit.review.reviewing import Options, review
from chatkeep.kit.review.rules import RULES

__all__ = [
    "RULES",
    "Finding",
    "Measured",
    "Options",
    "Review",
    "Reviewed",
    "Severity",
    "Size",
    "as_markdown",
    "as_plain",
    "review",
]
