"""Where the server's files lie.

Normally all in `.chatkeep/`. Two things force a part of them elsewhere: a folder that the
server's user may not enter (root's case), and a path too long for a Unix socket.
"""

import hashlib
import json
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from chatkeep.errors import ServerError
from chatkeep.server.account import Account, choose
from chatkeep.server.binaries import SHARED
from chatkeep.server.probe import Login

DATABASE = "chatkeep"
PORT = 5432
_SOCKET_LIMIT = 103  # macOS; Linux has 107


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one embedded server.

    Attributes:
        root: The project's `.chatkeep/`: password, locks, log. Ours.
        home: Holds `data/`; mostly the same folder. In root's case under /var/lib/chatkeep.
        run: Folder of the socket, 0700, the server's user's.
        account: The user that runs the server.
    """

    root: Path
    home: Path
    run: Path
    account: Account

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.home / "data"

    @property
    def alias(self) -> Path:
        """A link to the socket's folder whose name ends in a comma; see `url.py` for why."""
        return self.run.with_name(self.run.name + ",")

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.root / "server.log"

    @property
    def pointer(self) -> Path:
        """Tells where `home` is, when it is not `root`."""
        return self.root / "place.json"

    @property
    def supervisor_log(self) -> Path:
        """What the last supervisor had to say; empty when all went well."""
        return self.root / "supervisor.log"

    @property
    def password_file(self) -> Path:
        """The superuser's password, 0600."""
        return self.root / "password"

    @property
    def keep(self) -> Path:
        """Marker: do not stop when the last client leaves."""
        return self.root / "keep"

    @property
    def tcp(self) -> Path:
        """Holds the port on 127.0.0.1 when one was asked for."""
        return self.root / "tcp-port"

    @property
    def start_lock(self) -> Path:
        """Held exclusively by whoever starts or stops the server."""
        return self.root / "start.lock"

    @property
    def lease_lock(self) -> Path:
        """Held shared by every client."""
        return self.root / "lease.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Held exclusively by the supervisor for its whole life; holds its process id."""
        return self.root / "supervisor.lock"

    def password(self) -> str:
        """Read the password.

        Raises:
            ServerError: It is gone while the data is there, or cannot be read.
        """
        try:
            return self.password_file.read_text(encoding="ascii").strip()
        except OSError as exc:
            raise ServerError(
                f"The server's password cannot be read from {self.password_file}.",
                hint="Put the file back, or begin anew with `chatkeep db reset`.",
            ) from exc

    def port(self) -> int | None:
        """The port on 127.0.0.1, or None when the server listens on its socket alone."""
        try:
            return int(self.tcp.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None

    def login(self) -> Login:
        """How the superuser gets in.

        Raises:
            ServerError: The password cannot be read.
        """
        return Login(self.run, self.password(), port=self.port() or PORT)

    def make_password(self) -> None:
        """Make a password unless there is one; whole or not at all."""
        if not self.password_file.exists():
            write_private(self.password_file, secrets.token_urlsafe(24))


def find_place(root: Path) -> Place:
    """Settle where the files of this `.chatkeep/` lie, making the folders that are missing.

    Raises:
        ServerError: The folder cannot be made or used.
    """
    try:
        return _find(root.absolute())
    except PermissionError as exc:
        raise ServerError(
            f"{exc.filename or root} cannot be written by this user.",
            hint="Run as the user who owns the project's `.chatkeep/`.",
        ) from exc


def _find(root: Path) -> Place:
    _make_root(root)
    account = choose(root / "data")
    home = root
    key = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    if account.switched:
        moved = _pointer(root) or (None if account.can_enter(root) else SHARED / key)
        if moved:
            _make_shared(moved)
            _point(root, moved)
            home, account = moved, choose(moved / "data")
    run = home / "run"
    # A comma separates folders for PostgreSQL and hosts for its clients.
    if "," in str(run) or len(os.fsencode(run)) + len(",/.s.PGSQL.65535") > _SOCKET_LIMIT:
        run = _short_folder(account, key) / "run"
    account.make_folder(run)
    place = Place(root, home, run, account)
    if not place.alias.is_symlink():
        place.alias.symlink_to(run.name)
    return place


def _make_root(root: Path) -> None:
    if root.is_dir():
        return
    # 0711: the server's user must pass through, and sees no names; each file is 0600 or 0700.
    root.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    (root / ".gitignore").write_text("*\n")


def _make_shared(folder: Path) -> None:
    for path in (SHARED, folder):
        path.mkdir(mode=0o711, exist_ok=True)
        if path.is_symlink() or path.stat().st_uid != os.geteuid():
            raise ServerError(f"{path} belongs to somebody else.", hint="Remove it, or rename it.")


def _short_folder(account: Account, key: str) -> Path:
    """A folder of ours with a short path; /tmp is open to all, so what is there is checked."""
    if account.switched:
        _make_shared(SHARED / key)
        return SHARED / key
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    usable = runtime is not None and len(runtime) < 50 and os.access(runtime, os.W_OK)
    folder = Path(runtime if runtime and usable else "/tmp") / f"chatkeep-{account.uid}-{key}"  # noqa: S108 - 0700 and checked below
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise ServerError(
            f"{folder}, meant for the server's socket, is not a private folder of ours.",
            hint="Remove it, or move the project to a shorter path.",
        )
    return folder


def _pointer(root: Path) -> Path | None:
    """Where an earlier start put the data; not heeded in a copy of a project that still exists."""
    try:
        note = json.loads((root / "place.json").read_text(encoding="utf-8"))
        project, home = Path(note["project"]), Path(note["home"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as exc:
        raise ServerError(
            f"{root / 'place.json'} cannot be read.",
            hint="It names the folder of the data under /var/lib/chatkeep; mend or remove it.",
        ) from exc
    copied = project != root and (project / "place.json").exists()
    return home if home.parent == SHARED and not copied else None


def _point(root: Path, home: Path) -> None:
    note = json.dumps({"project": str(root), "home": str(home)})
    path = root / "place.json"
    if not path.exists() or path.read_text(encoding="utf-8") != note:
        write_private(path, note)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
