"""Verdicts that were false once: dangers left unsaid, and said of what is harmless."""

import asyncpg
import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.kit.review import Options, Review, review

DATA = {"nulls-in-column", "check-breached", "foreign-key-breached", "column-dropped"}


@pytest.fixture
def told(playground18, scratch18, pg18, folder_of):
    """The review of a migration against a database that holds the tables and rows given."""

    async def run(tables: str, rows: str, sql: str, *, role: str = "postgres", **how) -> Review:
        connection = await playground18("")
        url = pg18.url(await connection.fetchval("SELECT current_database()"))
        folder = Folder.read(folder_of(tables, sql))
        await migrate(folder, url, to="0000")
        if rows:
            await connection.execute(rows)
        options = Options(**{"small_bytes": 0, "use_squawk": False, **how})
        url = url.replace("postgres@", f"{role}@")
        return await review(folder, scratch18, url=url, options=options)

    return run


def said(found: Review) -> set[str]:
    return {
        f"{f.severity} {f.rule} {f.subject}" for f in found.findings if f.rule != "no-down-file"
    }


def of_rows(found: Review) -> set[tuple[str, str, int | None]]:
    return {(str(f.severity), f.subject, f.rows) for f in found.findings if f.rule in DATA}


T = "CREATE TABLE t (id bigint PRIMARY KEY, n bigint, at timestamptz);"


async def test_a_name_with_truncate_in_it_loses_no_rows(told):
    table = "CREATE TABLE truncated (id integer PRIMARY KEY, n integer);"
    found = await told(table, "", "ALTER TABLE truncated ALTER n TYPE bigint")
    assert said(found) == {"danger column-type-rewrites truncated.n"}
    column = "ALTER TABLE t ADD word text DEFAULT 'truncate' || random()::text"
    assert said(await told(T, "", column)) == {"danger added-column-rewrites t.word"}
    both = "ALTER TABLE t ADD x int; UPDATE truncated SET n = 1 WHERE n <> 1"
    assert "danger work-under-lock t" in said(await told(T + table, "", both))


@pytest.mark.parametrize(
    ("condition", "is_much"),
    [("id > 0", True), ("at < now()", True), ("n = 5", False), ("id IN (1, 2, 3)", False)],
)
async def test_an_index_hides_no_backfill(condition, is_much, told):
    tables = T + "CREATE INDEX ON t (n); CREATE INDEX ON t (at);"
    found = await told(tables, "", f"UPDATE t SET n = 0 WHERE {condition}")
    assert said(found) == ({"warning backfill-in-one-go t"} if is_much else set())


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        (
            "WITH gone AS (DELETE FROM t RETURNING id) INSERT INTO u SELECT * FROM gone",
            "danger no-where t",
        ),
        (
            "WITH gone AS (DELETE FROM t WHERE n > 5 RETURNING id) INSERT INTO u SELECT * FROM gone",
            "warning backfill-in-one-go t",
        ),
        ("UPDATE t SET n = (SELECT max(id) FROM u WHERE u.id < 9)", "danger no-where t"),
    ],
)
async def test_a_delete_in_with_is_seen(sql, rule, told):
    row = "INSERT INTO t VALUES (1, 1, NULL)"
    found = await told(T + "CREATE TABLE u (id bigint PRIMARY KEY);", row, sql)
    assert said(found) == {rule}


async def test_the_biggest_of_several_tables_decides(told):
    """Small is what is read first; on empty tables the big one is not even begun with."""
    tables = (
        "CREATE TABLE small (id bigint PRIMARY KEY, v int); CREATE TABLE hot (id bigint PRIMARY KEY);"
        "CREATE TABLE big (id bigint PRIMARY KEY, v int, pad text);"
    )
    rows = "INSERT INTO big SELECT g, g, repeat('x', 300) FROM generate_series(1, 5000) g; ANALYZE"
    sql = "ALTER TABLE hot ADD x int; UPDATE big SET v = s.v FROM small s WHERE s.v <> big.v"
    found = await told(tables, rows, sql, small_bytes=1 << 20)
    assert "danger work-under-lock hot" in said(found)


async def test_rows_that_a_policy_hides_are_not_taken_for_none(told, pg18):
    tables = T + "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (false);"
    admin = await asyncpg.connect(pg18.admin_url)
    try:
        await admin.execute("CREATE ROLE reviewer LOGIN IN ROLE pg_read_all_data")
        rows = "INSERT INTO t VALUES (1, NULL, NULL)"
        found = await told(tables, rows, "ALTER TABLE t ALTER n SET NOT NULL", role="reviewer")
    finally:
        await admin.execute("DROP ROLE reviewer")
        await admin.close()
    assert any("this role may not read all rows" in note for note in found.notes)
    assert "danger not-null-scans t.n" in said(found)


