"""The embedded PostgreSQL of one project, as its clients see it."""

import contextlib
import os
import re
import shutil
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chatkeep.errors import ServerError, ServerNotRunningError, ServerStartError
from chatkeep.server import locks
from chatkeep.server.binaries import Binaries, find_binaries, within_reach
from chatkeep.server.cluster import check_version, data_version, sweep
from chatkeep.server.launch import launch
from chatkeep.server.lease import Lease
from chatkeep.server.place import DATABASE, Place, find_place
from chatkeep.server.postmaster import answers, ensure_database, free_port
from chatkeep.server.probe import RefusedError
from chatkeep.server.processes import postmaster_pid, processes_of, send
from chatkeep.server.url import server_url

_DATABASE_NAME = re.compile("[a-z][a-z0-9_]{0,62}")
_WAIT_SECONDS = 330.0  # longer than the server may take to recover from a crash
_LAUNCHES = 3
_DOWN = (False, False, False, None, None, None)
_IN_USE_SECONDS = 0.5  # somebody who merely looks gives the lease back sooner


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What a server is doing.

    Attributes:
        running: It answered a real `SELECT 1` just now.
        in_use: Some process holds a lease.
        keep: It stays up when the last lease ends.
        version: Major version of the data, or None when there is none yet.
        pid: Process id of the running server.
        port: Port on 127.0.0.1, or None: it listens on its Unix socket alone.
        socket_dir: Folder of the Unix socket.
        data: The data folder.
        log: The server's log.
        user: Name of the user that runs it; empty where there never was a server.
    """

    running: bool
    in_use: bool
    keep: bool
    version: int | None
    pid: int | None
    port: int | None
    socket_dir: Path
    data: Path
    log: Path
    user: str


class EmbeddedServer:
    """The PostgreSQL that lives in a project's `.chatkeep/`.

    Every method blocks; call them from async code through `asyncio.to_thread`. Any number of
    processes may share one server: it starts with the first lease and stops after the last.

    Example:
        >>> from pathlib import Path
        >>> with EmbeddedServer(Path(".chatkeep")).acquire() as lease:
        ...     url = lease.url
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def acquire(self) -> Lease:
        """Start the server when it does not run, and hold it until the lease is closed.

        Raises:
            BinariesNotFoundError: There is no PostgreSQL to be found.
            ServerVersionError: The data belongs to another major version.
            ServerStartError: It did not come up; the hint names the log.
            ServerError: The folder, the password or root's unprivileged user is wrong.
        """
        return self._acquire(None)

    def start(self, *, keep: bool = True, tcp: bool = False) -> ServerStatus:
        """Start the server and let it stay up after the last lease, until `stop`.

        Args:
            keep: False lets it stop when nobody holds a lease, so at once unless somebody does.
            tcp: Listen on a free port of 127.0.0.1 too. A running server is not switched.

        Raises:
            ServerError: TCP was asked for and the server runs without; else as `acquire`.
        """
        with self._acquire(free_port() if tcp else None):
            place = find_place(self.root)
            if tcp and place.port() is None:
                raise ServerError(
                    "The server runs already, without TCP.",
                    hint="Run `chatkeep db stop`, then `chatkeep db start --tcp`.",
                )
            if keep:
                place.keep.touch(mode=0o600)
            return self.status()

    def stop(self, *, force: bool = False) -> bool:
        """Let the server stop; True when it is down on return.

        While other processes hold leases it stays up and False is returned: it then stops when
        the last of them leaves.

        Args:
            force: Stop it at once; sessions of other processes end with an error.

        Raises:
            ServerError: Somebody else has been starting or stopping it for too long.
        """
        if not self.root.is_dir():
            return True
        place = find_place(self.root)
        with _mutex(place):
            place.keep.unlink(missing_ok=True)
            if not force and _in_use(place):
                return False
            _end(place)
            return True

    def status(self) -> ServerStatus:
        """Look at the server; a running one has answered a query."""
        if not self.root.is_dir():
            data, log = self.root / "data", self.root / "server.log"
            return ServerStatus(*_DOWN, self.root / "run", data, log, "")
        place = find_place(self.root)
        running = place.data.exists() and answers(place)
        return ServerStatus(
            running=running,
            in_use=_in_use(place, timeout=0),
            keep=place.keep.exists(),
            version=data_version(place),
            pid=postmaster_pid(place.data) if running else None,
            port=place.port() if running else None,
            socket_dir=place.run,
            data=place.data,
            log=place.log,
            user=place.account.name,
        )

    def url(self, database: str = DATABASE) -> str:
        """Give a URL that psql, asyncpg, psycopg and Node take. It holds the password.

        Raises:
            ServerNotRunningError: The server has never been started, so it has no password yet.
        """
        if not (self.root / "password").exists():
            raise ServerNotRunningError(
                f"There is no server in {self.root} yet.", hint="Run `chatkeep db start`."
            )
        return server_url(find_place(self.root), database)

    def create_database(self, name: str) -> str:
        """Make a database on the running server unless it is there, and give its URL.

        Args:
            name: Lower-case letters, digits and underscores, a letter first, at most 63.

        Raises:
            ServerError: The name cannot be used, or the server refuses.
            ServerNotRunningError: The server is down; hold a lease meanwhile.
        """
        if not _DATABASE_NAME.fullmatch(name):
            raise ServerError(
                f"{name!r} cannot be the name of a database here.",
                hint="Use lower-case letters, digits and underscores.",
            )
        url = self.url(name)
        try:
            ensure_database(find_place(self.root), name)
        except RefusedError as exc:
            raise ServerError(f"The server made no database {name}: {exc}.") from exc
        except OSError as exc:
            raise ServerNotRunningError(
                f"The server in {self.root} does not run.", hint="Run `chatkeep db start`."
            ) from exc
        return url

    def client_environment(self, database: str = DATABASE) -> dict[str, str]:
        """Give the PG* variables for PostgreSQL's own programs: the password stays out of argv.

        Raises:
            ServerError: There is no password, or it cannot be read.
        """
        login = find_place(self.root).login()
        return {
            "PGHOST": str(login.socket_dir),
            "PGPORT": str(login.port),
            "PGUSER": login.user,
            "PGPASSWORD": login.password,
            "PGDATABASE": database,
        }

    def binaries(self) -> Binaries:
        """Give PostgreSQL's programs, such as `psql`, as this project's server uses them.

        Raises:
            BinariesNotFoundError: There is no PostgreSQL to be found.
        """
        return within_reach(find_binaries(), find_place(self.root).account)

    def reset(self, *, force: bool = False) -> None:
        """Stop the server and delete every database of it, the password too.

        Args:
            force: Also while other processes use it.

        Raises:
            ServerError: Other processes use it and `force` is False; nothing was deleted.
        """
        place = find_place(self.root)
        with _mutex(place):
            if not force and _in_use(place):
                raise ServerError(
                    "Other processes are using the server; nothing was deleted.",
                    hint="End them, or run `chatkeep db reset --force`.",
                )
            place.keep.unlink(missing_ok=True)
            _end(place)
            sweep(place)
            for folder in (place.data, place.run):
                if folder.exists():
                    shutil.rmtree(folder)
            for file in (place.alias, place.password_file, place.tcp, place.log, place.pointer):
                file.unlink(missing_ok=True)
            for folder in {place.home, place.run.parent} - {place.root}:
                shutil.rmtree(folder, ignore_errors=True)  # `sweep` says why files may appear

    def _acquire(self, port: int | None) -> Lease:
        place = find_place(self.root)
        fd = locks.open_lock(place.lease_lock)
        try:
            # Before anything else: with this in hand, no supervisor decides to stop.
            _hold(fd, place)
            with _mutex(place):
                _ensure(place, port)
            return Lease(fd, server_url(place, DATABASE), lambda: _leave(place))
        except BaseException:
            os.close(fd)
            raise


