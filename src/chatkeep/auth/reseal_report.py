"""What sealing the stored tokens found and did."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class ResealReport:
    """Numbers of tokens, of which an account has up to three.

    Attributes:
        is_dry_run: Nothing was changed.
        opens: Tokens were to be opened, not sealed.
        newest: Id of the key that seals; None when opening.
        plain: In plain text before.
        keys: Sealed before, by the id of their key.
        better_auth: Of accounts that Better Auth encrypted; they are left alone.
        damaged: Begin like a sealed value and are none; they are left alone.
        sealed: Plain ones that were sealed.
        resealed: Sealed ones that were sealed with the newest key, by the id of the one before.
        opened: Sealed ones that were opened, by the id of their key.
        unreadable: That do not open, by the id of the key; left alone.
        busy: Accounts that others kept changing or held until the end; left alone.
    """

    is_dry_run: bool
    opens: bool
    newest: str | None
    plain: int = 0
    keys: Counter[str] = field(default_factory=Counter[str])
    better_auth: int = 0
    damaged: int = 0
    sealed: int = 0
    resealed: Counter[str] = field(default_factory=Counter[str])
    opened: Counter[str] = field(default_factory=Counter[str])
    unreadable: Counter[str] = field(default_factory=Counter[str])
    busy: int = 0

    @property
    def pending(self) -> int:
        """Tokens that were to be changed when it began."""
        if self.opens:
            return self.keys.total()
        return self.plain + self.keys.total() - self.keys[self.newest or ""]

    @property
    def done(self) -> int:
        """Tokens that were changed."""
        return self.sealed + self.resealed.total() + self.opened.total()

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left that should have been changed."""
        return not self.unreadable and not self.busy and not self.damaged

    def as_json(self) -> dict[str, object]:
        """Give the report for programs."""
        return {
            "dry_run": self.is_dry_run,
            "opens": self.opens,
            "newest": self.newest,
            "found": {
                "plain": self.plain,
                "keys": dict(sorted(self.keys.items())),
                "better_auth": self.better_auth,
                "damaged": self.damaged,
            },
            "sealed": self.sealed,
            "resealed": dict(sorted(self.resealed.items())),
            "opened": dict(sorted(self.opened.items())),
            "unreadable": dict(sorted(self.unreadable.items())),
            "busy": self.busy,
        }
