"""Start, adopt and stop the server of one data folder. The supervisor alone calls this."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass

from chatkeep.errors import ServerStartError
from chatkeep.server.binaries import Binaries
from chatkeep.server.place import DATABASE, PORT, Place, write_private
from chatkeep.server.probe import RefusedError, ask
from chatkeep.server.processes import postmaster_pid, processes_of, send, works_in

_START_SECONDS = 300.0  # crash recovery of a large database takes its time
_ORPHAN_SECONDS = 3.0
_LOG_BYTES = 10_000_000
_STARTING_UP = "57P03"


@dataclass(slots=True)
class Postmaster:
    """A running server: our child, or one that we found and adopted."""

    place: Place
    pid: int
    child: subprocess.Popen[bytes] | None

    def alive(self) -> bool:
        """Tell whether the process is there; whether it answers is for `answers`."""
        if self.child is not None:
            return self.child.poll() is None
        return works_in(self.pid, self.place.data)

    def stop(self) -> None:
        """End all sessions, write everything to disk, and wait until no process is left."""
        send(self.pid, self.place.data, signal.SIGINT)
        if self.child is not None:
            self.child.wait()
        deadline = time.monotonic() + _ORPHAN_SECONDS
        while pids := processes_of(self.place.data):
            if time.monotonic() > deadline and self.pid not in pids:
                _end_orphans(self.place, pids)
            time.sleep(0.01)


def answers(place: Place) -> bool:
    """Ask the server a real question. A server that refuses our password is not ours."""
    try:
        return ask(place.login(), "postgres", "SELECT 1") == "1"
    except (OSError, RefusedError):
        return False


def open_server(place: Place, binaries: Binaries, port: int | None) -> Postmaster:
    """Give the server of this data folder: the one that runs, else a new one, ready for use.

    Raises:
        ServerStartError: It did not come up.
    """
    running = _adopt(place)
    if running is None:
        place.tcp.unlink(missing_ok=True)
        if port is not None:
            write_private(place.tcp, str(port))
        running = _start(place, binaries)
    try:
        ensure_database(place)
    except (OSError, RefusedError) as exc:
        running.stop()
        raise ServerStartError(
            f"The server in {place.data} refuses the login: {exc}.",
            hint=f"Does {place.password_file} hold its password? Else `chatkeep db reset`.",
        ) from exc
    return running


def _adopt(place: Place) -> Postmaster | None:
    """Take over a server whose supervisor was killed; wait out what is left of a killed one."""
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while pids := processes_of(place.data):
        pid = postmaster_pid(place.data)
        if pid in pids:
            if answers(place):
                return Postmaster(place, pid, None)
            if time.monotonic() > deadline + _START_SECONDS:
                raise ServerStartError(
                    f"Process {pid} works on {place.data} and does not answer.",
                    hint=f"Look into {place.log}, then stop that process.",
                )
        elif time.monotonic() > deadline:
            _end_orphans(place, pids)
        time.sleep(0.02)
    # Nobody works here, so a process id that is left was recycled or is about to be; PostgreSQL
    # would refuse to start for as long as some stranger wears it.
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    return None


def _end_orphans(place: Place, pids: list[int]) -> None:
    """Backends notice their postmaster's death when they next wait; some never wait."""
    for pid in pids:
        send(pid, place.data, signal.SIGQUIT)


def _start(place: Place, binaries: Binaries) -> Postmaster:
    command = [
        binaries.program("postgres"),
        *("-D", place.data, "-k", place.run, "-p", str(place.port() or PORT)),
        *("-h", "127.0.0.1" if place.port() else ""),
        *("-c", "unix_socket_permissions=0700"),
    ]
    too_long = place.log.exists() and place.log.stat().st_size > _LOG_BYTES
    mode = os.O_TRUNC if too_long else 0
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | mode, 0o600)
    try:
        offset = os.fstat(log).st_size
        child = place.account.popen(command, stdout=log, stderr=log)
    finally:
        os.close(log)
    server = Postmaster(place, child.pid, child)
    deadline = time.monotonic() + _START_SECONDS
    pause = 0.005
    while not _accepts(place):
        if child.poll() is not None:
            raise ServerStartError(
                f"PostgreSQL {binaries.version} in {place.data} stopped while starting{_why(place, offset)}.",
                hint=f"Look into {place.log}.",
            )
        if time.monotonic() > deadline:
            server.stop()
            raise ServerStartError(
                f"PostgreSQL in {place.data} was not ready after {_START_SECONDS:.0f} seconds.",
                hint=f"Look into {place.log}.",
            )
        time.sleep(pause)
        pause = min(pause * 1.2, 0.05)
    return server


def _accepts(place: Place) -> bool:
    """Tell whether logins are taken; a refused one counts, the caller then says so."""
    try:
        ask(place.login(), "postgres", "SELECT 1")
    except RefusedError as exc:
        return exc.sqlstate != _STARTING_UP
    except OSError:
        return False
    return True


def _why(place: Place, offset: int) -> str:
    with suppress(OSError), place.log.open("rb") as file:
        file.seek(offset)
        lines = file.read(100_000).decode("utf-8", "replace").splitlines()
        fatal = [line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line]
        return f": {fatal[-1]}" if fatal else ""
    return ""


def ensure_database(place: Place, name: str = DATABASE) -> None:
    """Make a database on the running server unless it is there.

    Args:
        place: Of the server.
        name: Lower-case letters, digits and underscores.

    Raises:
        RefusedError: The server refuses.
        OSError: It does not answer.
    """
    login = place.login()
    there = f"SELECT 1 FROM pg_database WHERE datname = '{name}'"  # noqa: S608 - a checked name
    if ask(login, "postgres", there) is not None:
        return
    try:
        ask(login, "postgres", f'CREATE DATABASE "{name}" STRATEGY wal_log', timeout=60)
    except RefusedError:
        if ask(login, "postgres", there) is None:  # not because somebody else made it meanwhile
            raise


def free_port() -> int:
    """A port on 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
