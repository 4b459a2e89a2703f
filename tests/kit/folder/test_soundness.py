"""Every fault of a folder that drizzle-kit's `check` passes over is found, with what to do."""

import json
import shutil
from pathlib import Path

import pytest

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder import Folder, jsjson
from chatkeep.kit.folder.append import NOTE, Draft, append
from chatkeep.kit.folder.soundness import examine, folder_findings

GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"
JOURNAL = Path("meta", "_journal.json")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "deepsearch" / "drizzle", tmp_path / "drizzle"))


def edit(path: Path, change) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(jsjson.dumps(document))


def entry(number: int, **values):
    """Change one entry of the journal."""
    return lambda root: edit(root / JOURNAL, lambda d: d["entries"][number].update(values))


def snapshot(number: int, **values):
    return lambda root: edit(root / f"meta/000{number}_snapshot.json", lambda d: d.update(values))


def removed(name: str):
    return lambda root: (root / name).unlink()


def written(name: str, text: str):
    return lambda root: (root / name).write_text(text)


def messages(root: Path) -> list[str]:
    examined = examine(root)
    found = examined.findings if examined.folder is None else folder_findings(examined.folder)
    assert all(finding.area == "folder" and finding.remedy for finding in found)
    return [str(finding) for finding in found]


def dropped_in_the_middle(root: Path) -> None:
    """`drizzle-kit drop` of a migration that is not the last."""
    edit(root / JOURNAL, lambda d: d["entries"].pop(1))
    (root / "0001_add_chats_table.sql").unlink()
    (root / "meta" / "0001_snapshot.json").unlink()


def test_sound_folder_has_no_findings(root):
    assert messages(root) == []


@pytest.mark.parametrize(
    ("change", "said", "remedy"),
    [
        (removed("0001_add_chats_table.sql"), "0001_add_chats_table.sql is not there", "Bring it"),
        (
            removed("meta/0001_snapshot.json"),
            "0001_add_chats_table has no snapshot",
            "rebase` write",
        ),
        (
            removed("meta/0001_snapshot.json"),
            "0002_snapshot.json follows a snapshot that",
            "rebase`",
        ),
        (snapshot(2, prevId="x"), "0002_snapshot.json follows a snapshot that is not", "rebase`"),
        (entry(2, idx=1), "has 2 entries with idx 1", "rebase`"),
        (entry(2, idx=7), "counts 1, then 7", "rebase`"),
        (entry(2, tag="0001_add_chats_table"), "2 entries with tag 0001_add_chats", "rebase`"),
        (entry(2, when=1), "not dated later than 0001_add_chats_table", "rebase`"),
        (entry(2, when="soon"), "no whole number of milliseconds", ""),
        (dropped_in_the_middle, "counts 0, then 2", "rebase`"),
        (dropped_in_the_middle, "0002_snapshot.json follows a snapshot that is not", "rebase`"),
        (written("0007_stray.sql", ""), "0007_stray.sql is not in the journal", "Move it away"),
        (written("meta/0007_snapshot.json", "{}"), "is not in the journal", "Move it away"),
        (written("0001_gone.down.sql", ""), "0001_gone.down.sql is not in the journal", "Move"),
        (
            written("meta/0003_snapshot.json", "{"),
            "0003_snapshot.json is not valid JSON",
            "rebase`",
        ),
        (snapshot(3, version="8"), "0003_snapshot.json is of version 8", "drizzle-kit up"),
        (
            lambda root: shutil.copy(
                root / "meta/0000_snapshot.json", root / "meta/0003_snapshot.json"
            ),
            "0003_snapshot.json and 0000_snapshot.json both follow",
            "rebase`",
        ),
        (written(NOTE, ""), "a writer broke off", "generate`"),
        (
            written("0001_add_chats_table.sql", "<<<<<<< HEAD\n=======\n>>>>>>> x\n"),
            "holds the marks of a merge conflict",
            "Decide",
        ),
        (written("0001_add_chats_table.sql", "\ufeffselect 1"), "a byte order mark", "UTF-8"),
        (
            written("0001_add_chats_table.down.sql", f"-- chatkeep:reverse {'0' * 64}\n"),
            "is the reverse of another content of 0001_add_chats_table.sql",
            "anew",
        ),
    ],
)
def test_fault_is_named_with_its_remedy(root, change, said, remedy):
    change(root)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    if said == "no whole number of milliseconds":
        assert said in str(examine(root).findings[0])
    else:
        assert any(said in one and remedy in one.split(said)[1] for one in messages(root))
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_all_faults_are_told_at_once(root):
    entry(2, tag="0001_other", when=1)(root)
    entry(3, idx=1)(root)
    removed("0000_initial_schema.sql")(root)
    said = " ".join(messages(root))
    for part in (
        "idx 1",
        "0000_initial_schema.sql is not",
        "0001_other.sql is not",
        "not dated",
        "have the number 0001 (0001_add_chats_table, 0001_other)",
    ):
        assert part in said


def test_reverse_of_just_this_content_is_no_fault(root):
    migration = Folder.read(root).migrations[1]
    migration.down_path.write_text(f"-- chatkeep:reverse {migration.hash}\nselect 1;")
    assert messages(root) == []


def test_marks_of_a_merge_in_the_journal_lead_to_rebase(root):
    (root / JOURNAL).write_text("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x\n")
    (said,) = messages(root)
    assert "chatkeep rebase" in said


@pytest.mark.parametrize("make", [False, True])
def test_absent_folder_is_refused_and_not_made(tmp_path, make):
    """drizzle-kit's check makes `meta/` and is content."""
    root = tmp_path / "drizzle"
    if make:
        root.mkdir()
    with pytest.raises(MigrationsFolderError):
        examine(root)
    assert list(tmp_path.rglob("*")) == ([root] if make else [])


def test_folder_that_we_wrote_on_is_sound(root):
    snapshot_: dict[str, object] = {"version": "7", "dialect": "postgresql"}
    append(
        Folder.read(root), [Draft("a", "select 1", snapshot_), Draft("b", "select 2", snapshot_)]
    )
    assert messages(root) == []
