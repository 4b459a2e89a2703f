"""Which processes belong to a data folder, told without trusting a stored process id.

PostgreSQL's processes, postmaster and backends alike, all work inside their data folder. A zombie
has no folder any more, and a recycled id belongs to a process that is somewhere else.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path


def postmaster_pid(data: Path) -> int | None:
    """The process id in postmaster.pid, or None; it may be stale or anybody's."""
    try:
        with (data / "postmaster.pid").open(encoding="utf-8") as file:
            return int(file.readline())
    except (OSError, ValueError):
        return None


def processes_of(data: Path) -> list[int]:
    """Ids of the living processes of this data folder.

    Without /proc (macOS) only the postmaster is found, by its id.
    """
    if not sys.platform.startswith("linux"):
        pid = postmaster_pid(data)
        return [pid] if pid is not None and _exists(pid) else []
    wanted, found = os.path.realpath(data), list[int]()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(
                OSError
            ):  # it ended meanwhile, or is another user's, so not of this server
                if os.readlink(entry / "cwd") == wanted:  # noqa: PTH115 - Path would normalise " (deleted)"
                    found.append(int(entry.name))
    return found


def works_in(pid: int, data: Path) -> bool:
    """Tell whether this process is alive and belongs to the data folder."""
    if not sys.platform.startswith("linux"):
        return _exists(pid)
    try:
        return os.readlink(f"/proc/{pid}/cwd") == os.path.realpath(data)  # noqa: PTH115 - as above
    except OSError:
        return False


def send(pid: int, data: Path, number: signal.Signals) -> None:
    """Signal a process of this data folder; a process that is not one, or gone, is left alone."""
    if works_in(pid, data):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
