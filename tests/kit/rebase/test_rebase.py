"""Two branches, a real git merge, and the folder that comes out of `rebase`."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from sqlalchemy import Column, Integer, MetaData, Table

from chatkeep.errors import (
    MigrationFailedError,
    MigrationOrderError,
    MigrationsFolderError,
    NotReversibleError,
)
from chatkeep.kit.folder import Folder, jsjson
from chatkeep.kit.folder.reading import CUSTOM
from chatkeep.kit.folder.soundness import folder_findings
from chatkeep.kit.generate import Options as GenerateOptions
from chatkeep.kit.generate import generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.rebase import Options, rebase
from chatkeep.kit.rebasing.git import Repository
from chatkeep.kit.rollback import prove, select
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.squash import squash
from chatkeep.kit.states import facts_of_migrations
from chatkeep.kit.target import Target, target_of

BOTH = ["0000_base", "0001_a", "0002_b", "0003_x", "0004_y"]


def assert_sound(repo) -> None:
    folder = Folder.read(repo.folder)
    assert folder_findings(folder) == []
    whens = [migration.when for migration in folder.migrations]
    assert whens == sorted(set(whens))


async def test_merge_that_conflicts_puts_ours_behind(forked, scratch):
    mains = forked.git("show", "main:drizzle/meta/0002_snapshot.json")
    forked.git("merge", "main", fails=True)
    done = await rebase(forked.folder, scratch)
    assert forked.tags() == BOTH
    assert [(move.old, move.new) for move in done.moves] == [
        ("0001_x", "0003_x"),
        ("0002_y", "0004_y"),
    ]
    assert done.first == "the other branch"
    assert (forked.folder / "meta" / "0002_snapshot.json").read_text() == mains
    last = json.loads((forked.folder / "meta" / "0004_snapshot.json").read_text())
    assert set(last["tables"]) == {"public.t", "public.a", "public.x"}
    assert_sound(forked)
    forked.commit("merge main")
    assert not (await rebase(forked.folder, scratch)).changed


async def test_state_is_that_of_both_branches(forked, scratch):
    forked.git("merge", "main", fails=True)
    await rebase(forked.folder, scratch)
    found = await facts_of_migrations(Folder.read(forked.folder).migrations, scratch)
    wanted = {("public", "t", "id"), ("public", "t", "b"), ("public", "a", "id")}
    wanted |= {("public", "x", "id"), ("public", "x", "y")}
    assert {key.path for key in found.facts if key.kind == "column"} == wanted


async def test_on_main_the_merged_branch_comes_behind(forked, scratch):
    forked.git("checkout", "-q", "main")
    forked.git("merge", "feature", fails=True)
    done = await rebase(forked.folder, scratch)
    assert forked.tags() == BOTH
    assert done.first == "this branch"


async def test_onto_says_whose_migrations_stay(forked, scratch):
    forked.git("merge", "main", fails=True)
    await rebase(forked.folder, scratch, Options("HEAD"))
    assert forked.tags() == ["0000_base", "0001_x", "0002_y", "0003_a", "0004_b"]
    assert_sound(forked)


async def test_git_rebase_that_conflicts(forked, scratch):
    forked.git("rebase", "main", fails=True)
    await rebase(forked.folder, scratch)
    assert forked.tags() == ["0000_base", "0001_a", "0002_b", "0003_x"]
    forked.git("add", "-A")
    forked.git("rebase", "--continue", fails=True)  # the next of our commits
    await rebase(forked.folder, scratch)
    forked.git("add", "-A")
    forked.git("rebase", "--continue")
    assert forked.tags() == BOTH
    assert_sound(forked)


async def test_twice_is_as_once(forked, scratch):
    forked.git("merge", "main", fails=True)
    await rebase(forked.folder, scratch)
    before = forked.content()
    await rebase(forked.folder, scratch)
    assert forked.content() == before


async def test_dry_run_writes_nothing(forked, scratch):
    forked.git("merge", "main", fails=True)
    before = forked.content()
    done = await rebase(forked.folder, scratch, Options(dry_run=True))
    assert len(done.moves) == 2
    assert done.changed
    assert forked.content() == before


async def test_one_name_on_both_sides(repo, scratch):
    repo.git("checkout", "-q", "-b", "feature")
    repo.add("more", "create table ours (id int);")
    repo.git("checkout", "-q", "main")
    repo.add("more", "create table theirs (id int);")
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "main", fails=True)
    await rebase(repo.folder, scratch)
    assert repo.tags() == ["0000_base", "0001_more", "0002_more"]
    assert [m.sql for m in Folder.read(repo.folder).migrations[1:]] == [
        "create table theirs (id int);",
        "create table ours (id int);",
    ]
    assert_sound(repo)


async def test_same_migration_on_both_sides_is_kept_once(repo, scratch):
    repo.git("checkout", "-q", "-b", "feature")
    repo.add("more", "create table m (id int);")
    repo.git("checkout", "-q", "main")
    repo.add("more", "create table m (id int);")
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "main", fails=True)
    done = await rebase(repo.folder, scratch)
    assert done.left_out == ("0001_more",)
    assert repo.tags() == ["0000_base", "0001_more"]
    assert_sound(repo)


async def test_migration_that_the_other_side_took_away_does_not_come_back(forked, scratch):
    forked.git("checkout", "-q", "main")
    forked.git("checkout", "-q", "-b", "other")
    forked.git("checkout", "-q", "-b", "mine")
    forked.add("z", "create table z (id int);")
    forked.git("checkout", "-q", "other")
    forked.git("checkout", "-q", "HEAD~1", "--", "drizzle")
    for path in Folder.read(forked.folder).strays():
        path.unlink()
    forked.commit("b goes")
    forked.git("checkout", "-q", "mine")
    forked.git("merge", "other", fails=True)
    done = await rebase(forked.folder, scratch)
    assert done.left_out == ("0002_b",)
    assert forked.tags() == ["0000_base", "0001_a", "0002_z"]
    assert_sound(forked)


async def test_journal_that_git_merges_by_itself_is_put_right(forked, scratch):
    """One branch has another migration in the last one's place: git sees no conflict there."""
    forked.git("checkout", "-q", "-b", "mine", "main")
    forked.add("z", "create table z (id int);")
    forked.git("checkout", "-q", "-b", "other", "main")
    forked.git("checkout", "-q", "HEAD~1", "--", "drizzle")
    for path in Folder.read(forked.folder).strays():
        path.unlink()
    forked.commit("b goes")
    forked.add("c", "create table c (id int);")
    forked.add("d", "create table d (id int);")
    forked.git("checkout", "-q", "mine")
    forked.git("merge", "other", fails=True)
    assert "<<<<" not in (forked.folder / "meta" / "_journal.json").read_text()
    await rebase(forked.folder, scratch)
    assert forked.tags() == ["0000_base", "0001_a", "0002_c", "0003_d", "0004_z"]
    assert_sound(forked)


