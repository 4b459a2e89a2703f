"""`chatkeep import` and then `chatkeep export`, as a user types them."""

import gzip
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner, Result

from chatkeep.cli.main import cli
from chatkeep.database.creation import create_tables
from chatkeep.exchange import identity
from chatkeep.exchange.formats import FORMATS, find_format
from chatkeep.presets import deepsearch
from exchange.samples import chatgpt, tree

ROWS = """
insert into "ai-app-template_user" (id, email) values ('u', 'Ada@example.com'), ('v', 'b@example.com');
"""
Run = Callable[..., Result]


@pytest.fixture
async def filled_url(database_url: str) -> str:
    await create_tables(deepsearch.schema(), database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute(ROWS)
    await connection.close()
    return database_url


@pytest.fixture
def run(filled_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    (tmp_path / "chatkeep.toml").write_text('schema = "exchange_cli_schema:schema"\n')
    (tmp_path / "exchange_cli_schema.py").write_text(
        "from chatkeep.presets import deepsearch\nschema = deepsearch.schema()\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "exchange_cli_schema", raising=False)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, [*words, "--url", filled_url])

    return invoke


def test_chats_are_imported_once_and_exported_as_they_were(run: Run, tmp_path: Path):
    Path("c.json").write_text(json.dumps([chatgpt(1), chatgpt(2)]))
    words = ("import", "--format", "chatgpt", "--user", "ada@EXAMPLE.com", "c.json")
    done = run(*words)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("2 conversations with 18 messages imported in ")
    assert done.stderr == ""  # no bar where there is no terminal
    done = run(*words, "--json")
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert (report["conversations"], report["thereAlready"]) == (0, 2)
    done = run("export", "--format", "chatgpt", "--user", "u", "--out", "back.json", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["conversations"] == 2
    back = json.loads(Path("back.json").read_text(encoding="utf-8"))
    assert {one["id"]: one for one in back} == {"conv-1": chatgpt(1), "conv-2": chatgpt(2)}
    done = run("export", "--format", "chatgpt", "--user", "v", "--out", "none.json")
    assert done.stdout.startswith("0 chats with 0 messages are in none.json")
    assert json.loads(Path("none.json").read_text()) == []


def test_what_is_bad_is_told_and_the_command_fails(run: Run):
    Path("t.jsonl").write_text("\n".join([json.dumps(tree(1)), "{", json.dumps(tree(2)), "[]"]))
    words = ("import", "--format", "open-assistant", "--user", "u", "t.jsonl")
    done = run(*words)
    assert done.exit_code == 1
    assert done.stderr.startswith("chatkeep: t.jsonl, record 2, line 2, byte ")
    assert "--on-error skip" in done.stderr
    done = run(*words, "--on-error", "skip", "--errors", "bad.jsonl")
    assert done.exit_code == 1
    assert "1 conversation with 4 messages imported in " in done.stdout
    assert done.stdout.rstrip().endswith("1 was there already, 2 records skipped.")
    assert "t.jsonl, record 4, line 4, byte" in done.stderr
    told = [json.loads(line) for line in Path("bad.jsonl").read_text().splitlines()]
    assert [(one["record"], one["problem"]) for one in told] == [
        (2, "it is no whole JSON value: it breaks off"),
        (4, "it is no tree of messages"),
    ]


def test_no_file_that_is_there_is_written_over_with_errors(run: Run):
    source = Path("conversations.json")
    source.write_text(json.dumps([chatgpt(1), {}]))
    Path("told.jsonl").write_text("of yesterday\n")
    words = ("import", "--format", "chatgpt", "--user", "u", "--on-error", "skip", str(source))
    for name in ("conversations.json", "./conversations.json", "told.jsonl"):
        done = run(*words, "--errors", name)
        assert done.exit_code == 2, done.output
        assert "is there already" in done.stderr
    assert json.loads(source.read_text())[0] == chatgpt(1)
    assert Path("told.jsonl").read_text() == "of yesterday\n"
    Path("empty.jsonl").touch()
    done = run(*words, "--errors", "empty.jsonl")
    assert done.exit_code == 1
    assert json.loads(Path("empty.jsonl").read_text())["record"] == 2


def test_what_ended_the_reading_is_told_however_much_is_skipped(run: Run):
    packed = gzip.compress(b"{}\n" * 150 + json.dumps(tree(1)).encode())
    Path("t.jsonl.gz").write_bytes(packed[:-8])
    words = ("import", "--format", "open-assistant", "--user", "u", "--on-error", "skip")
    done = run(*words, "t.jsonl.gz")
    assert done.exit_code == 1
    *_, more, last = done.stderr.splitlines()
    assert more == "... and 50 more."
    assert "line 151, byte 450: the packed file is damaged or cut here" in last
    report = json.loads(run(*words, "t.jsonl.gz", "--json").stdout)
    assert (report["skipped"], len(report["errors"])) == (151, 101)


def test_one_chat_is_a_document_and_a_chat_without_a_form_fails(run: Run, filled_url: str):
    Path("c.json").write_text(json.dumps([chatgpt(1)]))
    run("import", "--format", "chatgpt", "--user", "u", "c.json")
    done = run("export", "--format", "open-assistant", "--all", "--out", "trees.jsonl")
    assert done.exit_code == 1
    assert "has no system messages" in done.stderr
    assert not Path("trees.jsonl").exists()
    words = ("--format", "open-assistant", "--all", "--on-error", "skip", "--json")
    done = run("export", "--out", "trees.jsonl", *words)
    assert done.exit_code == 1
    assert json.loads(done.stdout)["skipped"] == 1
    assert Path("trees.jsonl").read_text() == ""
    chat_id = identity.chat_id("u", "chatgpt", "conv-1")
    done = run("export", "--format", "fine-tuning", "--chat", chat_id, "--out", "e.jsonl")
    assert done.exit_code == 1
    assert "an answer of a tool without one" in done.stderr
    assert not Path("e.jsonl").exists()
    done = run("export", "--format", "markdown", "--chat", chat_id, "--out", "c.md")
    assert "1 chat with 6 messages is in c.md, in " in done.stdout
    assert done.stdout.rstrip().endswith(" s, 3 messages not shown and left out.")
    assert "is_visually" not in Path("c.md").read_text(encoding="utf-8")
    assert "## 1. User" in Path("c.md").read_text(encoding="utf-8")
    done = run("export", "--format", "markdown", "--chat", "nobody", "--out", "d.md")
    assert done.exit_code == 1
    assert "No such chat" in done.stderr


def test_without_a_format_everything_about_a_person_is_exported(run: Run):
    Path("c.json").write_text(json.dumps([chatgpt(1)]))
    run("import", "--format", "chatgpt", "--user", "u", "c.json")
    done = run("export", "--user", "ada@example.com", "--out", "ada.zip", "--actor", "test")
    assert done.exit_code == 0, done.output
    assert "are in ada.zip" in done.stdout
    with zipfile.ZipFile("ada.zip") as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist())
    assert "What is an index?" in text


@pytest.mark.parametrize(
    "words",
    [
        ("import", "--format", "nonesuch", "--user", "u", "x"),
        ("import", "--format", "chatgpt", "x"),
        ("export", "--format", "nonesuch", "--user", "u", "--out", "x"),
        ("export", "--format", "chatgpt", "--out", "x"),
        ("export", "--format", "chatgpt", "--user", "u", "--all", "--out", "x"),
        ("export", "--format", "chatgpt", "--user", "u"),
        ("export", "--format", "chatgpt", "--user", "u", "--out", "x", "--force"),
        ("export",),
        ("export", "--all"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_done(words: tuple[str, ...]):
    assert CliRunner().invoke(cli, words).exit_code == 2


def test_what_cannot_be_done_is_one_line(run: Run):
    Path("t.json").write_text("[]")
    for words in (
        ("import", "--format", "chatgpt", "--user", "nobody", "c.json"),
        ("import", "--format", "chatgpt", "--user", "u", "nothing.json"),
        ("import", "--format", "markdown", "--user", "u", "c.json"),
        ("export", "--format", "chatgpt", "--user", "nobody", "--out", "x"),
        ("export", "--format", "markdown", "--user", "u", "--out", "x"),
        ("export", "--format", "chatgpt", "--user", "u", "--out", "no/such/folder/x"),
        ("import", "--format", "chatgpt", "--user", "u", "--account", "z", "t.json"),
        ("export", "--format", "chatgpt", "--user", "u", "--account", "z", "--out", "x"),
        ("export", "--format", "chatgpt", "--user", "u", "--out", "postgresql://u:p@127.0.0.1/y"),
    ):
        done = run(*words)
        assert done.exit_code == 1
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("chatkeep: ")


def test_the_help_names_every_format():
    for command, has in (("import", "reader"), ("export", "writer")):
        text = CliRunner().invoke(cli, [command, "--help"]).output
        text = "".join(text.split())  # a name may be broken at its hyphen
        for name in FORMATS:
            assert (name in text) is (getattr(find_format(name), has) is not None)
