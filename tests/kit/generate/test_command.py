"""`chatkeep generate` as a command: what it says, what it asks, and what it refuses at once."""

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

from chatkeep.kit.folder import Folder

NOWHERE = "postgresql://me:pass-word@127.0.0.1:1/db"
SCHEMA = """
from sqlalchemy import *
schema = MetaData()
{body}
"""
USER = (
    'Table("app_user", schema, Column("id", BigInteger, Identity(always=True), primary_key=True){})'
)


class Command:
    """A project in a folder of its own, and `chatkeep` in it."""

    def __init__(self, root: Path, url: str) -> None:
        self.root = root
        self.url = url
        (root / "chatkeep.toml").write_text('schema = "tables:schema"\nmigrations = "drizzle"\n')

    def tables(self, *bodies: str) -> None:
        (self.root / "tables.py").write_text(SCHEMA.format(body="\n".join(bodies)))

    def users(self, *columns: str) -> None:
        self.tables(USER.format("".join(f', Column("{name}", Text)' for name in columns)))

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "chatkeep", "generate", *words, "--scratch-url", self.url]

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "DATABASE_URL": "", "PYTHONDONTWRITEBYTECODE": "1"}

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            cwd=self.root, env=self.env, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, check=False, timeout=120,
        )  # fmt: skip

    def at_terminal(self, answers: list[str], *words: str) -> tuple[int, str, str]:
        """Run with a terminal as stdin and stderr; answer each question. Exit code, stdout, said."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            self.command(*words),
            cwd=self.root, env=self.env, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs,
            text=True,
        )  # fmt: skip
        os.close(theirs)
        said, left = "", list(answers)
        while select.select([ours], [], [], 120)[0]:
            try:
                piece = os.read(ours, 4096).decode()
            except OSError:  # the other end is closed
                break
            said += piece
            if left and said.count("Which: ") > len(answers) - len(left):
                os.write(ours, left.pop(0).encode())
        assert process.stdout is not None
        out = process.stdout.read()
        process.stdout.close()
        code = process.wait(timeout=120)
        os.close(ours)
        return code, out, said

    @property
    def folder(self) -> Folder:
        return Folder.read(self.root / "drizzle")


@pytest.fixture
def generate(tmp_path, pg18) -> Command:
    return Command(tmp_path, pg18.admin_url)


@pytest.fixture
def unreachable(tmp_path) -> Command:
    return Command(tmp_path, NOWHERE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--name", "../x"], "path separator"),
        (["--rename", "a.b.c.d:e"], "cannot be read"),
        (["--rename", "thing:a:b"], "cannot be read"),
    ],
)
def test_arguments_are_judged_before_a_server_is_asked(unreachable, words, said):
    unreachable.users()
    run = unreachable(*words)
    assert (run.returncode, run.stdout) == (1, "")
    assert said in run.stderr
    assert not (unreachable.root / "drizzle").exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('Table("t", schema, Column("n" * 70, Integer))', "has 70 bytes"),
        ('Table("t", schema, Column("a", Integer, info={"using": 3}))', "not a text"),
        ('schema = "no schema"', "neither a schema nor a MetaData"),
    ],
)
def test_configuration_is_judged_before_a_server_is_asked(unreachable, body, said):
    unreachable.tables(body)
    run = unreachable()
    assert run.returncode == 1
    assert said in run.stderr


def test_rename_without_a_colon_is_wrong_usage(unreachable):
    unreachable.users()
    run = unreachable("--rename", "bio")
    assert run.returncode == 2
    assert "old:new" in run.stderr


def test_help_says_how_a_prefix_is_written(unreachable):
    run = subprocess.run(
        [sys.executable, "-m", "chatkeep", "generate", "--help"], capture_output=True, text=True
    )
    assert "app_user.bio:about" in run.stdout
    assert "prefix" in run.stdout


def test_error_is_json_where_a_report_would_be(unreachable):
    unreachable.users()
    run = unreachable("--json")
    assert run.returncode == 1
    document = json.loads(run.stdout)
    assert set(document) == {"error", "hint", "code"}
    assert document["code"] == "connection_failed"
    assert "127.0.0.1:1/db cannot be reached" in document["error"]
    assert "pass-word" not in run.stdout + run.stderr
    assert run.stderr.startswith("chatkeep: ")
    assert run.stderr.count("\n") == 1


def test_report_names_the_reverse_and_what_is_lost_both_ways(generate):
    generate.users("name")
    generate()
    generate.users("bio")
    report = json.loads(generate("--json", "--allow-drops").stdout)
    assert [Path(path).name for path in report["reverses"]] == ["0001_change_app_user.down.sql"]
    assert report["destructive"] == ["column public.app_user.name with its values"]
    assert report["destructive_back"] == ["column public.app_user.bio with its values"]
    assert report["irreversible"] == {}


def test_breach_of_a_convention_is_a_note(generate):
    generate.tables('Table("Bad_Name", schema, Column("userId", BigInteger, primary_key=True))')
    run = generate()
    assert run.returncode == 0
    assert "Note: Bad_Name" in run.stderr


def test_without_a_terminal_nobody_is_asked(generate):
    generate.users("name")
    generate()
    generate.users("title")
    run = generate()
    assert run.returncode == 1
    assert "--rename public.app_user.name:title" in run.stderr
    assert len(generate.folder.migrations) == 1


def asked(generate: Command, answers: list[str], *after: str) -> tuple[int, str, str]:
    generate.users("name")
    generate()
    generate.users(*after)
    return generate.at_terminal(answers)


def test_one_of_several_is_chosen_by_number(generate):
    code, out, said = asked(generate, ["2\n"], "bio", "title")
    assert code == 0, said
    assert "column public.app_user.name is not there any more" in said
    assert "1  It is called bio now" in said
    newest = generate.folder.migrations[-1]
    assert 'RENAME COLUMN "name" TO "title"' in newest.sql
    assert 'ADD COLUMN "bio"' in newest.sql
    assert newest.entry.own["renames"] == ["public.app_user.name:title"]
    assert "Wrote" in out


def test_it_may_be_new(generate):
    code, _, said = asked(generate, ["3\n"], "bio", "title")
    assert code == 0, said
    newest = generate.folder.migrations[-1]
    assert "RENAME" not in newest.sql
    assert 'DROP COLUMN "name"' in newest.sql
    assert newest.entry.own["renames"] == ["public.app_user.name:"]
    assert "Loses data when applied: column public.app_user.name" in said


def test_number_that_is_not_there_is_asked_again(generate):
    code, _, said = asked(generate, ["7\n", "1\n"], "bio")
    assert code == 0, said
    assert said.count("Which: ") == 2
    assert 'RENAME COLUMN "name" TO "bio"' in generate.folder.migrations[-1].sql


def test_end_of_input_breaks_off_and_writes_nothing(generate):
    code, _, said = asked(generate, ["\x04"], "bio")
    assert code == 1
    assert "Aborted" in said
    assert len(generate.folder.migrations) == 1


def test_table_then_its_columns_are_asked(generate):
    generate.users("name", "mail", "note")
    generate()
    table = USER.replace("app_user", "app_person")
    generate.tables(
        table.format("".join(f', Column("{c}", Text)' for c in ("title", "mail", "note")))
    )
    code, _, said = generate.at_terminal(["1\n", "1\n"])
    assert code == 0, said
    sql = generate.folder.migrations[-1].sql
    assert 'RENAME TO "app_person"' in sql
    assert 'RENAME COLUMN "name" TO "title"' in sql
    down = next(generate.root.glob("drizzle/0001_*.down.sql")).read_text()
    assert 'RENAME TO "app_user"' in down
    assert "DROP" not in down


def test_with_json_nobody_is_asked_at_a_terminal_either(generate):
    generate.users("name")
    generate()
    generate.users("bio")
    code, out, _ = generate.at_terminal([], "--json")
    assert code == 1
    assert json.loads(out)["code"] == "rename_unclear"


MOOD = 'Column("mood", Enum("sad", "glad", name="{}"))'


def moods(generate: Command, *names: str) -> None:
    for name in names:
        generate.tables(USER.format(f", {MOOD.format(name)}"))
        if name != names[-1]:
            generate()


def test_type_is_asked_for_as_columns_are(generate):
    moods(generate, "mood", "feeling")
    code, _, said = generate.at_terminal(["1\n"])
    assert code == 0, said
    assert "The enum public.mood is not there any more." in said
    newest = generate.folder.migrations[-1]
    assert newest.tag == "0001_rename_mood_to_feeling"
    assert 'ALTER TYPE "public"."mood" RENAME TO "feeling"' in newest.sql
    assert newest.entry.own["renames"] == ["public.mood:feeling"]
    down = next(generate.root.glob("drizzle/0001_*.down.sql")).read_text()
    assert 'ALTER TYPE "public"."feeling" RENAME TO "mood"' in down


def test_type_is_given_without_a_terminal(generate):
    moods(generate, "mood", "feeling")
    run = generate()
    assert run.returncode == 1
    assert "enum public.mood -> feeling" in run.stderr
    assert "--rename public.mood:feeling" in run.stderr
    assert generate("--rename", "public.mood:feeling").returncode == 0


def test_rename_that_does_not_fit_is_refused(generate):
    moods(generate, "mood", "feeling")
    run = generate("--rename", "mood:felt", "--json")
    assert run.returncode == 1
    report = json.loads(run.stdout)
    assert report["error"].endswith("no enum public.felt comes with the change.")
    assert report["hint"] == "What came in its place: feeling."
    assert len(generate.folder.migrations) == 1
