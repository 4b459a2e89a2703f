"""Repositories with a migrations folder, made for one test."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.folder.append import Draft, append
from chatkeep.kit.snapshot.snapshot import empty_snapshot

WHO = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_EDITOR": "true",
}


@dataclass(frozen=True)
class Repo:
    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "drizzle"

    def git(self, *words: str, fails: bool = False) -> str:
        command = ["git", "-C", str(self.root), *words]
        run = subprocess.run(command, env={**os.environ, **WHO}, capture_output=True, text=True)
        assert (run.returncode != 0) is fails, run.stdout + run.stderr
        return run.stdout

    def add(self, name: str, sql: str, down: str | None = None) -> Path:
        """Write a migration behind the last one, and commit it."""
        _, (path,) = append(
            Folder.read(self.folder, create=True), [Draft(name, sql, empty_snapshot())]
        )
        if down is not None:
            path.with_suffix(".down.sql").write_text(down)
        self.commit(name)
        return path

    def commit(self, what: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", what)

    def tags(self) -> list[str]:
        return [migration.tag for migration in Folder.read(self.folder).migrations]

    def content(self) -> dict[str, bytes]:
        found = self.folder.rglob("*")
        return {str(p.relative_to(self.folder)): p.read_bytes() for p in found if p.is_file()}


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository on branch main with one migration that makes table t."""
    made = Repo(tmp_path / "repo")
    made.root.mkdir()
    made.git("init", "-q", "-b", "main")
    made.add("base", "create table t (id int);")
    return made


@pytest.fixture
def forked(repo: Repo) -> Repo:
    """Two migrations on main (a, b) and two on feature (x, y), which is checked out."""
    repo.git("checkout", "-q", "-b", "feature")
    repo.add("x", "create table x (id int);")
    repo.add("y", "alter table x add y int;")
    repo.git("checkout", "-q", "main")
    repo.add("a", "create table a (id int);")
    repo.add("b", "alter table t add b int;")
    repo.git("checkout", "-q", "feature")
    return repo