async def test_folder_merged_without_conflict(forked, scratch):
    """A merge driver that keeps both sides' lines of the journal: two migrations have a number."""
    forked.git("merge", "main", fails=True)
    ours, theirs = (
        json.loads(forked.git("show", f":{stage}:drizzle/meta/_journal.json"))
        for stage in ("2", "3")
    )
    ours["entries"] += theirs["entries"][1:]
    (forked.folder / "meta" / "_journal.json").write_text(jsjson.dumps(ours))
    for number in ("1", "2"):
        name = f"drizzle/meta/000{number}_snapshot.json"
        (forked.root / name).write_text(forked.git("show", f":3:{name}"))
    forked.commit("merge main")
    with pytest.raises(MigrationsFolderError, match="chatkeep rebase"):
        Folder.read(forked.folder)
    await rebase(forked.folder, scratch)
    assert forked.tags() == BOTH
    assert_sound(forked)


@pytest.mark.parametrize("marks", [True, False])
async def test_without_git(forked, scratch, marks, monkeypatch):
    forked.git("merge", "main", fails=True)
    if not marks:
        ours = json.loads(forked.git("show", ":2:drizzle/meta/_journal.json"))
        theirs = json.loads(forked.git("show", ":3:drizzle/meta/_journal.json"))
        theirs["entries"] += ours["entries"][1:]
        (forked.folder / "meta" / "_journal.json").write_text(jsjson.dumps(theirs))
    shutil.rmtree(forked.root / ".git")
    await rebase(forked.folder, scratch)
    assert forked.tags() == BOTH
    assert_sound(forked)


