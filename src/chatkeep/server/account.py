"""Who runs the server: ourselves, or for root an unprivileged user, as PostgreSQL demands."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chatkeep.errors import ServerError


@dataclass(frozen=True, slots=True)
class Account:
    """The user that PostgreSQL's programs run as.

    Attributes:
        name: Its name, for messages.
        uid: Its user id.
        gid: Its main group.
        switched: True when we are root and children must drop to it.
    """

    name: str
    uid: int
    gid: int
    switched: bool

    def popen(
        self,
        command: Sequence[str | Path],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.STDOUT,
    ) -> subprocess.Popen[bytes]:
        """Start a program as this user, in `/`, without our PG* variables.

        Rights are dropped in the child alone, between fork and exec.
        """
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("PG") and key not in {"DATABASE_URL", "HOME"}
        }
        environment |= {"LC_ALL": "C", "TZ": "UTC"}
        return subprocess.Popen(  # noqa: S603 - a list of our own words, no shell
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd="/",
            env=environment,
            user=self.uid if self.switched else None,
            group=self.gid if self.switched else None,
            extra_groups=[] if self.switched else None,
            start_new_session=True,
            umask=0o077,
        )

    def run(self, command: Sequence[str | Path]) -> tuple[int, str]:
        """Run a program as this user to its end: exit code and mixed output; 126 if not allowed."""
        try:
            with self.popen(command) as process:
                output, _ = process.communicate()
                return process.returncode, output.decode("utf-8", "replace")
        except OSError as exc:
            return 126, str(exc)

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this user may pass through the folder; asks the kernel, not the modes."""
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder])[0] == 0

    def make_folder(self, folder: Path) -> None:
        """Make a folder of this user's own, 0700; one that exists is left as it is."""
        if not folder.exists():
            folder.mkdir(mode=0o700)
            if self.switched:
                os.chown(folder, self.uid, self.gid)


def choose(data: Path | None = None) -> Account:
    """Pick the user: ourselves; as root CHATKEEP_PG_USER, the data's owner, `postgres`, `nobody`.

    Raises:
        ServerError: We are root and there is no unprivileged user to be had.
    """
    if os.geteuid() != 0:
        return Account(_name(os.geteuid()), os.geteuid(), os.getegid(), switched=False)
    wanted = os.environ.get("CHATKEEP_PG_USER")
    owner = data.stat().st_uid if data is not None and data.exists() else 0
    for name in [wanted] if wanted else [_name(owner) if owner else "", "postgres", "nobody"]:
        try:
            entry = pwd.getpwnam(name) if name else None
        except KeyError:
            entry = None
        if entry is not None and entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switched=True)
    who = f"`{wanted}` from CHATKEEP_PG_USER" if wanted else "`postgres` nor `nobody`"
    raise ServerError(
        f"PostgreSQL refuses to run as root, and there is no unprivileged user {who}.",
        hint="Set CHATKEEP_PG_USER to an existing user, or run chatkeep as an ordinary user.",
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
