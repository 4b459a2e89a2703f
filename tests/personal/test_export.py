"""`export_person`: all of a person's rows, none of anybody else's, and no secret."""

import asyncio
import json
import os
import stat
import threading
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from chatkeep.database.creation import create_tables
from chatkeep.errors import PersonalDataError, UserNotFoundError
from chatkeep.personal.audit import history, subject_hash
from chatkeep.personal.erasing import erase_person
from chatkeep.personal.exporting import ExportOptions, Progress, export_person
from chatkeep.schema.schema import Schema
from personal.conftest import EMAIL, Town

ROWS = 1_000_000 if os.environ.get("CHATKEEP_FULL") else 6000


def read(path: Path) -> dict[str, Any]:
    """Each file of the zip: a list of rows, and the manifest."""
    found: dict[str, Any] = {}
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            text = archive.read(name).decode()
            if name.endswith(".jsonl"):
                found[name] = [json.loads(line) for line in text.split("\n")[:-1]]
            else:
                found[name] = json.loads(text)
    return found


async def test_every_row_of_the_person_is_there_and_no_other(each_town: Town, tmp_path: Path):
    town, out = each_town, tmp_path / "ada.zip"
    report = await export_person(town.url, town.schema, EMAIL.upper(), out)
    found = read(out)
    for table, stored in (await town.rows()).items():
        if not table.startswith("public.") or any(
            each in table for each in ("_cache", "_day", "verification")
        ):
            continue
        name = table.partition(".")[2].strip('"')
        theirs = [row for row in stored if town.victim.user in row]
        assert theirs, f"the world has no row in {name}"
        assert len(found[f"{name}.jsonl"]) == len(theirs), name
        assert all(town.victim.user in json.dumps(row) for row in found[f"{name}.jsonl"])
    assert [row["identifier"] for row in found["x_verification_token.jsonl"]] == [EMAIL.upper()]
    assert found["x_search_cache.jsonl"] == []
    assert found["manifest.json"]["left_out_quotes"] == {"x_search_cache": 1}
    whole = json.dumps(found)
    assert town.stranger.user not in whole
    assert "SECRET" not in whole
    assert report.rows == sum(len(each) for name, each in found.items() if name != "manifest.json")


async def test_the_manifest_says_what_is_in_it_and_what_is_not(town: Town, tmp_path: Path):
    await town.admin.execute("CREATE TABLE weather (day date PRIMARY KEY, user_id text)")
    out = tmp_path / "ada.zip"
    await export_person(town.url, town.schema, town.victim.user, out)
    found = read(out)
    manifest = found["manifest.json"]
    assert manifest["person"] == {"id": town.victim.user, "emails": [EMAIL]}
    for file in manifest["files"]:
        assert len(found[file["file"]]) == file["rows"]
    sessions = next(file for file in manifest["files"] if file["table"] == "x_session")
    assert sessions["left_out_columns"] == ["session_token"]
    assert "on delete cascade" in sessions["why"][0]
    assert found["x_session.jsonl"][0]["session_token"] == "(left out)"
    assert "no foreign key" in manifest["left_out_tables"]["weather"]
    assert manifest["tables_not_in_schema"] == ["weather"]
    assert manifest["unlinked_columns"] == ["weather.user_id"]


async def test_a_table_that_only_the_database_knows_is_followed(town: Town, tmp_path: Path):
    await town.admin.execute(
        "CREATE SCHEMA legacy;"
        "CREATE TABLE legacy.note (id int PRIMARY KEY,"
        " owner text REFERENCES x_user ON DELETE CASCADE, seen_by text REFERENCES x_user, said text);"
        "CREATE TABLE legacy.line (note_id int REFERENCES legacy.note ON DELETE CASCADE, text text)"
    )
    victim, stranger = town.victim.user, town.stranger.user
    await town.admin.executemany(
        "INSERT INTO legacy.note VALUES ($1, $2, $3, $4)",
        [(1, victim, stranger, "mine"), (2, stranger, victim, "private to the stranger")],
    )
    await town.admin.execute("INSERT INTO legacy.line VALUES (1, 'my line'), (2, 'their line')")
    report = await export_person(town.url, town.schema, victim, out := tmp_path / "a.zip")
    found = read(out)
    assert [row["said"] for row in found["legacy.note.jsonl"]] == ["mine"]
    assert [row["text"] for row in found["legacy.line.jsonl"]] == ["my line"]
    assert found["legacy.note.mentions.jsonl"] == [{"id": 2, "seen_by": victim}]
    assert set(report.unknown) == {"legacy.note", "legacy.line"}


