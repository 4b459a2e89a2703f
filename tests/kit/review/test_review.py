"""A review as a whole: acknowledgments, what cannot be measured, and its three forms."""

import json
import re

import asyncpg
import pytest

from chatkeep.errors import MigrationFailedError, MigrationsFolderError
from chatkeep.kit.folder import Folder
from chatkeep.kit.review import Options, Severity, as_markdown, as_plain, review
from kit.review.base import BASE

NO_SQUAWK = Options(use_squawk=False)
INDEX = "CREATE INDEX i ON posts (title)"


@pytest.fixture
def told(folder_of, scratch18):
    """Review the last of these files, without squawk."""

    async def run(*texts: str):
        folder = Folder.read(folder_of(*texts))
        return await review(folder, scratch18, tags=[folder.migrations[-1].tag], options=NO_SQUAWK)

    return run


def rules(found, severity: Severity | None = None) -> list[str]:
    return [f.rule for f in found.findings if severity in (None, f.severity)]


async def test_a_danger_fails_until_the_file_says_why(told):
    assert (await told(BASE, INDEX)).fails
    accepted = await told(BASE, f"-- chatkeep:allow index-locks-writes only a few rows\n{INDEX}")
    assert not accepted.fails
    [finding] = [f for f in accepted.findings if f.rule == "index-locks-writes"]
    assert (finding.severity, finding.acknowledged) == (Severity.DANGER, "only a few rows")
    assert (finding.line, finding.statement) == (2, 1)


async def test_one_line_accepts_its_rule_and_no_other(told):
    sql = (
        f"-- chatkeep:allow index-locks-writes few rows\n{INDEX}; ALTER TABLE users DROP COLUMN bio"
    )
    found = await told(BASE, sql)
    assert found.fails
    assert [f.rule for f in found.findings if f.fails] == ["column-dropped"]


async def test_an_acknowledgment_in_a_literal_counts_for_nothing(told):
    sql = f"{INDEX}; SELECT '\n-- chatkeep:allow index-locks-writes no reason at all\n'"
    found = await told(BASE, sql)
    assert found.fails
    assert "allow-matches-nothing" not in rules(found)


async def test_an_acknowledgment_without_a_reason_or_a_match_is_a_finding(told):
    lines = "-- chatkeep:allow index-locks-writes\n-- chatkeep:allow no-where few rows\n"
    found = await told(BASE, f"{lines}-- chatkeep:allow nonesuch why\n{INDEX}")
    assert found.fails
    wrong = [(f.rule, f.line, f.subject) for f in found.findings if f.rule.startswith("allow")]
    assert wrong == [
        ("allow-without-reason", 1, "index-locks-writes"),
        ("allow-matches-nothing", 2, "no-where"),
        ("allow-matches-nothing", 3, "nonesuch"),
    ]


async def test_lines_are_those_of_the_file(told):
    sql = f"\ufeff-- one\n\nSELECT 1;--> statement-breakpoint\n/* two\n*/ {INDEX};\n\n\nDROP TABLE notes"
    found = await told(BASE, sql)
    lines = {f.rule: (f.line, f.statement) for f in found.findings}
    assert lines["index-locks-writes"] == (5, 2)
    assert lines["table-dropped"] == (8, 3)


async def test_a_failing_migration_ends_the_measurement_and_is_a_danger(folder_of, scratch18):
    folder = Folder.read(folder_of(BASE, f"{INDEX};\nSELECT nonesuch", "DROP TABLE notes"))
    found = await review(folder, scratch18, tags=["0001", "0002"], options=NO_SQUAWK)
    assert [m.tag for m in found.migrations] == ["0001_step"]
    assert rules(found, Severity.DANGER) == ["index-locks-writes", "fails"]
    assert "Not measured, since a migration before fails: 0002_step." in found.notes
    assert found.fails


async def test_a_commit_that_fails_is_told(told):
    tables = "CREATE TABLE a (id bigint PRIMARY KEY); CREATE TABLE b (a bigint REFERENCES a DEFERRABLE INITIALLY DEFERRED)"
    found = await told(tables, "INSERT INTO b VALUES (1)")
    [finding] = [f for f in found.findings if f.rule == "fails"]
    assert "The commit at its end fails" in finding.message
    assert finding.statement is None


