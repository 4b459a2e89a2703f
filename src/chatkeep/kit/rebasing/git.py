"""What git knows of a migrations folder: other commits, and the sides of a conflict."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from chatkeep.errors import MigrationsFolderError

BASE, OURS, THEIRS = 1, 2, 3
"""The stages of a conflicted file: the common ancestor, HEAD, and what is merged into it."""

_MAIN = {"main", "master", "trunk"}


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository around a folder. Nothing in it is changed."""

    git: str
    folder: Path

    @classmethod
    def around(cls, folder: Path) -> "Repository | None":
        """Give the repository of the folder; None where there is none, or no git."""
        git = shutil.which("git")
        if git is None or not folder.is_dir():
            return None
        found = cls(git, folder)
        return found if found._ask("rev-parse", "--is-inside-work-tree") == b"true\n" else None

    def commit(self, ref: str) -> str | None:
        """Give the commit that a name means, or None."""
        said = self._ask(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
        )
        return said.decode().strip() if said else None

    def merge_base(self, one: str, other: str) -> str | None:
        """Give the commit from which two branches went apart, or None."""
        said = self._ask("merge-base", one, other)
        return said.decode().strip() if said else None

    def read(self, revision: str, path: str) -> bytes | None:
        """Give a file of the folder as a commit has it; None where it has none."""
        return self._ask("cat-file", "blob", f"{revision}:./{path}")

    def read_of_side(self, stage: int, path: str) -> bytes | None:
        """Give a file as the commit has it from which a side of the conflict comes."""
        refs = {OURS: ("HEAD",), THEIRS: ("MERGE_HEAD", "REBASE_HEAD", "CHERRY_PICK_HEAD")}
        for ref in refs.get(stage, ()):
            if self.commit(ref):
                return self.read(ref, path)
        return None

    def other_side(self) -> str | None:
        """Give the side of the running or last merge whose migrations others may have applied.

        On the main branch its own, on another branch what is merged into it; None without a merge.
        """
        for ours, other in (("HEAD", "MERGE_HEAD"), ("HEAD^1", "HEAD^2")):
            if self.commit(other):
                return ours if self.is_main_branch() else other
        return None

    def stages(self) -> dict[str, frozenset[int]]:
        """Give the stages that conflicted files of the folder have, by path inside it."""
        found: dict[str, frozenset[int]] = {}
        for line in (self._ask("ls-files", "--unmerged", "-z", "--", ".") or b"").split(b"\0"):
            head, _, name = line.decode("utf-8", "surrogateescape").partition("\t")
            if name:
                found[name] = found.get(name, frozenset()) | {int(head.split()[2])}
        return found

    def is_main_branch(self) -> bool:
        """Say whether the branch that is checked out is the one that others branch off from."""
        branch = (self._ask("symbolic-ref", "--quiet", "--short", "HEAD") or b"").decode().strip()
        remote = self._ask("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD") or b""
        return branch in _MAIN | {remote.decode().strip().removeprefix("origin/")} - {""}

    def _ask(self, *words: str) -> bytes | None:
        try:
            run = subprocess.run(  # noqa: S603 - git itself, and no shell
                [self.git, "-C", str(self.folder), *words], capture_output=True, check=False
            )
        except OSError as exc:
            raise MigrationsFolderError(f"git cannot be run: {exc.strerror}.") from exc
        return run.stdout if run.returncode == 0 else None