def _hold(fd: int, place: Place) -> None:
    if not locks.wait_lock(fd, exclusive=False, timeout=_WAIT_SECONDS):
        raise ServerStartError(
            f"The server in {place.data} has been stopping for {_WAIT_SECONDS:.0f} seconds.",
            hint=f"Look into {place.log}.",
        )


@contextmanager
def _mutex(place: Place) -> Generator[None]:
    """Only one process at a time starts or stops the server."""
    fd = locks.open_lock(place.start_lock)
    try:
        if not locks.wait_lock(fd, exclusive=True, timeout=_WAIT_SECONDS):
            raise ServerError(
                f"Another process has been starting the server in {place.root} for too long.",
                hint=f"Look into {place.log}.",
            )
        yield
    finally:
        os.close(fd)


def _ensure(place: Place, port: int | None) -> None:
    """Have a server that answers and a supervisor that watches it; the mutex must be held."""
    deadline = time.monotonic() + _WAIT_SECONDS
    launches = 0
    while time.monotonic() < deadline and launches <= _LAUNCHES:
        if not locks.is_held(place.supervisor_lock):
            launches += 1  # a second one is for a supervisor or server that was killed just then
            check_version(place, within_reach(find_binaries(), place.account))
            launch(place, port)
        if place.data.exists() and answers(place):
            return
        time.sleep(0.01)
    raise ServerStartError(
        f"The server in {place.data} does not answer.",
        hint=f"Look into {place.log} and {place.supervisor_log}.",
    )


def _leave(place: Place) -> None:
    """Whoever leaves makes sure that somebody is left to stop the server."""
    if not locks.is_held(place.supervisor_lock) and processes_of(place.data):
        with _mutex(place):
            if not locks.is_held(place.supervisor_lock) and answers(place):
                launch(place, None)


def _in_use(place: Place, timeout: float = _IN_USE_SECONDS) -> bool:
    """Tell whether a client holds a lease; a supervisor that is stopping the server is none."""
    fd = locks.open_lock(place.lease_lock)
    try:
        if locks.wait_lock(fd, exclusive=True, timeout=timeout):
            return False
        # Clients hold the lock shared, a stopping supervisor holds it alone.
        return locks.try_lock(fd, exclusive=False)
    finally:
        os.close(fd)


def _end(place: Place) -> None:
    """Stop supervisor and server, whichever there is; the mutex must be held."""
    fd = locks.open_lock(place.supervisor_lock)
    deadline = time.monotonic() + _WAIT_SECONDS
    try:
        while not locks.try_lock(fd, exclusive=True):
            # Its holder is alive, so the id in the file is its own.
            with contextlib.suppress(ValueError, ProcessLookupError):
                os.kill(int(os.pread(fd, 20, 0)), signal.SIGTERM)
            if time.monotonic() > deadline:
                raise ServerError(
                    f"The server in {place.data} does not stop.", hint=f"Look into {place.log}."
                )
            time.sleep(0.02)
        pid = postmaster_pid(place.data)
        while processes_of(place.data):  # its supervisor was killed
            if pid is not None:
                send(pid, place.data, signal.SIGINT)
            time.sleep(0.05)
    finally:
        os.close(fd)