async def test_a_migration_before_that_fails_is_an_error(folder_of, scratch18):
    folder = Folder.read(folder_of("SELECT nonesuch", INDEX))
    with pytest.raises(MigrationFailedError, match="0000_step"):
        await review(folder, scratch18, tags=["0001"], options=NO_SQUAWK)


async def test_an_unknown_tag_is_an_error(folder_of, scratch18):
    folder = Folder.read(folder_of(BASE))
    with pytest.raises(MigrationsFolderError, match="0007"):
        await review(folder, scratch18, tags=["0007"])


async def test_settings_of_one_file_do_not_reach_the_next(folder_of, scratch18):
    texts = [BASE, "SET search_path = nowhere; SET ROLE pg_monitor", INDEX]
    folder = Folder.read(folder_of(*texts))
    found = await review(folder, scratch18, tags=["0001", "0002"], options=NO_SQUAWK)
    assert "fails" not in rules(found)


async def test_a_file_in_another_schema_and_search_path(told):
    base = "CREATE SCHEMA app; CREATE TABLE app.posts (title text)"
    found = await told(base, f"SET search_path = app; {INDEX}")
    [finding] = [f for f in found.findings if f.rule == "index-locks-writes"]
    assert finding.subject == "app.posts: i"


async def test_names_with_every_sign(told):
    name = 'a "b" | c; -- <d>'
    table = '"' + name.replace('"', '""') + '"'
    found = await told(
        f"CREATE TABLE {table} (id bigint, t text)", f"CREATE INDEX i ON {table} (t)"
    )
    [finding] = [f for f in found.findings if f.rule == "index-locks-writes"]
    assert finding.subject == f"{name}: i"
    rows = [line for line in as_markdown(found).splitlines() if "index-locks-writes" in line]
    assert len(rows) == 1
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 7
    assert "<d>" not in rows[0]


async def test_the_three_forms_say_the_same(told):
    sql = f"-- chatkeep:allow no-where all of them\nDELETE FROM notes; {INDEX}; CREATE TABLE ``` (id int)"
    found = await told(BASE, sql.replace("```", '"```"'))
    document = json.loads(json.dumps(found.as_json()))
    assert document["fails"] is True
    [migration] = document["migrations"]
    statement = migration["statements"][1]
    assert statement["locks"]["posts"] == "SHARE"
    assert statement["scans"] == ["posts"]
    text, markdown = as_plain(found), as_markdown(found)
    for finding in migration["findings"]:
        assert finding["rule"] in text
        assert finding["message"] in text
        assert finding["rule"] in markdown
    assert "Acknowledged: all of them" in text
    assert "~~danger~~" in markdown
    assert "## Review of migrations: refused" in markdown
    assert "````sql" in markdown  # the SQL holds three backticks
    assert "1 migration reviewed: 1 danger, 0 warnings," in text


async def test_many_migrations_take_a_statement_count_that_grows_with_them(folder_of, scratch18):
    """Each statement costs the same few questions, however many came before."""
    texts = [f"CREATE TABLE t{number} (id bigint)" for number in range(40)]
    folder = Folder.read(folder_of(*texts))
    found = await review(folder, scratch18, options=NO_SQUAWK)
    assert len(found.migrations) == 40
    assert not found.fails


async def test_a_role_that_may_only_read_is_enough(folder_of, scratch18, playground18, pg18):
    from chatkeep.kit.migrate import migrate

    connection = await playground18("")
    name = await connection.fetchval("SELECT current_database()")
    folder = Folder.read(folder_of(BASE, "ALTER TABLE users ALTER COLUMN age SET NOT NULL"))
    await migrate(folder, pg18.url(name), to="0000")
    await connection.execute(
        "INSERT INTO users (id, email) VALUES ('u1', 'e');"
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'looker') THEN"
        " CREATE ROLE looker LOGIN; END IF; END $$;"
        "GRANT pg_read_all_data TO looker"
    )
    url = pg18.url(name).replace("postgres@", "looker@")
    found = await review(folder, scratch18, url=url, options=NO_SQUAWK)
    [finding] = [f for f in found.findings if f.rule == "nulls-in-column"]
    assert (finding.rows, finding.keys) == (1, ("u1",))
    check = await asyncpg.connect(url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await check.execute("UPDATE users SET age = 1")
    await check.close()
