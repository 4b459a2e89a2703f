"""The process that owns the server: starts it, and stops it when nobody uses it any more.

It is a process of its own, detached from whoever started it. Clients hold the lease lock shared;
the supervisor stops the server when it gets that lock exclusively, which it can as soon as no
client is left, however they ended. It holds it while stopping, so that a client who arrives
meanwhile waits and then starts anew.

    python -m chatkeep.server.supervisor ROOT [PORT]

prints one line of JSON, `{}` or `{"error": ..., "message": ..., "hint": ...}`, when the server is
ready or failed.
"""

import json
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from chatkeep.errors import ChatkeepError
from chatkeep.server.binaries import find_binaries, within_reach
from chatkeep.server.cluster import check_version, prepare_data
from chatkeep.server.locks import open_lock, try_lock, wait_lock
from chatkeep.server.place import Place, find_place
from chatkeep.server.postmaster import Postmaster, open_server

_TICK_SECONDS = 0.1
_LOCK_SECONDS = 0.5  # somebody who merely looks gives it back sooner


def main() -> None:
    """Detach, run one server to its end, and report to whoever started us."""
    if os.fork():
        os._exit(0)  # the starter reaps this one at once; the supervisor belongs to init
    root, port = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        place = find_place(root)
        lock = open_lock(place.supervisor_lock)
        if not wait_lock(lock, exclusive=True, timeout=_LOCK_SECONDS):
            sys.exit(0)  # another one is at work; our starter sees the closed pipe and asks it
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        wanted = _on_signals()
        server = _open(place, port)
    except (ChatkeepError, OSError) as exc:
        _tell(report, exc)
        sys.exit(1)
    try:
        _say(report, "{}")
        _watch(place, server, wanted)
    finally:  # whatever happens to the supervisor, the server does not outlive it
        server.stop()
        os.close(lock)


def _on_signals() -> threading.Event:
    """An event that SIGTERM and its like set: stop now, whoever is connected."""
    wanted = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: wanted.set())
    return wanted


def _open(place: Place, port: int | None) -> Postmaster:
    binaries = within_reach(find_binaries(), place.account)
    check_version(place, binaries)
    prepare_data(place, binaries)
    return open_server(place, binaries, port)


def _tell(report: TextIO, exc: Exception) -> None:
    hint = exc.hint if isinstance(exc, ChatkeepError) else None
    message = str(exc.args[0]) if isinstance(exc, ChatkeepError) else f"{type(exc).__name__}: {exc}"
    _say(report, json.dumps({"error": type(exc).__name__, "message": message, "hint": hint}))


def _say(report: TextIO, line: str) -> None:
    """Tell the starter; it may have been killed meanwhile, then its lease is free already."""
    with suppress(BrokenPipeError), report:
        report.write(f"{line}\n")


def _watch(place: Place, server: Postmaster, wanted: threading.Event) -> None:
    """Return when the server is to be stopped, with the lease held for the rest of our life.

    With it in hand nobody can come in before the server is gone. When the server died, or we were
    told to stop, clients may hold it: they see their connections end.
    """
    lease = open_lock(place.lease_lock)
    while server.alive() and not wanted.is_set():
        if not place.keep.exists() and try_lock(lease, exclusive=True):
            break
        wanted.wait(_TICK_SECONDS)


if __name__ == "__main__":
    main()
