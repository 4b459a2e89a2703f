"""What the server says of migrations."""

import asyncio

import asyncpg
import pytest

from chatkeep.studio.migrations.documents import safe_form


async def test_list_says_what_is_applied_pending_edited_and_gone(
    api, own_project, until, database_url, rows
):
    root = own_project()
    await until(root, database_url, "0001_fill")
    here = await api(database_url, root)
    listed = await here.get("migrations")
    assert [each["state"] for each in listed["migrations"]] == ["applied", "applied", "pending"]
    assert [each["reverse"] for each in listed["migrations"]] == [False, False, True]
    assert listed["migrations"][0]["seconds"] >= 0
    assert listed["migrations"][0]["applied"] is not None
    assert listed["error"] is None
    assert "postgres@" not in listed["place"]

    (root / "drizzle" / "0001_fill.sql").write_text("select 1;\n")
    listed = await here.get("migrations")
    edited = listed["migrations"][1]
    assert edited["state"] == "edited"
    assert edited["words"] == "edited: the file changed after being applied"
    assert edited["advice"].startswith("Bring the old content back")
    refused = await here.get("migrations/apply", 400)
    assert refused["error"]["code"] == "migration_edited"


async def test_without_a_folder_it_says_what_to_run(api, own_project, database_url):
    root = own_project()
    here = await api(database_url, root)
    (root / "drizzle").rename(root / "elsewhere")
    listed = await here.get("migrations")
    assert listed["migrations"] == []
    assert "chatkeep generate" in listed["error"]["hint"]
    assert listed["folder"] == "drizzle"


async def test_folder_of_drizzle_1_is_read(api, tmp_path, database_url):
    folder = tmp_path / "one" / "drizzle" / "20261121021412_first"
    folder.mkdir(parents=True)
    (folder / "migration.sql").write_text('CREATE TABLE "t" ("id" int);\n')
    (folder / "snapshot.json").write_text("{}")
    here = await api(database_url, tmp_path / "one", write=True)
    listed = await here.get("migrations")
    assert listed["format"] == "1.0"
    assert await here.states() == {"20261121021412_first": "pending"}
    await here.post("migrations/apply", await here.order("apply"))
    assert (await here.lines())[-1]["state"] == "done"
    assert await here.states() == {"20261121021412_first": "applied"}


async def test_role_that_may_not_read_the_bookkeeping_sees_the_folder(
    api, own_project, until, database_url, rows, pg18
):
    root = own_project()
    await until(root, database_url, "0001_fill")
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("create role looker_e login; grant select on posts to looker_e")
        here = await api(database_url.replace("postgres@", "looker_e@"), root)
        listed = await here.get("migrations")
        assert {each["state"] for each in listed["migrations"]} == {"unread"}
        assert listed["error"]["message"]
        assert (await here.get("migrations/file/0000_posts"))["state"] == "unread"
    finally:
        await connection.execute("drop owned by looker_e; drop role looker_e")
        await connection.close()


async def test_page_has_the_file_its_reverse_and_where_it_stands(
    api, own_project, until, database_url
):
    root = own_project()
    await until(root, database_url, "0001_fill")
    here = await api(database_url, root)
    page = await here.get("migrations/file/0002_views")
    assert page["sql"].startswith('CREATE INDEX "posts_body_idx"')
    assert (page["statements"], page["transaction"], page["state"]) == (2, True, "pending")
    assert page["reverse"]["file"] == "0002_views.down.sql"
    assert page["reverse"]["sql"].startswith("ALTER TABLE")
    assert not page["reverse"]["proved"]
    bare = await here.get("migrations/file/0000_posts")
    assert bare["reverse"]["sql"] is None
    assert bare["reverse"]["fault"]
    await here.get("migrations/file/0009_none", 404)


async def test_changes_are_told_by_table_with_the_sql_before_and_after(
    api, own_project, database_url
):
    root = own_project(
        more='ALTER TABLE "posts" RENAME TO "articles";--> statement-breakpoint\n'
        'ALTER TABLE "articles" RENAME COLUMN "body" TO "text";--> statement-breakpoint\n'
        "CREATE TYPE \"mood\" AS ENUM('good', 'bad');\n"
    )
    here = await api(database_url, root)
    (views,) = (await here.get("migrations/file/0002_views/changes"))["changes"]
    assert (views["kind"], views["name"], views["found"]) == ("table", "public.posts", "changed")
    parts = {(part["kind"], part["name"], part["found"]) for part in views["parts"]}
    assert {("column", "views", "added"), ("index", "posts_body_idx", "added")} <= parts
    assert "posts_body_idx" not in views["before"]
    assert 'CREATE INDEX "posts_body_idx"' in views["after"]
    assert '"views" bigint DEFAULT 0 NOT NULL' in views["after"]

    more = await here.get("migrations/file/0003_more/changes")
    found = {(each["kind"], each["name"], each["found"], each["was"]) for each in more["changes"]}
    assert found == {
        ("table", "public.articles", "changed", "public.posts"),
        ("enum", "public.mood", "added", ""),
    }
    assert more["renamed"] == [{"table": "public.posts", "was": "body", "name": "text"}]
    (made,) = (await here.get("migrations/file/0000_posts/changes"))["changes"]
    assert (made["found"], made["before"], made["parts"]) == ("added", "", [])
    assert (await here.get("migrations/file/0001_fill/changes"))["changes"] == []