async def test_what_only_quotes_the_person_stays_with_who_wrote_it(town: Town, tmp_path: Path):
    await town.admin.execute(
        "CREATE TABLE below (id int PRIMARY KEY, cached int REFERENCES x_search_cache ON DELETE CASCADE)"
    )
    texts = [
        "why did victim@example.com fire bob? I am bob@example.com",
        EMAIL.title(),
        town.victim.user,
    ]
    for at, text in enumerate(texts):
        cached = await town.admin.fetchval(
            "INSERT INTO x_search_cache (query, results, expires_at) VALUES ($1, '{}', now())"
            " RETURNING id",
            text,
        )
        await town.admin.execute("INSERT INTO below VALUES ($1, $2)", at, cached)
    report = await export_person(town.url, town.schema, EMAIL, out := tmp_path / "a.zip")
    found = read(out)
    assert "bob@example.com" not in json.dumps(found)
    assert [row["query"] for row in found["x_search_cache.jsonl"]] == [EMAIL.title()]
    assert [row["id"] for row in found["below.jsonl"]] == [1]
    assert report.quoted == {"x_search_cache": 3, "below": 2}
    # What is said here of quotes is about exports: erasing follows each of them.
    done = await erase_person(town.url, town.schema, EMAIL)
    assert {step.table: step.rows for step in done.steps}["below"] == 3


SECRET = [
    "accessToken", "refreshToken", "passwordHash", "token_encrypted", "api_keys", "otp",
    "access_token_v2", "apiKey", "APIKey", "backup_codes", "user_passwords", "totpSecret",
    "recoveryCodes", "token-hash", "privateKeyPem", "jwt",
]  # fmt: skip
SHOWN = [
    "token_type", "max_tokens", "password_changed_at", "key", "keyboard", "secretary",
    "tokenizer", "primary_key", "is_secret", "codes",
]  # fmt: skip


async def test_secrets_are_known_by_the_words_of_their_names(town: Town, tmp_path: Path):
    types = {"otp": "int", "max_tokens": "int", "password_changed_at": "date", "is_secret": "bool"}
    columns = [f'"{name}" {types.get(name, "text")}' for name in (*SECRET, *SHOWN)]
    await town.admin.execute(
        f'CREATE TABLE oauth ("userId" text REFERENCES x_user ON DELETE CASCADE, {", ".join(columns)})'
    )
    values = {"int": "7", "date": "now()", "bool": "true", "text": "'SECRET'"}
    given = ", ".join(values[types.get(name, "text")] for name in (*SECRET, *SHOWN))
    await town.admin.execute(f"INSERT INTO oauth SELECT '{town.victim.user}', {given}")
    await export_person(town.url, town.schema, EMAIL, out := tmp_path / "a.zip")
    (row,) = read(out)["oauth.jsonl"]
    assert [name for name, value in row.items() if value == "(left out)"] == SECRET


async def test_names_in_camel_case_sound_like_a_person_too(town: Town, tmp_path: Path):
    await town.admin.execute(
        'CREATE TABLE notes (id int, "userId" text, "userEmail" text, "ownerID" text, "createdBy" text)'
    )
    report = await export_person(town.url, town.schema, EMAIL, tmp_path / "a.zip")
    columns = ("userId", "userEmail", "ownerID", "createdBy")
    assert report.suspects == tuple(f"notes.{name}" for name in columns)


async def test_an_unusual_person_of_each_preset_comes_out_whole(
    database_url: str, other_schema: Schema[Any, Any, Any, Any], tmp_path: Path
):
    await create_tables(other_schema, database_url)
    users = other_schema.tables["users"].name
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            f'INSERT INTO "{users}" (id, email, name) VALUES ($1, $2, $3)',
            "o'Neil \"x\" 100%", "o'neil+x@example.com", 'quote " back \\ new\nline \u2028 \U0001f600',
        )  # fmt: skip
    finally:
        await connection.close()
    await export_person(database_url, other_schema, "o'neil+X@example.com", out := tmp_path / "o")
    (row,) = read(out)[f"{users}.jsonl"]
    assert row["id"] == 'o\'Neil "x" 100%'
    assert row["name"] == 'quote " back \\ new\nline \u2028 \U0001f600'


async def test_json_comes_out_as_it_was_written_nul_and_line_breaks_and_all(
    town: Town, tmp_path: Path
):
    text = '{"a":\n "nul \\u0000",\r\n "big": 12345678901234567890.1234567890,  "a": 2}'
    await town.admin.execute(
        "CREATE TABLE raw (u text REFERENCES x_user ON DELETE CASCADE, j json)"
    )
    await town.admin.execute("INSERT INTO raw VALUES ($1, $2)", town.victim.user, text)
    await export_person(town.url, town.schema, EMAIL, out := tmp_path / "a.zip")
    with zipfile.ZipFile(out) as archive:
        (line,) = archive.read("raw.jsonl").decode().splitlines()
    assert text.replace("\n", " ").replace("\r", " ") in line
    assert json.loads(line)["j"]["big"] > 1


