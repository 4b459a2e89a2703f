"""What the rows of the real database break: counts and keys, never a value."""

import os

import asyncpg
import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.kit.review import Finding, Options, Review, Severity, review
from fixtures.servers import PgServer

SECRET = "quite-confidential"
BASE = """
CREATE TYPE mood AS ENUM ('glad', 'sad', 'odd');
CREATE TABLE users (id text PRIMARY KEY, email text, name varchar(100), age text, mood mood,
                    balance numeric(10, 4), born timestamp, big bigint);
CREATE TABLE posts (id bigint, part integer, user_id text, title text, PRIMARY KEY (id, part));
CREATE TABLE loose (value text);
"""
ROWS = f"""
INSERT INTO users VALUES
    ('u1', '{SECRET}', '{SECRET}', '{SECRET}', 'odd', 1.2345, '2000-01-01 10:00', 1),
    ('u2', '{SECRET}', '{SECRET}', '17', 'glad', 2, '2000-01-01', 3000000000),
    ('u3', NULL, NULL, NULL, 'odd', 3.5, NULL, NULL),
    ('u4', '{SECRET}', 'x', '18', NULL, NULL, NULL, 5);
INSERT INTO posts VALUES (1, 1, 'u1', '{SECRET}'), (1, 2, 'nobody', '{SECRET}'), (2, 1, NULL, '');
INSERT INTO loose VALUES ('{SECRET}'), ('{SECRET}'), (NULL);
"""