async def test_new_rows_mend_no_old_ones(told):
    rows = "INSERT INTO t VALUES (1, NULL, NULL)"
    sql = "INSERT INTO t VALUES (2, 2, now()); ALTER TABLE t ALTER n SET NOT NULL"
    assert of_rows(await told(T, rows, sql)) == {("danger", "t.n", 1)}
    again = f"{sql.partition(';')[0]} ON CONFLICT (id) DO UPDATE SET n = 0;{sql.partition(';')[2]}"
    assert of_rows(await told(T, rows, again)) == {("warning", "t.n", 1)}
    tables = T + "CREATE TABLE u (id bigint PRIMARY KEY);"
    refers = "INSERT INTO u VALUES (7); ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (n) REFERENCES u"
    found = await told(tables, "INSERT INTO t VALUES (1, 7, NULL)", refers)
    assert of_rows(found) == {("warning", "t: f", 1)}


async def test_references_of_other_kinds(told):
    periods = """
        CREATE TABLE p (id int4range, d daterange, PRIMARY KEY (id, d WITHOUT OVERLAPS));
        CREATE TABLE c (id int4range, d daterange);
    """
    rows = """
        INSERT INTO p VALUES ('[1,2)', '[2020-01-01,2020-02-01)'), ('[1,2)', '[2020-02-01,2020-03-01)');
        INSERT INTO c VALUES ('[1,2)', '[2020-01-15,2020-02-15)');
    """
    sql = "ALTER TABLE c ADD CONSTRAINT f FOREIGN KEY (id, PERIOD d) REFERENCES p (id, PERIOD d)"
    assert of_rows(await told(periods, rows, sql)) == set()
    rows += "INSERT INTO c VALUES ('[1,2)', '[2020-01-15,2020-03-15)');"
    assert of_rows(await told(periods, rows, sql)) == {("danger", "c: f", 1)}
    pairs = "CREATE TABLE m (a int, b int, UNIQUE (a, b)); CREATE TABLE n (a int, b int);"
    rows = "INSERT INTO m VALUES (1, 1); INSERT INTO n VALUES (1, 1), (NULL, NULL), (1, NULL)"
    sql = "ALTER TABLE n ADD CONSTRAINT f FOREIGN KEY (a, b) REFERENCES m (a, b)"
    assert of_rows(await told(pairs, rows, sql)) == set()
    assert of_rows(await told(pairs, rows, sql + " MATCH FULL")) == {("danger", "n: f", 1)}


async def test_what_is_not_counted_is_said(told):
    sql = "ALTER TABLE t ADD CONSTRAINT e EXCLUDE USING btree (n WITH =)"
    found = await told(T, "", sql)
    assert any("t: e could not be checked" in note for note in found.notes)


async def test_rules_of_a_domain_meet_the_rows(told):
    tables = "CREATE DOMAIN d AS integer; CREATE TABLE t (id bigint PRIMARY KEY, v d, w d);"
    rows = "INSERT INTO t VALUES (1, -1, 1), (2, NULL, 5)"
    check = "ALTER DOMAIN d ADD CONSTRAINT c CHECK (value > 0 AND abs(VALUE) < 3)"
    wanted = {("danger", "t.v: c", 1), ("danger", "t.w: c", 1)}
    assert of_rows(await told(tables, rows, check)) == wanted
    late = f"{check} NOT VALID"
    assert of_rows(await told(tables, rows, late)) == {("warning", *each[1:]) for each in wanted}
    both = f"{late}; ALTER DOMAIN d VALIDATE CONSTRAINT c"
    assert of_rows(await told(tables, rows, both)) >= wanted
    strict = await told(tables, rows, "ALTER DOMAIN d SET NOT NULL")
    assert of_rows(strict) == {("danger", "t.v", 1)}


async def test_parts_of_views_and_types_that_go_are_told(told):
    tables = T + "CREATE TYPE c AS (a int, b text); CREATE TABLE u (id bigint PRIMARY KEY, c c);"
    tables += "CREATE VIEW v AS SELECT id, n FROM t;"
    anew = "DROP VIEW v; CREATE VIEW v AS SELECT id FROM t"
    assert said(await told(tables, "", anew)) == {"warning object-dropped v.n"}
    same = "DROP VIEW v; CREATE VIEW v AS SELECT id, n, at FROM t"
    assert said(await told(tables, "", same)) == set()
    named = "ALTER VIEW v RENAME COLUMN n TO number"
    assert said(await told(tables, "", named)) == {"warning object-renamed v.n"}
    less = "ALTER TYPE c DROP ATTRIBUTE b"
    assert said(await told(tables, "", less)) == {"danger column-dropped c.b"}
    assert said(await told(tables, "", "ALTER TYPE c ADD ATTRIBUTE d int")) == set()


async def test_squawk_is_not_overruled_where_nothing_was_measured(told):
    sql = "COMMENT ON TABLE t IS 'x';\nALTER TABLE t ADD CONSTRAINT c CHECK (nowhere > 0)"
    found = await told(T, "", sql, use_squawk=True)
    [heard] = [f for f in found.findings if f.rule == "squawk:constraint-missing-not-valid"]
    assert (str(heard.severity), heard.statement) == ("warning", 2)
    assert "Measured" not in heard.message