async def test_folder_named_by_time(repo, scratch):
    for path in repo.folder.rglob("*"):
        if path.is_file() and "0000" in path.name:
            path.rename(path.with_name(path.name.replace("0000", "20260101000000")))
    journal = repo.folder / "meta" / "_journal.json"
    journal.write_text(journal.read_text().replace("0000_base", "20260101000000_base"))
    repo.commit("by time")
    repo.git("checkout", "-q", "-b", "feature")
    early = repo.add("x", "create table x (id int);")
    repo.git("checkout", "-q", "main")
    late = repo.add("a", "create table a (id int);")
    assert early.name.split("_")[0] <= late.name.split("_")[0]
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "main", fails=True)
    await rebase(repo.folder, scratch)
    assert [tag.split("_")[1] for tag in repo.tags()] == ["base", "a", "x"]
    assert repo.tags() == sorted(repo.tags())
    assert_sound(repo)


async def test_applied_migration_is_not_renumbered_unasked(forked, scratch, database_url):
    await migrate(Folder.read(forked.folder), database_url, to="0001")
    forked.git("merge", "main", fails=True)
    before = forked.content()
    with pytest.raises(MigrationOrderError, match=r"^0001_x would get .* is applied"):
        await rebase(forked.folder, scratch, Options(url=database_url))
    assert forked.content() == before
    await rebase(forked.folder, scratch, Options("HEAD", url=database_url))
    assert forked.tags()[1] == "0001_x"
    assert len((await migrate(Folder.read(forked.folder), database_url)).applied) == 3


async def test_applied_migration_is_renumbered_when_told(forked, scratch, database_url):
    await migrate(Folder.read(forked.folder), database_url)
    forked.git("merge", "main", fails=True)
    await rebase(forked.folder, scratch, Options(url=database_url, though_applied=True))
    assert forked.tags() == BOTH


async def test_migration_that_no_longer_runs_is_named_and_nothing_is_written(repo, scratch):
    repo.git("checkout", "-q", "-b", "feature")
    repo.add("x", "alter table t add same int;")
    repo.git("checkout", "-q", "main")
    repo.add("a", "alter table t add same int;")
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "main", fails=True)
    before = repo.content()
    with pytest.raises(MigrationFailedError, match=r"0001_x no longer runs .* already exists") as e:
        await rebase(repo.folder, scratch)
    assert "chatkeep generate" in str(e.value.hint)
    assert "Where it holds SQL of your own: change 0001_x.sql" in str(e.value.hint)
    assert repo.content() == before


async def test_sql_of_your_own_that_no_longer_runs_is_changed_and_rebased_again(repo, scratch):
    repo.git("checkout", "-q", "-b", "feature")
    repo.add("x", f"{CUSTOM}\nalter table t add same int;")
    repo.git("checkout", "-q", "main")
    repo.add("a", "alter table t add same int;")
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "main", fails=True)
    with pytest.raises(MigrationFailedError, match="0001_x no longer runs behind") as caught:
        await rebase(repo.folder, scratch)
    hint = str(caught.value.hint)
    assert hint.startswith("Change 0001_x.sql so that it does, `git add` it")
    assert "generate" not in hint  # which cannot write it
    (repo.folder / "0001_x.sql").write_text("alter table t alter same set not null;")
    repo.git("add", "drizzle/0001_x.sql")
    await rebase(repo.folder, scratch)
    assert repo.tags() == ["0000_base", "0001_a", "0002_x"]
    assert (repo.folder / "0002_x.sql").read_text() == "alter table t alter same set not null;"


def tables(*columns: str) -> Target:
    """Table t as the repository has it, with these columns."""
    metadata = MetaData()
    Table("t", metadata, *(Column(name, Integer) for name in ("id", *columns)))
    return target_of(metadata)


@pytest.fixture
def proving(pg18) -> Scratch:
    return Scratch(pg18.admin_url, dumpers=[pg18.bin / "pg_dump"])