# name, migration, then of the finding: rule, severity, rows, keys
CASES = [
    (
        "not null",
        "ALTER TABLE users ALTER COLUMN email SET NOT NULL",
        "nulls-in-column",
        "danger",
        1,
        ["u3"],
    ),
    (
        "primary key",
        "ALTER TABLE loose ADD PRIMARY KEY (value)",
        "nulls-in-column",
        "danger",
        1,
        [],
    ),
    (
        "unique",
        "CREATE UNIQUE INDEX u ON users (email)",
        "duplicates",
        "danger",
        3,
        ["u1", "u2", "u4"],
    ),
    (
        "unique concurrently",
        "CREATE UNIQUE INDEX CONCURRENTLY u ON users (email)",
        "duplicates",
        "danger",
        3,
        ["u1", "u2", "u4"],
    ),
    (
        "unique constraint",
        "ALTER TABLE posts ADD UNIQUE (id)",
        "duplicates",
        "danger",
        2,
        ["1, 1", "1, 2"],
    ),
    (
        "partial unique",
        "CREATE UNIQUE INDEX u ON users (email) WHERE id < 'u4'",
        "duplicates",
        "danger",
        2,
        ["u1", "u2"],
    ),
    (
        "expression unique",
        "CREATE UNIQUE INDEX u ON users ((left(id, 1)))",
        "duplicates",
        "danger",
        4,
        ["u1", "u2", "u3"],
    ),
    (
        "nulls not distinct",
        "INSERT INTO loose VALUES (NULL); CREATE UNIQUE INDEX u ON loose (value) NULLS NOT DISTINCT WHERE value IS NULL OR value = 'x'",
        None,
        None,
        0,
        [],
    ),
    (
        "unique in DO",
        "DO $$ BEGIN EXECUTE 'CREATE UNIQUE INDEX u ON users (email)'; END $$",
        "duplicates",
        "danger",
        3,
        ["u1", "u2", "u4"],
    ),
    (
        "check",
        "ALTER TABLE posts ADD CONSTRAINT c CHECK (title <> '')",
        "check-breached",
        "danger",
        1,
        ["2, 1"],
    ),
    (
        "check not valid",
        "ALTER TABLE posts ADD CONSTRAINT c CHECK (title <> '') NOT VALID",
        "check-breached",
        "warning",
        1,
        ["2, 1"],
    ),
    (
        "check on a new column",
        "ALTER TABLE posts ADD COLUMN kind text DEFAULT 'x' CHECK (kind <> 'x')",
        "check-breached",
        "danger",
        3,
        ["1, 1", "1, 2", "2, 1"],
    ),
    (
        "check on a renamed column",
        "ALTER TABLE posts RENAME title TO head; ALTER TABLE posts ADD CONSTRAINT c CHECK (head <> '')",
        "check-breached",
        "danger",
        1,
        ["2, 1"],
    ),
    (
        "check on a renamed table",
        "ALTER TABLE posts RENAME TO notes; ALTER TABLE notes ADD CONSTRAINT c CHECK (title <> '')",
        "check-breached",
        "danger",
        1,
        ["2, 1"],
    ),
    (
        "foreign key",
        "ALTER TABLE posts ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id)",
        "foreign-key-breached",
        "danger",
        1,
        ["1, 2"],
    ),
    (
        "foreign key not valid",
        "ALTER TABLE posts ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID",
        "foreign-key-breached",
        "warning",
        1,
        ["1, 2"],
    ),
    (
        "foreign key to a new table",
        "CREATE TABLE people (id text PRIMARY KEY); ALTER TABLE posts ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES people (id)",
        "foreign-key-breached",
        "danger",
        2,
        ["1, 1", "1, 2"],
    ),
    (
        "cast by using",
        "ALTER TABLE users ALTER COLUMN age TYPE integer USING age::integer",
        "cast-fails",
        "danger",
        1,
        ["u1"],
    ),
    (
        "cast by an expression",
        "ALTER TABLE users ALTER COLUMN age TYPE integer USING (trim(age))::integer + 1",
        "cast-fails",
        "danger",
        1,
        ["u1"],
    ),
    (
        "cast to a smaller number",
        "ALTER TABLE users ALTER COLUMN big TYPE integer",
        "cast-fails",
        "danger",
        1,
        ["u2"],
    ),
    (
        "cast to an enum",
        "CREATE TYPE years AS ENUM ('17', '18'); ALTER TABLE users ALTER COLUMN age TYPE years USING age::years",
        "cast-fails",
        "danger",
        1,
        ["u1"],
    ),
    (
        "text too long",
        "ALTER TABLE users ALTER COLUMN name TYPE varchar(5)",
        "cast-fails",
        "danger",
        2,
        ["u1", "u2"],
    ),
    (
        "text cut",
        "ALTER TABLE users ALTER COLUMN name TYPE varchar(5) USING name::varchar(5)",
        "values-cut",
        "danger",
        2,
        ["u1", "u2"],
    ),
    (
        "number rounded",
        "ALTER TABLE users ALTER COLUMN balance TYPE numeric(10, 2)",
        "values-cut",
        "danger",
        1,
        ["u1"],
    ),
    (
        "time cut",
        "ALTER TABLE users ALTER COLUMN born TYPE date",
        "values-cut",
        "danger",
        1,
        ["u1"],
    ),
    (
        "column dropped",
        "ALTER TABLE users DROP COLUMN email",
        "column-dropped",
        "danger",
        3,
        ["u1", "u2", "u4"],
    ),
    ("table dropped", "DROP TABLE posts", "table-dropped", "danger", 3, ["1, 1", "1, 2", "2, 1"]),
    ("truncate", "TRUNCATE loose", "truncates", "danger", 3, []),
    ("no where", "DELETE FROM users", "no-where", "danger", 4, ["u1", "u2", "u3"]),
    (
        "required column",
        "ALTER TABLE users ADD COLUMN nick text NOT NULL",
        "required-column",
        "danger",
        4,
        ["u1", "u2", "u3"],
    ),
    (
        "enum value",
        "ALTER TYPE mood RENAME TO old; CREATE TYPE mood AS ENUM ('glad', 'sad'); ALTER TABLE users ALTER COLUMN mood TYPE mood USING mood::text::mood; DROP TYPE old",
        "enum-value-dropped",
        "danger",
        2,
        ["u1", "u3"],
    ),
    (
        "enum value unused",
        "ALTER TYPE mood RENAME TO old; CREATE TYPE mood AS ENUM ('glad', 'odd'); ALTER TABLE users ALTER COLUMN mood TYPE mood USING mood::text::mood; DROP TYPE old",
        "enum-value-dropped",
        "warning",
        0,
        [],
    ),
    (
        "filled before",
        "UPDATE users SET email = id WHERE email IS NULL; ALTER TABLE users ALTER COLUMN email SET NOT NULL",
        "nulls-in-column",
        "warning",
        1,
        ["u3"],
    ),
    (
        "nothing is cut",
        "ALTER TABLE users ALTER COLUMN name TYPE varchar(50) USING name::varchar(50)",
        None,
        None,
        0,
        [],
    ),
    (
        "nothing fails",
        "ALTER TABLE users ALTER COLUMN balance TYPE numeric(12, 4)",
        None,
        None,
        0,
        [],
    ),
    ("the check holds", "ALTER TABLE posts ADD CONSTRAINT c CHECK (id > 0)", None, None, 0, []),
    ("all unique", "CREATE UNIQUE INDEX u ON users (id, email)", None, None, 0, []),
    (
        "new and default",
        "ALTER TABLE users ADD COLUMN nick text NOT NULL DEFAULT 'x'",
        None,
        None,
        0,
        [],
    ),
]
FULL = bool(os.environ.get("CHATKEEP_FULL"))
ON_15 = CASES if FULL else [case for case in CASES if "cast" in case[0] or "unique" in case[0]]
DATA = {
    "nulls-in-column",
    "duplicates",
    "check-breached",
    "foreign-key-breached",
    "cast-fails",
    "values-cut",
}
COUNTED = DATA | {
    "column-dropped",
    "table-dropped",
    "truncates",
    "no-where",
    "required-column",
    "enum-value-dropped",
}


