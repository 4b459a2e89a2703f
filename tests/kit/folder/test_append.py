"""Writing migrations: drizzle's bytes, all or nothing, and a crash that is undone."""

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder import Folder, jsjson
from chatkeep.kit.folder.append import NOTE, Draft, append, recover

GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"
NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
EMPTY: dict[str, object] = {"version": "7", "dialect": "postgresql", "tables": {}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "deepsearch" / "drizzle", tmp_path / "drizzle"))


def content(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(
    "path", sorted(GOLDEN.rglob("meta/*.json")), ids=lambda path: f"{path.parts[-4]}-{path.name}"
)
def test_json_of_drizzle_kit_is_written_back_byte_for_byte(path):
    assert jsjson.dumps(json.loads(path.read_text())) == path.read_text()


def test_journal_entries_of_drizzle_kit_are_written_byte_for_byte(tmp_path):
    golden = Folder.read(GOLDEN / "deepsearch" / "drizzle")
    folder = Folder.read(tmp_path / "drizzle", create=True)
    for migration in golden.migrations:
        moment = dt.datetime.fromtimestamp(migration.when / 1000, dt.UTC)
        draft = Draft(migration.tag.split("_", 1)[1], migration.sql, EMPTY)
        folder, _ = append(folder, [draft], now=moment)
    assert folder.journal_text == golden.journal_text
    assert [m.sql for m in folder.migrations] == [m.sql for m in golden.migrations]


def test_numbers_and_keys_are_written_as_javascript_does():
    value = {"b": 1.0, "10": 1e21, "2": 1e-7, "a": [0.000015, 1.5, -0.0], "e": {}, "é": "\u2028"}
    assert jsjson.dumps(value).split("\n") == [
        "{",
        '  "2": 1e-7,',
        '  "10": 1e+21,',
        '  "b": 1,',
        '  "a": [',
        "    0.000015,",
        "    1.5,",
        "    0",
        "  ],",
        '  "e": {},',
        '  "é": "\u2028"',
        "}",
    ]


def test_snapshots_form_a_chain(folder):
    before = Folder.read(folder).last_snapshot_id()
    after, _ = append(Folder.read(folder), [Draft("a", "", EMPTY), Draft("b", "", EMPTY)])
    four, five = (json.loads(p.read_text()) for p in after.snapshot_paths()[-2:])
    assert four["prevId"] == before
    assert five["prevId"] == four["id"]
    assert list(four)[:4] == ["id", "prevId", "version", "dialect"]


def test_when_is_later_than_every_earlier_one_though_the_clock_is_behind(folder):
    past = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
    last = Folder.read(folder).journal.last_when
    after, _ = append(Folder.read(folder), [Draft("a", "", EMPTY), Draft("b", "", EMPTY)], now=past)
    assert [m.when for m in after.migrations[-2:]] == [last + 1, last + 2]


def test_reverse_stands_beside_and_is_no_stray(folder):
    after, paths = append(Folder.read(folder), [Draft("a", "select 1", EMPTY, {}, "select -1")])
    assert [path.name for path in paths] == ["0004_a.sql"]
    assert (folder / "0004_a.down.sql").read_text() == "select -1"
    assert after.strays() == []
    assert after.migrations[-1].sql == "select 1"


def test_reverse_that_is_there_is_not_overwritten(folder):
    (folder / "0004_a.down.sql").write_text("precious")
    before = content(folder)
    with pytest.raises(MigrationsFolderError, match="there already"):
        append(Folder.read(folder), [Draft("a", "select 1", EMPTY, {}, "select -1")])
    assert content(folder) == before


def test_unknown_keys_of_the_journal_stay(folder):
    path = folder / "meta" / "_journal.json"
    document = json.loads(path.read_text())
    document["team"] = {"who": "us"}
    document["entries"][0]["note"] = "ours"
    path.write_text(jsjson.dumps(document))
    append(Folder.read(folder), [Draft("next", "", EMPTY)])
    after = json.loads(path.read_text())
    assert after["team"] == {"who": "us"}
    assert after["entries"][0]["note"] == "ours"


def test_what_we_keep_stands_under_our_own_key(folder):
    after, _ = append(Folder.read(folder), [Draft("next", "", EMPTY, {"stage": "expand"})])
    assert after.migrations[-1].entry.own == {"stage": "expand"}


@pytest.mark.parametrize("name", ["a/b", "a\\b", "..", "", "日本"])
def test_name_that_a_file_cannot_have_is_refused_and_nothing_is_written(folder, name):
    before = content(folder)
    with pytest.raises(MigrationsFolderError, match="migration name"):
        append(Folder.read(folder), [Draft(name, "", EMPTY)])
    assert content(folder) == before


def test_name_of_words_becomes_a_slug(folder):
    _, paths = append(Folder.read(folder), [Draft("Add café table!", "", EMPTY)])
    assert paths[0].name == "0004_Add_cafe_table.sql"


def test_folder_named_by_time_goes_on_by_time(tmp_path):
    root = tmp_path / "drizzle"
    (root / "meta").mkdir(parents=True)
    (root / "20260101000000_first.sql").write_text("")
    entry = {
        "idx": 0,
        "version": "7",
        "when": 1,
        "tag": "20260101000000_first",
        "breakpoints": True,
    }
    journal = {"version": "7", "dialect": "postgresql", "entries": [entry]}
    (root / "meta" / "_journal.json").write_text(jsjson.dumps(journal))
    after, _ = append(Folder.read(root), [Draft("next", "", EMPTY)], now=NOW)
    assert after.migrations[-1].tag == "20270101000000_next"
    assert after.snapshot_paths()[-1].name == "20270101000000_snapshot.json"


def test_folder_that_changed_meanwhile_is_not_written(folder):
    read = Folder.read(folder)
    append(Folder.read(folder), [Draft("theirs", "", EMPTY)])
    before = content(folder)
    with pytest.raises(MigrationsFolderError, match="changed while"):
        append(read, [Draft("ours", "", EMPTY)])
    assert content(folder) == before


def test_file_that_the_journal_does_not_name_is_not_overwritten(folder):
    (folder / "0004_next.sql").write_text("precious")
    before = content(folder)
    with pytest.raises(MigrationsFolderError, match="there already"):
        append(Folder.read(folder), [Draft("next", "", EMPTY)])
    assert content(folder) == before


CRASH = """
import os, signal, sys
from pathlib import Path
from chatkeep.kit.folder.append import Draft, append
from chatkeep.kit.folder import Folder

left = int(sys.argv[2])
plain = Path.replace
def replace(self, target):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return plain(self, target)
Path.replace = replace
seven = {"version": "7"}
drafts = [Draft("a", "select 1", seven, {}, "select -1"), Draft("b", "select 2", seven)]
append(Folder.read(Path(sys.argv[1])), drafts)
"""


@pytest.mark.parametrize("renames", range(6))
def test_kill_at_any_rename_leaves_the_old_state_once_recovered(folder, renames):
    before = content(folder)
    run = subprocess.run([sys.executable, "-c", CRASH, str(folder), str(renames)])
    assert run.returncode == -signal.SIGKILL
    assert (folder / NOTE).exists()
    assert Folder.read(folder).journal_text == before["meta/_journal.json"].decode()
    recover(folder)
    assert content(folder) == before


def test_next_writer_undoes_a_crash_by_itself(folder):
    subprocess.run([sys.executable, "-c", CRASH, str(folder), "3"])
    after, _ = append(Folder.read(folder), [Draft("a", "select 3", EMPTY)])
    assert [m.tag for m in after.migrations][4:] == ["0004_a"]
    assert after.migrations[4].sql == "select 3"
    assert after.strays() == []


def test_refused_disk_is_said_and_leaves_the_folder(folder):
    if os.geteuid() == 0:
        target = folder / "meta" / "_0004_snapshot.json.tmp"
        target.mkdir()  # root may write everywhere; a folder in the file's place refuses root too
    else:
        (folder / "meta").chmod(0o500)
    journal = (folder / "meta" / "_journal.json").read_bytes()
    with pytest.raises(MigrationsFolderError, match="cannot be written"):
        append(Folder.read(folder), [Draft("next", "", EMPTY)])
    assert (folder / "meta" / "_journal.json").read_bytes() == journal
    assert not (folder / "0004_next.sql").exists()