async def test_the_file_is_the_owners_alone_and_never_written_over(town: Town, tmp_path: Path):
    out = tmp_path / "a.zip"
    await export_person(town.url, town.schema, EMAIL, out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    before = out.read_bytes()
    with pytest.raises(PersonalDataError, match="there already"):
        await export_person(town.url, town.schema, EMAIL, out)
    assert out.read_bytes() == before
    out.write_text("old")
    await export_person(town.url, town.schema, EMAIL, out, ExportOptions(force=True))
    assert read(out)["x_user.jsonl"]
    with pytest.raises(PersonalDataError, match="takes no new file"):
        await export_person(town.url, town.schema, EMAIL, tmp_path / "no folder" / "a.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


async def test_what_breaks_off_leaves_no_file_and_no_note(town: Town, tmp_path: Path):
    def stop(progress: Progress) -> None:
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await export_person(town.url, town.schema, EMAIL, tmp_path / "a.zip", on_progress=stop)
    assert list(tmp_path.iterdir()) == []
    assert await history(town.admin) == []


async def test_it_is_one_moment_of_the_database(town: Town, tmp_path: Path):
    async def meddle() -> None:
        connection = await asyncpg.connect(town.url)
        await connection.execute("DELETE FROM x_itinerary; UPDATE x_message SET content = 'late'")
        await connection.close()

    def tell(progress: Progress) -> None:
        if progress.done == 0 and progress.rows == 0:
            thread = threading.Thread(target=lambda: asyncio.run(meddle()))
            thread.start()
            thread.join()

    await export_person(town.url, town.schema, EMAIL, out := tmp_path / "a.zip", on_progress=tell)
    found = read(out)
    assert len(found["x_itinerary.jsonl"]) == 1
    assert "late" not in {row["content"] for row in found["x_message.jsonl"]}


async def test_who_took_it_is_noted_and_never_names_the_person(town: Town, tmp_path: Path):
    given = ExportOptions(actor=f"Self-service of {EMAIL.title()}")
    await export_person(town.url, town.schema, EMAIL, tmp_path / "a.zip", given)
    (entry,) = await history(town.admin)
    assert (entry.action, entry.actor) == ("export", "the person")
    assert entry.subject == subject_hash(town.victim.user)
    assert dict(entry.detail)["rows"]["x_itinerary"] == 1  # type: ignore[index]


async def test_a_stranger_is_not_found(town: Town, tmp_path: Path):
    with pytest.raises(UserNotFoundError):
        await export_person(town.url, town.schema, "nobody@example.com", tmp_path / "a.zip")
    with pytest.raises(PersonalDataError, match="named by"):
        await export_person(town.url, town.schema, " ", tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(7200)
async def test_memory_does_not_grow_with_the_rows(town: Town, tmp_path: Path):
    async def peak(out: Path) -> int:
        tracemalloc.start()
        try:
            await export_person(town.url, town.schema, EMAIL, out)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few = await peak(tmp_path / "few.zip")
    await town.admin.execute(
        "INSERT INTO x_itinerary (id, user_id, title)"
        " SELECT i, $1, repeat('word ', 1000) FROM generate_series(1, $2::int) i",
        town.victim.user, ROWS,
    )  # fmt: skip
    many = await peak(tmp_path / "many.zip")
    with zipfile.ZipFile(tmp_path / "many.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert {f["table"]: f["rows"] for f in manifest["files"]}["x_itinerary"] > ROWS
    assert many < few + 10_000_000  # of 30 MB of rows, and of 5 GB


async def test_a_role_that_sees_only_some_rows_is_refused(town: Town, tmp_path: Path):
    await town.admin.execute(
        "CREATE ROLE half LOGIN; GRANT pg_read_all_data TO half;"
        "ALTER TABLE x_chat ENABLE ROW LEVEL SECURITY;"
    )
    try:
        url = town.url.replace("//postgres@", "//half@")
        with pytest.raises(PersonalDataError, match="all rows of x_chat"):
            await export_person(url, town.schema, EMAIL, tmp_path / "a.zip")
        await town.admin.execute("CREATE POLICY all_of_it ON x_chat TO half USING (true)")
        with pytest.raises(PersonalDataError, match=r"chatkeep\.audit"):
            await export_person(url, town.schema, EMAIL, tmp_path / "a.zip")
    finally:
        await town.admin.execute("DROP OWNED BY half; DROP ROLE half")
    assert list(tmp_path.iterdir()) == []
