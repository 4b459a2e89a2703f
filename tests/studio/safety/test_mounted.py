"""`app.mount("/studio", studio(db))`: below any prefix, behind any sign-in, beside any routes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Mount, Route

from chatkeep import Database
from chatkeep.errors import ConfigError
from chatkeep.settings import Settings
from chatkeep.studio import studio
from chatkeep.studio.app import application
from chatkeep.studio.ground import Ground
from chatkeep.studio.guard import Guard
from fixtures.studio import BUILT
from fixtures.studio_world import FOLDER, SCHEMA

OWN = {"x-chatkeep-studio": "1"}
PAGE = {"accept": "text/html"}


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(
        root=tmp_path, schema=None, migrations=FOLDER, tables_filter=(), url=None, scratch_url=None
    )


@pytest.fixture
async def db(world_clone: str) -> AsyncIterator[Database]:
    async with Database(SCHEMA, world_clone) as opened:
        yield opened


def client(app: Any, base: str = "http://app.example") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base, headers=OWN)


def starlette_app(inner: Any) -> Any:
    return Starlette(routes=[Mount("/admin", Starlette(routes=[Mount("/studio", inner)]))])


def fastapi_app(inner: Any) -> Any:
    app, admin = FastAPI(), FastAPI()
    admin.mount("/studio", inner)
    app.mount("/admin", admin)
    return app


@pytest.mark.parametrize("make", [starlette_app, fastapi_app])
async def test_it_stands_below_a_prefix(db: Database, settings: Settings, make: Any):
    async with client(make(studio(db, settings=settings))) as inside:
        moved = await inside.get("/admin/studio")
        assert moved.status_code == 307
        assert moved.headers["location"] == "http://app.example/admin/studio/"
        for path in ("/admin/studio/", "/admin/studio/tables/public/x", "/admin/studio/a%20b/c"):
            page = await inside.get(path, headers=PAGE)
            assert page.status_code == 200
            assert '<base href="/admin/studio/"' in page.text
            assert "/__root__/" not in page.text
        asset = page.text.partition('src="./')[2].partition('"')[0]
        script = await inside.get(f"/admin/studio/{asset}")
        assert script.headers["content-type"].startswith("text/javascript")
        about = await inside.get("/admin/studio/api/overview")
        assert (about.status_code, about.json()["write"]) == (200, False)
        assert (await inside.get("/admin/studio/api/nowhere")).status_code == 404
        assert (await inside.get("/admin/studiox")).status_code == 404


async def test_its_own_guard_still_refuses_other_sites(db: Database, settings: Settings):
    async with client(starlette_app(studio(db, settings=settings))) as inside:
        path = "/admin/studio/api/overview"
        same = {"origin": "http://app.example", "sec-fetch-site": "same-origin"}
        assert (await inside.get(path, headers=same)).status_code == 200
        foreign: list[dict[str, str]] = [
            {"origin": "http://evil.example"},
            {"origin": "null"},
            {"origin": "http://app.example", "sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
        ]
        for headers in foreign:
            answer = await inside.get(path, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_request")
        del inside.headers["x-chatkeep-studio"]
        assert (await inside.get(path, headers=same)).status_code == 403


async def test_behind_a_proxy_with_https_and_another_name_the_browsers_word_counts(
    db: Database, settings: Settings
):
    async with client(
        starlette_app(studio(db, settings=settings)), "http://10.0.0.7:8000"
    ) as inside:
        path = "/admin/studio/api/overview"
        origin = {"origin": "https://admin.example"}
        assert (await inside.get(path, headers=origin)).status_code == 403
        told = origin | {"sec-fetch-site": "same-origin"}
        assert (await inside.get(path, headers=told)).status_code == 200
        kept = origin | {"host": "admin.example"}  # a proxy that hands the name through
        assert (await inside.get(path, headers=kept)).status_code == 200


@pytest.mark.parametrize(
    ("root", "base"),
    [
        ("/prefix", "/prefix/"),
        ("/prefix/", "/prefix/"),
        ("", "/"),
        ('/"><script>x</script>', "/%22%3E%3Cscript%3Ex%3C/script%3E/"),
        ("/ü b", "/%C3%BC%20b/"),
    ],
)
async def test_the_servers_prefix_is_the_pages_base(
    db: Database, settings: Settings, root: str, base: str
):
    transport = httpx.ASGITransport(studio(db, settings=settings), root_path=root)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=OWN) as inside:
        page = await inside.get(root + "/" if root == "/prefix" else "/", headers=PAGE)
        assert f'<base href="{base}"' in page.text
        assert "<script>x" not in page.text


async def test_a_database_that_is_not_open_yet_is_told(world_clone: str, settings: Settings):
    db = Database(SCHEMA, world_clone)
    async with client(studio(db, settings=settings)) as inside:
        early = await inside.get("/api/overview")
        assert (early.status_code, early.json()["error"]["code"]) == (503, "database_closed")
        async with db:
            assert (await inside.get("/api/overview")).status_code == 200
        late = await inside.get("/api/overview")
        assert (late.status_code, late.json()["error"]["code"]) == (503, "database_closed")


async def test_write_is_what_was_said(db: Database, settings: Settings):
    for write in (False, True):
        async with client(studio(db, write=write, settings=settings)) as inside:
            assert (await inside.get("/api/overview")).json()["write"] is write


async def test_answers_are_packed_in_the_quickest_way(db: Database, settings: Settings):
    async with (
        client(studio(db, settings=settings)) as inside,
        inside.stream("GET", "/api/tables") as answer,
    ):
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert raw[8] == 4  # as RFC 1952 marks the fastest; others hold up the application's loop


@pytest.mark.parametrize(("write", "status"), [(False, 403), (True, 200)])
async def test_visitors_change_the_projects_files_with_write_alone(
    db: Database, settings: Settings, write: bool, status: int
):
    queries = settings.root / "chatkeep-queries"
    queries.mkdir()
    (queries / "of the team.sql").write_text("select 1")
    asked = {"sql": "select 2", "version": None}
    async with client(studio(db, write=write, settings=settings)) as inside:
        answers = [
            await inside.put("/api/console/saved/new", json=asked),
            await inside.delete("/api/console/saved/of the team"),
            await inside.delete("/api/console/history"),
        ]
        listed = (await inside.get("/api/console/saved")).json()["queries"]
    assert [answer.status_code for answer in answers] == [status] * 3
    assert [each["name"] for each in listed] == (["new"] if write else ["of the team"])


@pytest.mark.parametrize("given", [None, "postgresql:///x", SCHEMA])
def test_what_is_no_database_is_refused(given: Any):
    with pytest.raises(ConfigError, match=r"takes a Database.*studio\(db, write=False\)"):
        studio(given)


@asynccontextmanager
async def serving(app: Any, **options: Any) -> AsyncIterator[str]:
    """Serve an application on a free port, as its owner would."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none", **options)
    )
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("root", ["", "/behind/a proxy"])
async def test_a_browser_uses_it_below_its_prefix(
    db: Database, settings: Settings, chromium: Browser, root: str
):
    """Also where a proxy cuts a part of the path off, and the server was told."""
    app = Starlette(
        routes=[
            Mount("/admin/studio", studio(db, settings=settings)),
            Route("/", lambda _: PlainTextResponse("the application")),
        ]
    )

    async def unproxied(scope: Any, receive: Any, send: Any) -> None:
        await app(
            scope | {"root_path": root, "path": scope["path"].removeprefix(root)}, receive, send
        )

    async def stripped(scope: Any, receive: Any, send: Any) -> None:
        scope = dict(scope)
        scope["root_path"] = root
        await app(scope, receive, send)

    async with serving(stripped if root else unproxied) as url:
        context = await chromium.new_context()
        page = await context.new_page()
        complaints: list[str] = []
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{url}{root}/admin/studio/schema")
        await page.get_by_role("navigation").first.wait_for()
        await page.wait_for_load_state("networkidle")
        assert "chatkeep studio" in await page.title()
        await page.get_by_role("link", name="SQL").first.click()
        await page.wait_for_url("**/admin/studio/sql*")
        await page.wait_for_load_state("networkidle")
        assert complaints == []
        await context.close()


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("status", [401, 403, 404, 303])
async def test_who_was_signed_out_meanwhile_is_told(
    db: Database, settings: Settings, chromium: Browser, status: int
):
    """The application around it answers then, and knows nothing of our errors."""
    ground = Ground(settings, write=False, database=db, shared=True)
    app = Starlette(routes=[Mount("/studio", application(ground, Guard, BUILT))])
    is_out = False

    async def signing_in(scope: Any, receive: Any, send: Any) -> None:
        answer: Any = app
        if is_out:
            answer = HTMLResponse("<h1>Sign in</h1>", status, {"location": "/sign-in"})
        await answer(scope, receive, send)

    async with serving(signing_in) as url:
        context = await chromium.new_context()
        page = await context.new_page()
        await page.goto(f"{url}/studio/insight")
        await page.wait_for_load_state("networkidle")
        is_out = True
        await page.get_by_role("button", name="90 days").click()
        alert = page.get_by_role("main").get_by_role("alert").first
        await expect(alert).to_contain_text("This studio does not know you any more.")
        is_out = False
        await alert.get_by_role("button", name="Reload the page").click()
        await page.wait_for_load_state("networkidle")
        await expect(page.get_by_role("alert")).to_have_count(0)
        await context.close()
