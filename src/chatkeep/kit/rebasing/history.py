"""What a branch did to the migrations of another: nothing may change that others may have applied."""

from pathlib import Path

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder.journal import JOURNAL, Journal
from chatkeep.kit.folder.reading import Folder, hash_of
from chatkeep.kit.folder.soundness import Finding
from chatkeep.kit.rebasing.git import Repository


def history_findings(folder: Folder, ref: str) -> list[Finding]:
    """Compare the folder with what it was where this branch left `ref`, and with `ref` as it is.

    Raises:
        MigrationsFolderError: There is no repository, git knows no such commit, or its journal
            cannot be used.
    """
    repository = Repository.around(folder.path)
    commit = repository.commit(ref) if repository is not None else None
    if repository is None or commit is None:
        raise MigrationsFolderError(
            f"git knows no commit {ref} around {folder.path}.", hint="Fetch it first."
        )
    base = repository.merge_base("HEAD", commit) or commit
    before = _migrations(repository, base, folder.path)
    ours = {migration.tag: (migration.when, migration.hash) for migration in folder.migrations}
    squashed = {
        (old.when, old.hash)
        for migration in folder.migrations
        for replaced in migration.entry.replaces
        for old in replaced.all()
    }
    found = [
        Finding("folder", f"{tag} {what}, and {ref} has it.", "Bring it back as it was.")
        for tag, was in before.items()
        if was not in squashed and (what := _changed(was, ours.get(tag)))
    ]
    theirs = [tag for tag in _migrations(repository, commit, folder.path) if tag not in before]
    new = [tag for tag, is_ in ours.items() if tag not in before and is_ not in squashed]
    lacking = [tag for tag in theirs if tag not in ours]
    if lacking and new:
        found.append(
            Finding(
                "folder",
                f"{ref} has {', '.join(lacking)}, and this branch has {', '.join(new)} in its place.",
                f"`git merge {ref}`, then `chatkeep rebase`.",
            )
        )
    return found


def _changed(was: tuple[int, str], is_: tuple[int, str] | None) -> str:
    if is_ is None:
        return "is gone"
    if was[1] != is_[1]:
        return "has another content"
    return "has another date" if was[0] != is_[0] else ""


def _migrations(repository: Repository, commit: str, path: Path) -> dict[str, tuple[int, str]]:
    data = repository.read(commit, JOURNAL.as_posix())
    if data is None:
        return {}
    journal = Journal.parse(data.decode("utf-8", "replace"), path / JOURNAL, duplicates=True)
    return {
        entry.tag: (entry.when, hash_of(repository.read(commit, f"{entry.tag}.sql") or b"")[1])
        for entry in journal.entries
    }