async def test_proof_of_a_reverse_is_made_anew_where_it_stands_now(repo, proving, database_url):
    repo.git("branch", "feature")
    for branch, column in (("main", "a"), ("feature", "x")):
        repo.git("checkout", "-q", branch)
        await generate(repo.folder, tables(column), proving, GenerateOptions())
        repo.commit(column)
    repo.git("merge", "main", fails=True)
    assert (await rebase(repo.folder, proving)).doubtful == ()
    assert_sound(repo)
    folder = Folder.read(repo.folder)
    await migrate(folder, database_url)
    assert (await select(folder, database_url, steps=2)).is_proved
    repo.commit("merged")
    assert not (await rebase(repo.folder, proving)).changed


async def test_reverse_that_no_longer_leads_back_has_no_proof_but_the_reason(
    repo, proving, database_url
):
    repo.add("b", "alter table t add b int;")
    repo.git("checkout", "-q", "-b", "feature")
    await generate(repo.folder, tables(), proving, GenerateOptions(allow_drops=True))
    repo.commit("without b")
    repo.git("checkout", "-q", "main")
    repo.add("a", "alter table t alter b type bigint;")
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "main", fails=True)
    done = await rebase(repo.folder, proving)
    (tag,) = done.doubtful
    folder = Folder.read(repo.folder)
    assert folder.migrations[-1].tag == tag
    own = folder.migrations[-1].entry.own
    assert "reverse" not in own
    assert str(own["irreversible"]).startswith("Its reverse no longer led back after a rebase: ")
    await migrate(folder, database_url)
    with pytest.raises(NotReversibleError, match="does not bring back what was before"):
        await prove(await select(folder, database_url), database_url, proving)
    (repo.folder / f"{tag}.down.sql").unlink()
    with pytest.raises(NotReversibleError, match="no longer led back after a rebase"):
        await select(folder, database_url)


async def test_reverse_goes_along_and_is_tried_again(repo, scratch):
    repo.git("checkout", "-q", "-b", "feature")
    repo.add("x", "create table x (id int);", "drop table x;")
    repo.add("y", "alter table t add y int;", "alter table t drop y; drop table if exists a;")
    repo.git("checkout", "-q", "main")
    repo.add("a", "create table a (id int);")
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "main", fails=True)
    done = await rebase(repo.folder, scratch)
    assert done.doubtful == ("0003_y",)  # it would take main's table away
    assert (repo.folder / "0002_x.down.sql").read_text() == "drop table x;"
    assert not (repo.folder / "0001_x.down.sql").exists()
    assert_sound(repo)


async def test_migration_that_both_sides_edited_is_refused(repo, scratch):
    for branch in ("feature", "main"):
        repo.git("checkout", "-q", "-B", branch, "main~0")
    repo.git("checkout", "-q", "feature")
    for branch, column in (("feature", "x"), ("main", "a")):
        repo.git("checkout", "-q", branch)
        (repo.folder / "0000_base.sql").write_text(f"create table t ({column} int);")
        repo.add(column, f"create table {column} (id int);")
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "main", fails=True)
    with pytest.raises(MigrationsFolderError, match=r"0000_base\.sql is not the same on the two"):
        await rebase(repo.folder, scratch)


async def test_snapshots_that_are_gone_are_written_anew(forked, scratch):
    (forked.folder / "meta" / "0001_snapshot.json").unlink()
    done = await rebase(forked.folder, scratch)
    assert done.moves == ()
    assert done.snapshots == ("0001_snapshot.json", "0002_snapshot.json")
    assert_sound(forked)


async def test_unknown_commit_is_refused(forked, scratch):
    with pytest.raises(MigrationsFolderError, match="git knows no commit nonesuch"):
        await rebase(forked.folder, scratch, Options("nonesuch"))


async def test_commit_that_took_no_part_in_the_conflict_is_refused(forked, scratch):
    forked.git("merge", "main", fails=True)
    with pytest.raises(MigrationsFolderError, match="neither side"):
        await rebase(forked.folder, scratch, Options("HEAD~1"))


async def test_branch_that_is_not_merged_yet_is_refused(forked, scratch):
    before = forked.content()
    with pytest.raises(MigrationsFolderError, match="merge main"):
        await rebase(forked.folder, scratch, Options("main"))
    assert forked.content() == before


