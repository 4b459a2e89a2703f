"""Reading a migrations folder: what is taken, and what is refused in one clear sentence."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from chatkeep.errors import MigrationFileMissingError, MigrationsFolderError
from chatkeep.kit.folder import Folder

GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "deepsearch" / "drizzle", tmp_path / "drizzle"))


def rewrite(folder: Path, change) -> None:
    path = folder / "meta" / "_journal.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_golden_folder_is_read_in_the_journals_order(folder):
    assert [migration.tag for migration in Folder.read(folder).migrations] == [
        "0000_initial_schema",
        "0001_add_chats_table",
        "0002_add_messages_table",
        "0003_add_search_cache_and_user_settings",
    ]


@pytest.mark.parametrize("seed", ["deepsearch", "maps"])
def test_hash_and_when_are_those_of_drizzles_bookkeeping(seed):
    rows = [
        line.split(",")[1:]
        for line in (GOLDEN / seed / "__drizzle_migrations.csv").read_text().splitlines()[1:]
    ]
    read = Folder.read(GOLDEN / seed / "drizzle").migrations
    assert [[m.hash, str(m.when)] for m in read] == rows


def test_statements_are_split_at_every_marker(folder):
    statements = Folder.read(folder).migrations[1].statements
    assert len(statements) == 5
    assert statements[0].startswith('CREATE TABLE "ai-app-template_chat"')


def test_hash_counts_invalid_utf8_as_replacement_characters(folder):
    (folder / "0000_initial_schema.sql").write_bytes(b"select '\xff\xfe'")
    expected = hashlib.sha256("select '��'".encode()).hexdigest()
    assert Folder.read(folder).migrations[0].hash == expected


def test_byte_order_mark_counts_for_the_hash_and_is_not_sent(folder):
    data = "\ufeffselect 1".encode()
    (folder / "0000_initial_schema.sql").write_bytes(data)
    migration = Folder.read(folder).migrations[0]
    assert migration.hash == hashlib.sha256(data).hexdigest()
    assert migration.statements == ("select 1",)


def test_absent_folder_is_refused(tmp_path):
    with pytest.raises(MigrationsFolderError, match="There is no migrations folder"):
        Folder.read(tmp_path / "nothing")


def test_absent_folder_is_empty_for_the_one_who_makes_it(tmp_path):
    assert Folder.read(tmp_path / "nothing", create=True).migrations == ()


def test_folder_without_journal_is_refused(folder):
    (folder / "meta" / "_journal.json").unlink()
    with pytest.raises(MigrationsFolderError, match="has no journal"):
        Folder.read(folder)


def test_folder_of_drizzle_1_is_read_and_not_written_into(tmp_path):
    (tmp_path / "20261121021412_initial").mkdir()
    (tmp_path / "20261121021412_initial" / "migration.sql").write_text("select 1")
    folder = Folder.read(tmp_path)
    assert [migration.name for migration in folder.migrations] == ["20261121021412_initial"]
    with pytest.raises(MigrationsFolderError, match=r"drizzle-kit 1\.0"):
        folder.refuse_writing()


def test_broken_journal_is_refused_with_the_line(folder):
    (folder / "meta" / "_journal.json").write_text('{\n  "version": "7",\n  oops\n}')
    with pytest.raises(MigrationsFolderError, match=r"_journal\.json is not valid JSON.*line 3"):
        Folder.read(folder)


def test_merge_conflict_in_the_journal_is_named(folder):
    (folder / "meta" / "_journal.json").write_text("{\n<<<<<<< HEAD\n}")
    with pytest.raises(MigrationsFolderError, match="merge conflict"):
        Folder.read(folder)


def test_missing_file_is_named(folder):
    (folder / "0002_add_messages_table.sql").unlink()
    with pytest.raises(MigrationFileMissingError, match="0002_add_messages_table"):
        Folder.read(folder)


@pytest.mark.parametrize(("key", "value"), [("idx", 0), ("tag", "0000_initial_schema")])
def test_entry_that_stands_there_twice_is_refused(folder, key, value):
    rewrite(folder, lambda document: document["entries"][1].update({key: value}))
    with pytest.raises(MigrationsFolderError, match=f"two entries with {key}"):
        Folder.read(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(dialect="mysql"), "dialect"),
        (lambda d: d.update(entries={}), "entries"),
        (lambda d: d["entries"][0].update(when="soon"), "when"),
        (lambda d: d["entries"][0].update(idx=True), "idx"),
        (lambda d: d["entries"][0].pop("tag"), "tag"),
        (lambda d: d["entries"][0].update(tag="../../etc/passwd"), "file name"),
    ],
)
def test_journal_that_cannot_be_used_says_why(folder, change, said):
    rewrite(folder, change)
    with pytest.raises(MigrationsFolderError, match=said):
        Folder.read(folder)


def test_nul_byte_in_a_file_is_refused(folder):
    (folder / "0000_initial_schema.sql").write_bytes(b"select '\0'")
    with pytest.raises(MigrationsFolderError, match="NUL"):
        Folder.read(folder)


def test_files_that_the_journal_does_not_name_are_strays(folder):
    (folder / "0009_forgotten.sql").write_text("select 1")
    (folder / "meta" / "0009_snapshot.json").write_text("{}")
    (folder / "0000_initial_schema.down.sql").write_text("select 1")
    assert [path.name for path in Folder.read(folder).strays()] == [
        "0009_forgotten.sql",
        "0009_snapshot.json",
    ]


def test_until_takes_a_tag_or_its_number(folder):
    read = Folder.read(folder)
    assert len(read.until("0001_add_chats_table")) == 2
    assert len(read.until("0001")) == 2
    with pytest.raises(MigrationsFolderError, match="no migration '0007'"):
        read.until("0007")
