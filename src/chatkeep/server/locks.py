"""File locks that the kernel frees when their holder dies, however it dies.

All are flock(2) locks: they belong to the open file, so a close-on-exec descriptor never travels
into a child program.
"""

import fcntl
import os
import time
from pathlib import Path

from chatkeep.errors import ServerError

_PAUSE = 0.01


def open_lock(path: Path) -> int:
    """Open a lock file, made 0600 where it is new; the descriptor is close-on-exec.

    Raises:
        ServerError: The file is another user's.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as exc:
        raise ServerError(
            f"{path} belongs to another user.", hint="Run chatkeep as the owner of that folder."
        ) from exc
    if os.geteuid() == 0:
        # Root at work in an ordinary user's project: that user must be able to lock it tomorrow.
        owner = path.parent.stat()
        if os.fstat(fd).st_uid != owner.st_uid:
            os.fchown(fd, owner.st_uid, owner.st_gid)
    return fd


def try_lock(fd: int, *, exclusive: bool) -> bool:
    """Take the lock if it is free now."""
    try:
        fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_lock(fd: int, *, exclusive: bool, timeout: float) -> bool:
    """Take the lock within `timeout` seconds; False when it stayed taken."""
    deadline = time.monotonic() + timeout
    while not try_lock(fd, exclusive=exclusive):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True


def is_held(path: Path) -> bool:
    """Tell whether some process holds the lock exclusively."""
    if not path.exists():
        return False
    fd = open_lock(path)
    try:
        return not try_lock(fd, exclusive=False)
    finally:
        os.close(fd)
