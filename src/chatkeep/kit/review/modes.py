"""PostgreSQL's table locks, from the weakest to the strongest, and what each one blocks."""

MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
ROW_EXCLUSIVE = MODES.index("RowExclusiveLock")
SHARE_UPDATE_EXCLUSIVE = MODES.index("ShareUpdateExclusiveLock")
SHARE = MODES.index("ShareLock")
ACCESS_EXCLUSIVE = MODES.index("AccessExclusiveLock")

_NAMES = (
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)


def strength(mode: str) -> int:
    """Give a lock's place among the eight, from 0; a mode of no table is -1."""
    return MODES.index(mode) if mode in MODES else -1


def name(lock: int) -> str:
    """Give a lock's name as PostgreSQL's documentation writes it."""
    return _NAMES[lock]


def blocks(lock: int) -> str:
    """Say what waits for such a lock: `reads and writes`, `writes`, or "" for neither."""
    if lock == ACCESS_EXCLUSIVE:
        return "reads and writes"
    return "writes" if lock >= SHARE else ""