@pytest.fixture
def database(playground18, pg18: PgServer):
    """The URL of a database on 18 with BASE applied, and ROWS in it."""

    async def make(folder: Folder, rows: str = ROWS, play=playground18, server=pg18) -> str:
        connection = await play("")
        url = server.url(await connection.fetchval("SELECT current_database()"))
        await migrate(folder, url, to="0000")
        await connection.execute(rows or "SELECT 1")
        return url

    return make


async def reviewed(sql: str, folder_of, database, place) -> tuple[Review, str]:
    """Review a migration against a database that holds ROWS, which stay as they are."""
    play, scratch, server = place
    folder = Folder.read(folder_of(BASE, sql))
    url = await database(folder, ROWS, play, server)
    connection = await asyncpg.connect(url)
    before = await rows_of(connection)
    found = await review(folder, scratch, url=url)
    assert await rows_of(connection) == before
    await connection.close()
    return found, url


async def rows_of(connection: asyncpg.Connection) -> list[tuple[object, ...]]:
    tables = ("users", "posts", "loose")
    return [tuple(row) for t in tables for row in await connection.fetch(f"SELECT * FROM {t}")]


@pytest.mark.parametrize("case", CASES, ids=[c[0] for c in CASES])
async def test_rows(case, folder_of, database, playground18, scratch18, pg18):
    await check(case, folder_of, database, (playground18, scratch18, pg18))


@pytest.mark.needs("pg15")
@pytest.mark.parametrize("case", ON_15, ids=[c[0] for c in ON_15])
async def test_rows_on_15(case, folder_of, database, playground15, scratch15, pg15):
    await check(case, folder_of, database, (playground15, scratch15, pg15))


async def check(case, folder_of, database, place):
    _, sql, rule, severity, count, keys = case
    found, url = await reviewed(sql, folder_of, database, place)
    assert [migration.tag for migration in found.migrations] == ["0001_step"]
    told = [f for f in found.findings if f.rule in COUNTED and f.rows is not None]
    assert SECRET not in repr(found)
    if rule is None:
        assert [f.rule for f in told if f.rule in DATA] == []
        return
    [finding] = [f for f in told if f.rule == rule]
    assert (str(finding.severity), finding.rows, sorted(finding.keys)) == (severity, count, keys)
    if rule in DATA and severity == "danger":
        await refused(url, sql)


async def refused(url: str, sql: str) -> None:
    """What the review says that it fails, or cuts, does so."""
    connection = await asyncpg.connect(url)
    try:
        if "USING name::varchar(5)" in sql or "numeric(10, 2)" in sql or "TYPE date" in sql:
            await connection.execute(sql)
            return
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(sql)
    finally:
        await connection.close()