async def test_review_names_locks_and_gives_the_safe_form(api, own_project, until, database_url):
    root = own_project()
    await until(root, database_url, "0001_fill")
    here = await api(database_url, root)
    found = await here.get("migrations/review")
    (reviewed,) = found["migrations"]
    assert reviewed["tag"] == "0002_views"
    index, column = reviewed["statements"]
    assert index["locks"] == [
        {"table": "posts", "lock": "SHARE", "strength": 4, "blocks": "writes"}
    ]
    assert column["locks"][0]["blocks"] == "reads and writes"
    (finding,) = (each for each in reviewed["findings"] if each["rule"] == "index-locks-writes")
    assert finding["title"] == "an index is built while writers wait"
    assert finding["safe_sql"].startswith('CREATE INDEX CONCURRENTLY "posts_body_idx"')
    assert found["tables"]["posts"]["bytes"] > 0
    chosen = await here.get("migrations/file/0000_posts/review")
    assert [each["tag"] for each in chosen["migrations"]] == ["0000_posts"]


@pytest.mark.parametrize(
    ("rule", "sql", "safe"),
    [
        ("index-locks-writes", "CREATE UNIQUE INDEX i ON t (a)", "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);\n"),
        ("index-drop-locks", "drop index i", "drop index CONCURRENTLY i;\n"),
        (
            "check-scans",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)",
            (
                "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\n\n"
                "-- in the next migration:\nALTER TABLE t VALIDATE CONSTRAINT c;\n"
            ),
        ),
        ("check-scans", "ALTER TABLE t ADD CONSTRAINT a CHECK (x), ADD CONSTRAINT b CHECK (y)", ""),
        ("table-rewrite", "ALTER TABLE t ALTER a TYPE text", ""),
        ("check-scans", "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0), ADD COLUMN d int", ""),
        ("check-scans", "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) -- as the form asks", ""),
        ("index-drop-locks", "DROP INDEX i, j", ""),
        ("index-drop-locks", "DROP INDEX i CASCADE", ""),
        (
            "foreign-key-scans",
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a, b) REFERENCES o (a, b) ON DELETE CASCADE",
            (
                "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a, b) REFERENCES o (a, b) "
                "ON DELETE CASCADE NOT VALID;\n\n"
                "-- in the next migration:\nALTER TABLE t VALIDATE CONSTRAINT f;\n"
            ),
        ),
    ],
)  # fmt: skip
def test_safe_form_is_given_where_it_follows_from_the_words(rule, sql, safe):
    assert safe_form(rule, sql) == safe


async def test_others_are_answered_while_a_review_runs(api, own_project, database_url):
    root = own_project()
    here = await api(database_url, root)
    reviewing = asyncio.create_task(here.get("migrations/review"))
    effects = asyncio.create_task(here.get("migrations/file/0002_views/changes"))
    await here.get("migrations")
    assert not reviewing.done()
    assert len((await reviewing)["migrations"]) == 3
    assert (await effects)["changes"]


async def test_however_many_ask_few_connections_are_opened(
    api, own_project, until, database_url, monkeypatch
):
    monkeypatch.setattr("chatkeep.studio.migrations.routes._LOOK_SECONDS", 0.6)
    monkeypatch.setattr("chatkeep.studio.migrations.routes._COUNT_SECONDS", 0.6)
    root = own_project()
    await until(root, database_url, "0002_views")
    here = await api(database_url, root)
    holder, watcher = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    most = 0
    async with holder.transaction():
        # Everybody waits for the bookkeeping, and nobody for ever.
        await holder.execute("lock drizzle.__drizzle_migrations in access exclusive mode")
        paths = ["", "/file/0002_views", "/apply", "/rollback?steps=1"] * 5
        asked = asyncio.gather(*(here.client.get(f"/api/migrations{path}") for path in paths))
        while not asked.done():
            waiting = await watcher.fetchval(
                """select count(*) from pg_stat_activity where datname = current_database()
                and application_name in ('chatkeep status', 'chatkeep migrate', 'chatkeep rollback')"""
            )
            most = max(most, waiting)
            await asyncio.sleep(0.01)
    answers = await asked
    await holder.close()
    await watcher.close()
    assert {each.json()["error"]["code"] for each in answers} == {"took_too_long"}
    assert {each.status_code for each in answers} == {200, 504}, "the list shows the folder still"
    assert 1 <= most <= 4, "two at work, and two that are being closed"
    assert len((await here.get("migrations"))["migrations"]) == 3