async def test_other_keys_of_entries_and_journal_stay(forked, scratch):
    for branch, tag in (("feature", "0002_y"), ("main", "0002_b")):
        forked.git("checkout", "-q", branch)
        journal = forked.folder / "meta" / "_journal.json"
        document = json.loads(journal.read_text())
        document["team"] = branch
        document["entries"][-1]["note"] = tag
        journal.write_text(jsjson.dumps(document))
        forked.commit("note")
    forked.git("checkout", "-q", "feature")
    forked.git("merge", "main", fails=True)
    await rebase(forked.folder, scratch)
    document = json.loads((forked.folder / "meta" / "_journal.json").read_text())
    assert document["team"] == "main"
    assert [entry.get("note") for entry in document["entries"]][2:] == ["0002_b", None, "0002_y"]


async def test_migrations_run_in_a_database_of_main(forked, scratch, database_url):
    forked.git("checkout", "-q", "main")
    await migrate(Folder.read(forked.folder), database_url)
    forked.git("checkout", "-q", "feature")
    forked.git("merge", "main", fails=True)
    await rebase(forked.folder, scratch, Options(url=database_url))
    report = await migrate(Folder.read(forked.folder), database_url)
    assert [applied.migration.tag for applied in report.applied] == BOTH[3:]


def test_main_branch_is_known_by_name_and_by_the_remote(forked):
    repository = Repository.around(forked.folder)
    assert repository is not None
    assert not repository.is_main_branch()
    forked.git("update-ref", "refs/remotes/origin/feature", "HEAD")
    forked.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/feature")
    assert repository.is_main_branch()


def test_folder_outside_of_git_has_no_repository(tmp_path):
    assert Repository.around(tmp_path) is None


async def test_absent_folder_is_refused(tmp_path, scratch):
    with pytest.raises(MigrationsFolderError, match="There is no migrations folder"):
        await rebase(tmp_path / "drizzle", scratch)


async def test_folder_of_drizzle_kit_1_is_refused(tmp_path, scratch):
    (tmp_path / "20260101000000_first").mkdir()
    (tmp_path / "20260101000000_first" / "migration.sql").write_text("select 1")
    with pytest.raises(MigrationsFolderError, match=r"of drizzle-kit 1\.0"):
        await rebase(tmp_path, scratch)


async def test_squashed_migrations_do_not_come_back(forked, scratch):
    """Main squashed what both have; our branch still holds the originals."""
    forked.git("checkout", "-q", "main")
    forked.git("checkout", "-q", "-b", "ours")
    forked.add("z", "create table z (id int);")
    forked.git("checkout", "-q", "main")
    await squash(forked.folder, scratch)
    forked.commit("squash")
    forked.git("checkout", "-q", "ours")
    forked.git("merge", "main", fails=True)
    await rebase(forked.folder, scratch)
    assert forked.tags() == ["0002_squashed", "0003_z"]
    assert_sound(forked)


async def test_squashing_on_the_side_that_comes_last_is_refused(forked, scratch):
    forked.git("checkout", "-q", "main")
    forked.git("checkout", "-q", "-b", "ours")
    await squash(forked.folder, scratch)
    forked.commit("squash")
    forked.git("checkout", "-q", "main")
    forked.add("c", "create table c (id int);")
    forked.git("checkout", "-q", "ours")
    forked.git("merge", "main", fails=True)
    with pytest.raises(MigrationsFolderError, match="0002_squashed was squashed on the side"):
        await rebase(forked.folder, scratch)


def test_command(forked, pg18):
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "chatkeep", "rebase", *words]
        command += ["--scratch-url", pg18.admin_url]
        env = {**os.environ, "DATABASE_URL": ""}
        return subprocess.run(command, cwd=forked.root, env=env, capture_output=True, text=True)

    forked.git("merge", "main", fails=True)
    refused = call("--onto", "nonesuch")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    report = json.loads(call("--dry-run", "--json").stdout)
    assert [(move["old"], move["new"]) for move in report["moves"]] == [
        ("0001_x", "0003_x"),
        ("0002_y", "0004_y"),
    ]
    done = call()
    assert done.returncode == 0
    assert done.stdout.startswith("0001_x is 0003_x\n0002_y is 0004_y\n")
    assert forked.tags() == BOTH
    assert "Nothing to do" in call().stdout
