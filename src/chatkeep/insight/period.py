"""Days in UTC, from one to another."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from chatkeep.errors import InvalidInputError

MOST_DAYS = 3660
"""So many days a period may have: about ten years."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in UTC.

    Attributes:
        first: The first of them.
        last: The last of them, which counts too.

    Raises:
        InvalidInputError: The last one is before the first, or there are too many.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise InvalidInputError("The last day is before the first one.", field="until")
        if self.days > MOST_DAYS:
            raise InvalidInputError(f"A period has at most {MOST_DAYS:,} days.", field="since")

    @classmethod
    def latest(cls, days: int, today: date | None = None) -> "Period":
        """Give the last days, today included.

        Raises:
            InvalidInputError: It is none, or too many.
        """
        if not 1 <= days <= MOST_DAYS:
            raise InvalidInputError(f"A period has 1 to {MOST_DAYS:,} days.", field="days")
        last = today or datetime.now(UTC).date()
        return cls(last - timedelta(days=days - 1), last)

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def since(self) -> datetime:
        """The beginning of the first day."""
        return datetime.combine(self.first, time.min, UTC)

    @property
    def until(self) -> datetime:
        """The beginning of the day after the last one."""
        if self.last == date.max:
            return datetime.max.replace(tzinfo=UTC)
        return datetime.combine(self.last + timedelta(days=1), time.min, UTC)