def only(found: Review, rule: str) -> Finding:
    [finding] = [each for each in found.findings if each.rule == rule]
    return finding


async def test_a_question_that_takes_too_long_is_a_note(folder_of, scratch18, database):
    slow = "ALTER TABLE users ADD CONSTRAINT c CHECK (pg_sleep(60) IS NULL)"
    folder = Folder.read(folder_of(BASE, slow))
    url = await database(folder)
    found = await review(folder, scratch18, url=url, options=Options(seconds=0.05))
    assert any("could not be checked: it took longer than 0.05 s" in note for note in found.notes)


async def test_a_type_that_the_database_lacks_is_a_note(folder_of, scratch18, database):
    sql = (
        "CREATE DOMAIN years AS integer; "
        "ALTER TABLE users ALTER COLUMN age TYPE years USING age::integer::years"
    )
    folder = Folder.read(folder_of(BASE, sql))
    url = await database(folder)
    found = await review(folder, scratch18, url=url)
    assert any("SQLSTATE 42704" in note for note in found.notes)


async def test_a_small_table_turns_a_lock_into_a_note(folder_of, scratch18, database):
    folder = Folder.read(folder_of(BASE, "CREATE INDEX i ON users (email)"))
    url = await database(folder, ROWS + "ANALYZE users;")
    small = only(await review(folder, scratch18, url=url), "index-locks-writes")
    assert small.severity is Severity.NOTE
    assert "users is small (about 4 rows, " in small.message
    big = await review(folder, scratch18, url=url, options=Options(small_bytes=0))
    assert only(big, "index-locks-writes").severity is Severity.DANGER
    assert big.sizes["users"].rows == 4
    assert "users: about 4 rows" in only(big, "index-locks-writes").message


async def test_what_is_pending_comes_from_the_database(folder_of, scratch18, database):
    texts = [
        "CREATE TABLE a (id bigint)",
        "CREATE INDEX i ON a (id)",
        "ALTER TABLE a ADD COLUMN b text",
    ]
    folder = Folder.read(folder_of(*texts))
    url = await database(folder, "")
    await migrate(folder, url, to="0001")
    tags = lambda found: [migration.tag for migration in found.migrations]  # noqa: E731 - read thrice
    assert tags(await review(folder, scratch18, url=url)) == ["0002_step"]
    assert tags(await review(folder, scratch18, url=url, tags=["0001"])) == ["0001_step"]
    assert tags(await review(folder, scratch18)) == ["0000_step", "0001_step", "0002_step"]
    await migrate(folder, url)
    nothing = await review(folder, scratch18, url=url)
    assert nothing.migrations == ()
    assert not nothing.fails


async def test_a_table_that_is_not_there_yet_makes_nobody_wait(folder_of, scratch18, database):
    folder = Folder.read(folder_of(BASE, "CREATE TABLE a (id bigint)", "CREATE INDEX i ON a (id)"))
    url = await database(folder, "")
    told = only(await review(folder, scratch18, url=url), "index-locks-writes")
    assert told.severity is Severity.NOTE
    assert "not in the database yet" in told.message
    alone = only(await review(folder, scratch18), "index-locks-writes")
    assert alone.severity is Severity.DANGER


async def test_the_databases_time_zone_decides(folder_of, scratch18, database):
    sql = "ALTER TABLE users ALTER COLUMN born TYPE timestamptz"
    folder = Folder.read(folder_of(BASE, sql))
    url = await database(folder)
    utc = await review(folder, scratch18, url=url, options=Options(small_bytes=0))
    assert "column-type-rewrites" not in {f.rule for f in utc.findings}
    connection = await asyncpg.connect(url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET timezone = 'Europe/Berlin'")
    berlin = await review(folder, scratch18, url=url, options=Options(small_bytes=0))
    await connection.execute(f"ALTER DATABASE {name} RESET timezone")
    await connection.close()
    assert "column-type-rewrites" in {f.rule for f in berlin.findings}
