"""`check --against`: what a branch may not do to migrations that another has."""

import pytest

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder import Folder
from chatkeep.kit.rebase import rebase
from chatkeep.kit.rebasing.history import history_findings
from chatkeep.kit.squash import squash


def said(repo, ref: str = "main") -> list[str]:
    return [str(finding) for finding in history_findings(Folder.read(repo.folder), ref)]


def test_own_migrations_behind_those_of_main_are_no_fault(repo):
    repo.git("checkout", "-q", "-b", "feature")
    repo.add("x", "create table x (id int);")
    assert said(repo) == []


def test_both_branches_went_on(forked):
    assert said(forked) == [
        (
            "main has 0001_a, 0002_b, and this branch has 0001_x, 0002_y in its place. "
            "`git merge main`, then `chatkeep rebase`."
        )
    ]


async def test_after_the_rebase_all_is_well(forked, scratch):
    forked.git("merge", "main", fails=True)
    await rebase(forked.folder, scratch)
    forked.commit("merge")
    assert said(forked) == []


def _without_first(root) -> None:
    _edit(root, lambda document: document["entries"].pop(0))


def _redated(root) -> None:
    _edit(root, lambda document: document["entries"][0].update(when=5))


def _edit(root, change) -> None:
    import json

    path = root / "meta" / "_journal.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda root: (root / "0000_base.sql").write_text("select 1"), "has another content"),
        (_without_first, "is gone"),
        (_redated, "has another date"),
    ],
)
def test_migration_of_main_that_changed(repo, change, told):
    repo.add("next", "select 1")
    repo.git("checkout", "-q", "-b", "feature")
    change(repo.folder)
    assert said(repo) == [f"0000_base {told}, and main has it. Bring it back as it was."]


async def test_squashing_is_no_change(forked, scratch):
    forked.git("checkout", "-q", "main")
    forked.git("checkout", "-q", "-b", "tidy")
    await squash(forked.folder, scratch)
    assert said(forked) == []


def test_unknown_commit_is_refused(repo):
    with pytest.raises(MigrationsFolderError, match="no commit nonesuch"):
        said(repo, "nonesuch")
