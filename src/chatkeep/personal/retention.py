"""Retention policies: what is removed after how long, as the configuration says it.

    [[retention]]
    what = "chats"
    older_than = "365d"

    [[retention]]
    what = "chats"
    of = "admins"
    older_than = "never"

    [[retention]]
    what = "sessions"
    at_most = 10

Of several policies that a row falls under, the most specific one holds. Without policies only what
has an expiry of its own goes: sessions, verification tokens, cached searches. Events of searches are
summed up by day once their day is over.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, cast, get_args

from chatkeep.errors import ConfigError

What = Literal[
    "chats",
    "temporary",
    "messages",
    "trash",
    "usage",
    "shares",
    "sessions",
    "verification_tokens",
    "verifications",
    "search_cache",
    "search_events",
    "search_days",
]
Role = Literal["user", "assistant", "system", "tool"]
Of = Literal["admins", "users"]

EXPIRING: tuple[What, ...] = ("sessions", "verification_tokens", "verifications", "search_cache")
"""What goes once it has expired, also without a policy."""

_ALWAYS: tuple[What, ...] = (*EXPIRING, "search_events")

_ENDING = (
    *_ALWAYS,
    "shares",
)  # their time counts from an end of their own, and may be none at all
_OWNED = ("chats", "temporary", "messages", "trash", "usage")
_SECONDS = {"h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"([0-9]{1,6})([hdw])")
_FORM = 'Write a number and a unit, h, d or w, as in "36h", "365d" or "8w"; or "never".'
_TWO = "Write an entry for each of them."
_LONGEST = timedelta(days=36_500)
_KEYS = ("what", "older_than", "role", "of", "at_most")
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Policy:
    """How long rows of one kind stay.

    Attributes:
        what: `chats` (by their last activity) and `temporary` (chats marked so), `messages` (by the
            time of their making), `trash` (chats and messages in it, by when they were deleted),
            `usage`; `shares` that have expired or were revoked, `sessions`, `verification_tokens`,
            `verifications` that have expired, by when they ended; `search_cache`, by when an entry
            could no longer be given, not even as stale;
            `search_events`, which are summed up, and `search_days`, by the end of their day in UTC.
        older_than: What is older goes; None keeps it, whatever a more general policy says.
        role: Only messages of this role.
        of: Only rows of users who are admins, or who are not.
        at_most: Of `sessions`, and without a time: how many of a user's live ones stay, the newest.
    """

    what: What
    older_than: timedelta | None
    role: Role | None = None
    of: Of | None = None
    at_most: int | None = None

    def __post_init__(self) -> None:
        fault = _fault(self)
        if fault is not None:
            raise ConfigError(f"Retention policy {self.label}: {fault[0]}.", hint=fault[1])

    @property
    def label(self) -> str:
        """Say which rows it is about: `chats of admins`, `messages by tool`."""
        if self.at_most is not None:
            return f"{self.what} beyond {self.at_most} of a user"
        role = f" by {self.role}" if self.role else ""
        return f"{self.what}{role}{f' of {self.of}' if self.of else ''}"

    @property
    def age(self) -> str:
        """Say its time as the configuration does: `365d`."""
        return "never" if self.older_than is None else written(self.older_than)


def policies(
    entries: Sequence[Mapping[str, object]], source: object = "The configuration"
) -> tuple[Policy, ...]:
    """Read the policies of a configuration.

        found = policies(Settings.load().retention)

    Args:
        entries: One for each `[[retention]]`, as `Settings.retention` gives them.
        source: What an error calls the file.

    Raises:
        ConfigError: An entry cannot be used; says which one and why.
    """
    found: list[Policy] = []
    for number, entry in enumerate(entries, 1):
        try:
            found.append(_policy(entry))
        except ConfigError as exc:
            raise ConfigError(
                f"{source}, retention entry {number}: {exc.args[0]}", hint=exc.hint
            ) from exc
    return check(found)


def check(given: Sequence[Policy]) -> tuple[Policy, ...]:
    """Refuse two policies about the same rows.

    Raises:
        ConfigError: Two are about the same rows.
    """
    seen: set[str] = set()
    for policy in given:
        about = policy.label if policy.at_most is None else f"how many {policy.what} a user has"
        if about in seen:
            raise ConfigError(
                f"Two retention policies are about {about}.", hint="Take one of them away."
            )
        seen.add(about)
    return tuple(given)


def with_expiring(given: Sequence[Policy], tables: Container[str]) -> tuple[Policy, ...]:
    """Add what goes without a policy: rows of these tables that have expired by themselves."""
    named = {policy.what for policy in given if policy.at_most is None}
    added: list[What] = [what for what in _ALWAYS if what not in named and what in tables]
    return (*given, *(Policy(what, timedelta()) for what in added))


def duration(text: object) -> timedelta | None:
    """Read a time such as `365d`; None for `never`.

    Raises:
        ConfigError: It is none.
    """
    if text == "never":
        return None
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ConfigError("`older_than` is no time.", hint=_FORM)
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


def written(time: timedelta) -> str:
    """Write a time as `duration` reads it, as far as it can be."""
    seconds = int(time.total_seconds())
    if time != timedelta(seconds=seconds) or seconds % 3600:
        return f"{time.total_seconds():g}s"
    return f"{seconds // 86_400}d" if seconds % 86_400 == 0 else f"{seconds // 3600}h"


def _policy(entry: Mapping[str, object]) -> Policy:
    for key in entry:
        if key not in _KEYS:
            raise ConfigError(f"unknown key `{key}`.", hint=f"Known are {', '.join(_KEYS)}.")
    given = {key: entry.get(key) for key in ("what", "role", "of", "at_most")}
    if ("older_than" in entry) is (given["at_most"] is not None):
        if given["at_most"] is not None:
            raise ConfigError("`at_most` and `older_than` are two policies.", hint=_TWO)
        raise ConfigError("`older_than` is missing.", hint=_FORM)
    age = duration(entry["older_than"]) if "older_than" in entry else None
    return Policy(older_than=age, **cast("dict[str, Any]", given))


def _fault(policy: Policy) -> tuple[str, str | None] | None:
    """Say what is wrong with a policy, and what to do."""
    for key, known in (("what", What), ("role", Role), ("of", Of)):
        value, names = getattr(policy, key), get_args(known)
        if value not in names and not (value is None and key != "what"):
            return f"`{key}` is none that is known", f"Known are {', '.join(names)}."
    if policy.role is not None and policy.what != "messages":
        return "`role` is for messages only", "Take it away."
    if policy.of is not None and policy.what not in _OWNED:
        return f"`of` is for {', '.join(_OWNED)} only", "Take it away."
    return _age_fault(policy) if policy.at_most is None else _number_fault(policy)


def _number_fault(policy: Policy) -> tuple[str, str | None] | None:
    number = cast("object", policy.at_most)
    if policy.what != "sessions":
        return "`at_most` is for sessions only", "Take it away."
    if policy.older_than is not None:
        return "`at_most` and `older_than` are two policies", _TWO
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= _MOST:
        return f"`at_most` is not a whole number from 1 to {_MOST}", None
    return None


def _age_fault(policy: Policy) -> tuple[str, str | None] | None:
    age = cast("object", policy.older_than)
    if age is None:
        return None
    if not isinstance(age, timedelta):
        return "older_than is no timedelta", "Give a timedelta, or None for never."
    if not timedelta() <= age <= _LONGEST:
        return "older_than is not between 0 and 36500 days", None
    if age == timedelta() and policy.what not in (*_ENDING, "trash"):
        return "older_than is zero: everything would go", "Write at least 1h."
    return None
