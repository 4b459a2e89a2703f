"""What the server does with migrations, and tells of it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from chatkeep.studio.migrations.runs import Run, Task
from fixtures.servers import Databases, PgServer
from fixtures.studio_world import SCHEMA


async def test_read_only_studio_refuses_every_change(api, own_project, until, database_url):
    root = own_project()
    await until(root, database_url, "0001_fill")
    here = await api(database_url, root)
    order = await here.order("apply")
    for path in ("migrations/apply", "migrations/rollback", "migrations/run/stop"):
        refused = await here.post(path, order, 403)
        assert refused["error"]["code"] == "read_only"
    assert (await here.states())["0002_views"] == "pending"


async def test_apply_then_roll_back_with_every_line(api, own_project, until, database_url, rows):
    root = own_project()
    await until(root, database_url, "0001_fill")
    here = await api(database_url, root, write=True)
    plan = await here.get("migrations/apply")
    assert "posts_body_idx" in plan["steps"][0]["sql"]
    assert "pg_try_advisory_lock" in plan["before"]
    await here.post("migrations/apply", await here.order("apply"))
    lines = await here.lines()
    assert [line["kind"] for line in lines] == [
        "start", "event", "event", "event", "through", "end",
    ]  # fmt: skip
    assert lines[1]["what"] == "begun"
    assert [(line["number"], line["of"]) for line in lines[2:4]] == [(1, 2), (2, 2)]
    assert lines[-1]["done"] == ["0002_views"]
    assert await rows(database_url, "select count(*) from posts where views = 0") == [(200,)]

    back = await here.get("migrations/rollback?steps=1")
    (step,) = back["steps"]
    assert step["loses"], "the column's values go"
    order = await here.order("rollback", "?steps=1")
    await here.post("migrations/rollback", order)
    assert (await here.lines())[-1]["error"]["code"] == "rows_in_the_way"
    assert (await here.states())["0002_views"] == "applied"
    await here.post("migrations/rollback", {**order, "accept_data_loss": True})
    assert (await here.lines())[-1]["state"] == "done"
    assert (await here.states())["0002_views"] == "pending"
    refused = await here.get("migrations/rollback?steps=1", 400)
    assert refused["error"]["code"] == "not_reversible"


async def test_failing_migration_tells_all_and_leaves_nothing_half_done(
    api, own_project, database_url, rows
):
    root = own_project(
        bad='ALTER TABLE "posts" ADD COLUMN "late" int;--> statement-breakpoint\n'
        'ALTER TABLE "posts" ADD COLUMN "title" int;\n',
        last="SELECT 1;\n",
    )
    here = await api(database_url, root, write=True)
    await here.post("migrations/apply", await here.order("apply"))
    end = (await here.lines())[-1]
    assert end["state"] == "failed"
    assert end["error"]["code"] == "migration_failed"
    assert "0003_bad.sql: statement 2 of 2" in end["error"]["message"]
    assert "left nothing behind" in end["error"]["hint"]
    assert end["done"] == ["0000_posts", "0001_fill", "0002_views"]
    assert end["left"] == ["0003_bad", "0004_last"]
    columns = "select attname::text from pg_attribute where attrelid = 'posts'::regclass and attname = 'late'"
    assert await rows(database_url, columns) == []


async def test_what_broke_off_between_statements_is_told_and_goes_on(
    api, own_project, until, database_url
):
    half = 'CREATE INDEX CONCURRENTLY "late_idx" ON "posts" ("id");--> statement-breakpoint\n'
    root = own_project(half=half + "SELECT 1/0;\n")
    await until(root, database_url, "0002_views")
    here = await api(database_url, root, write=True)
    await here.post("migrations/apply", await here.order("apply"))
    assert (await here.lines())[-1]["left"] == ["0003_half"]
    line = (await here.get("migrations"))["migrations"][-1]
    assert line["state"] == "running"
    assert line["words"] == "broke off: 1 of its 2 statements are there"
    assert "goes on" in line["advice"]
    (root / "drizzle" / "0003_half.sql").write_text(half + "SELECT 1;\n")
    await here.post("migrations/apply", await here.order("apply"))
    lines = await here.lines()
    assert lines[1]["resumed"] == 1
    assert lines[-1]["state"] == "done"
    assert (await here.states())["0003_half"] == "applied"


async def test_what_changed_since_it_was_shown_is_not_run(api, own_project, until, database_url):
    root = own_project()
    here = await api(database_url, root, write=True)
    order = await here.order("apply")
    await until(root, database_url, "0000_posts")
    refused = await here.post("migrations/apply", order, 409)
    assert refused["error"]["code"] == "changed_meanwhile"
    order = await here.order("apply")
    refused = await here.post("migrations/apply", {**order, "place": "elsewhere:5432/prod"}, 409)
    assert "not elsewhere:5432/prod" in refused["error"]["message"]
    await here.post("migrations/apply", {**order, "lock_wait": -1}, 422)
    assert (await here.states())["0001_fill"] == "pending"


async def test_only_one_run_at_a_time_and_a_stop_leaves_whole_migrations(
    api, own_project, database_url, rows
):
    root = own_project(more='ALTER TABLE "posts" ADD COLUMN "more" int;\n', last="SELECT 1;\n")
    here = await api(database_url, root, write=True)
    first = await here.order("apply")
    await here.post("migrations/apply", {**first, "tags": first["tags"][:1]})
    await here.lines()
    order = await here.order("apply")
    blocker = await asyncpg.connect(database_url)
    try:
        transaction = blocker.transaction()
        await transaction.start()
        await blocker.execute("lock table posts in access exclusive mode")
        await here.post("migrations/apply", order)
        refused = await here.post("migrations/apply", order, 409)
        assert refused["error"]["code"] == "run_under_way"
        async with here.client.stream("GET", "/api/migrations/run") as lines:
            async for line in lines.aiter_lines():  # each as it comes, while the run goes on
                if json.loads(line).get("what") == "begun":
                    break
        await here.post("migrations/run/stop", None, 200)
        await transaction.rollback()
    finally:
        await blocker.close()
    end = (await here.lines())[-1]
    assert end["state"] == "stopped"
    assert end["done"] in ([], ["0001_fill"])
    states = await here.states()
    assert states["0002_views"] == "pending"
    assert (states["0001_fill"] == "applied") == (end["done"] == ["0001_fill"])


async def test_what_another_process_applied_while_the_run_waited_is_not_applied_again(
    api, own_project, until, database_url, rows
):
    root = own_project()
    here = await api(database_url, root, write=True)
    other = await asyncpg.connect(database_url)
    try:
        await other.execute("select pg_advisory_lock(1667786091, 1835626099)")
        await here.post("migrations/apply", await here.order("apply"))
        async with here.client.stream("GET", "/api/migrations/run") as lines:
            assert json.loads(await anext(lines.aiter_lines()))["kind"] == "start"
        elsewhere = asyncio.create_task(until(root, database_url, "0002_views"))
        await other.execute("select pg_advisory_unlock(1667786091, 1835626099)")
        await elsewhere
        told = await here.lines()
    finally:
        await other.close()
    assert told[-1]["state"] == "done"
    assert {line["tag"] for line in told if line["kind"] == "event"} == set(told[-1]["done"])
    assert await rows(database_url, "select count(*) from posts") == [(200,)]


async def test_who_comes_late_to_a_long_run_hears_what_is_done():
    run = Run(Task("apply", ("first", "second"), "here:5432/db"))
    more = asyncio.Event()

    async def job(run: Run) -> None:
        run.through("first", 0.1)
        for number in range(6000):
            run.tell("event", tag="second", number=number)
        await more.wait()
        run.through("second", 0.1)

    async def after() -> None:
        run.stop()  # comes too late to cancel anything

    run.start(job, after)
    heard: list[dict[str, Any]] = []
    async for line in run.follow():
        heard.append(json.loads(line))
        if len(heard) == 2:
            more.set()
    late = [json.loads(line) async for line in run.follow()]
    assert heard[0]["kind"] == "start"
    assert late[0] | {"at": ""} == {
        "kind": "start",
        "at": "",
        **run.summary(),
        "tags": ["first", "second"],
    }
    assert len(late) == 5001
    assert late[-1]["kind"] == heard[-1]["kind"] == "end"
    assert heard[-1]["state"] == "done"


async def test_run_that_is_stopped_before_its_first_step_ends():
    run = Run(Task("apply", ("first",), "here:5432/db"))

    async def job(run: Run) -> None:
        run.through("first", 0.1)

    async def after() -> None:
        run.tell("event")

    run.start(job, after)
    run.stop()
    async with asyncio.timeout(10):
        end = [json.loads(line) async for line in run.follow()][-1]
    assert (end["kind"], end["state"], end["done"]) == ("end", "stopped", [])


async def test_run_ends_as_it_did_where_what_follows_it_fails():
    run = Run(Task("apply", ("first",), "here:5432/db"))

    async def job(run: Run) -> None:
        run.through("first", 0.1)

    async def after() -> None:
        raise OSError("a fault of ours")

    run.start(job, after)
    async with asyncio.timeout(10):
        end = [json.loads(line) async for line in run.follow()][-1]
    assert (end["kind"], end["state"], end["done"]) == ("end", "done", ["first"])


async def test_stop_while_another_process_migrates_ends_at_once(
    api, own_project, until, database_url
):
    root = own_project()
    await until(root, database_url, "0001_fill")
    here = await api(database_url, root, write=True)
    other = await asyncpg.connect(database_url)
    try:
        await other.execute("select pg_advisory_lock(1667786091, 1835626099)")
        order = await here.order("apply")
        await here.post("migrations/apply", order)
        await here.post("migrations/run/stop", None, 200)
        end = (await here.lines())[-1]
        assert (end["state"], end["done"]) == ("stopped", [])
        await here.post("migrations/apply", {**order, "lock_wait": 0})
        assert (await here.lines())[-1]["error"]["code"] == "migration_lock"
    finally:
        await other.close()


async def test_typed_access_follows_the_state_of_the_tables(api, own_project, world):
    chat, away = '"ai-app-template_chat"', '"away"'

    def renamed(old: str, new: str) -> str:
        return (
            f"DO $$ BEGIN IF to_regclass('{old}') IS NOT NULL THEN "
            f"ALTER TABLE {old} RENAME TO {new}; END IF; END $$;\n"
        )

    root = own_project(away=renamed(chat, away), home=renamed(away, chat))
    here = await api(world, root, write=True, schema=SCHEMA)
    order = await here.order("apply")
    assert (await here.get("overview"))["problem"] is None
    await here.post("migrations/apply", {**order, "tags": order["tags"][:-1]})
    assert (await here.lines())[-1]["state"] == "done"
    assert (await here.get("overview"))["problem"] is not None
    await here.post("migrations/apply", await here.order("apply"))
    await here.lines()
    assert (await here.get("overview"))["problem"] is None


@pytest.mark.needs("pg15")
async def test_on_15(
    api, own_project, until, pg15: PgServer, fresh_database: Callable[[PgServer], Databases], rows
):
    url = await fresh_database(pg15)()
    root = own_project()
    await until(root, url, "0001_fill")
    here = await api(url, root, write=True)
    review = await here.get("migrations/review")
    assert any("the database is 15" in note for note in review["notes"])
    await here.post("migrations/apply", await here.order("apply"))
    assert (await here.lines())[-1]["state"] == "done"
    order = {**await here.order("rollback", "?steps=1"), "accept_data_loss": True}
    await here.post("migrations/rollback", order)
    assert (await here.lines())[-1]["state"] == "done"
    assert (await here.states())["0002_views"] == "pending"
