"""Writing over files of a folder: a kill at any point leaves the old state or the new one."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder import Folder
from chatkeep.kit.folder.append import NOTE, recover
from chatkeep.kit.folder.replacing import replace

GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "deepsearch" / "drizzle", tmp_path / "drizzle"))


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


CRASH = """
import os, signal, sys
from pathlib import Path
from chatkeep.kit.folder.replacing import replace

root, left = Path(sys.argv[1]), int(sys.argv[2])
def counted(plain):
    def call(*args, **kwargs):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return plain(*args, **kwargs)
    return call
Path.replace, Path.unlink = counted(Path.replace), counted(Path.unlink)
os.fsync = counted(os.fsync)
journal = root / "meta" / "_journal.json"
text = journal.read_text()
removals = sorted(root.glob("0000*.sql")) + [root / "meta" / "0000_snapshot.json"]
writes = {root / "old" / "a.sql": b"a", root / "0001_new.sql": b"b", journal: b"{}"}
replace(root, writes, removals, journal_text=text)
"""


def crash(root: Path, at: int) -> int:
    return subprocess.run([sys.executable, "-c", CRASH, str(root), str(at)]).returncode


def test_kill_at_any_step_leaves_all_or_nothing_once_recovered(folder, tmp_path):
    before = content(folder)
    done = Path(shutil.copytree(folder, tmp_path / "done"))
    assert crash(done, 1000) == 0
    after = content(done)
    assert set(after) - set(before) == {"0001_new.sql", "old/a.sql"}
    assert len(set(before) - set(after)) == 2
    seen = set()
    for step in range(40):
        root = Path(shutil.copytree(folder, tmp_path / str(step)))
        if crash(root, step) == 0:
            break
        assert (root / NOTE).exists() or content(root) == after
        recover(root)
        left = content(root)
        assert left in (before, after), step
        seen.add(left == after)
    else:
        pytest.fail("it never came to its end")
    assert seen == {False, True}


def test_what_is_half_replaced_is_finished_by_the_next_writer(folder):
    assert crash(folder, 6) == -signal.SIGKILL  # two fsyncs of the note, three files, one rename
    with pytest.raises(MigrationsFolderError, match="changed meanwhile"):
        replace(folder, {folder / "x.sql": b""}, [], journal_text="what it was")
    assert (folder / "meta" / "_journal.json").read_bytes() == b"{}"


def test_journal_that_changed_meanwhile_is_let_alone(folder):
    before = content(folder)
    with pytest.raises(MigrationsFolderError, match="changed meanwhile"):
        replace(folder, {folder / "x.sql": b""}, [], journal_text="other")
    assert content(folder) == before


def test_what_is_written_is_not_removed(folder):
    path = folder / "0000_initial_schema.sql"
    text = Folder.read(folder).journal_text
    replace(folder, {path: b"new"}, [path], journal_text=text)
    assert path.read_bytes() == b"new"


def test_refused_disk_leaves_the_folder(folder):
    journal = folder / "meta" / "_journal.json"
    before = content(folder)
    (folder / "meta" / "__journal.json.tmp").mkdir()  # refuses root as well
    with pytest.raises(MigrationsFolderError, match="cannot be written"):
        replace(folder, {folder / "x.sql": b"", journal: b""}, [], journal_text=journal.read_text())
    (folder / "meta" / "__journal.json.tmp").rmdir()
    assert content(folder) == before
