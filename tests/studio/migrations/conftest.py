"""Projects with migrations of their own, and databases that have some of them."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate

POSTS = """CREATE TABLE "posts" (
	"id" integer PRIMARY KEY,
	"title" text NOT NULL,
	"body" text
);--> statement-breakpoint
CREATE INDEX "posts_title_idx" ON "posts" USING btree ("title");
"""
FILL = "INSERT INTO \"posts\" SELECT n, 'title ' || n, 'body' FROM generate_series(1, 200) n;\n"
PENDING = """CREATE INDEX "posts_body_idx" ON "posts" USING btree ("body");--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "views" bigint DEFAULT 0 NOT NULL;
"""
PENDING_DOWN = """ALTER TABLE "posts" DROP COLUMN "views";--> statement-breakpoint
DROP INDEX "posts_body_idx";
"""
FILES: Mapping[str, str] = {
    "0000_posts": POSTS,
    "0001_fill": FILL,
    "0002_views": PENDING,
    "0002_views.down": PENDING_DOWN,
}


def write_folder(root: Path, files: Mapping[str, str] = FILES) -> Path:
    """Write a project's folder in the format of drizzle-kit 0.31."""
    folder = root / "drizzle"
    (folder / "meta").mkdir(parents=True, exist_ok=True)
    for tag, text in files.items():
        (folder / f"{tag}.sql").write_text(text)
    tags = [tag for tag in files if not tag.endswith(".down")]
    entries = [
        {
            "idx": idx,
            "version": "7",
            "when": 1_760_000_000_000 + idx,
            "tag": tag,
            "breakpoints": True,
        }
        for idx, tag in enumerate(tags)
    ]
    journal = {"version": "7", "dialect": "postgresql", "entries": entries}
    (folder / "meta" / "_journal.json").write_text(json.dumps(journal))
    return root


@pytest.fixture
def own_project(tmp_path: Path) -> Callable[..., Path]:
    """`own_project(**texts)` writes a project with two small migrations and a pending one.

    A text replaces the file of that name, without its number, or comes behind the others.
    """

    def write(**texts: str) -> Path:
        files = dict(FILES)
        for name, text in texts.items():
            stem = name.replace("_down", ".down")
            known = next((tag for tag in files if tag[5:] == stem), None)
            ups = [tag for tag in files if not tag.endswith(".down")]
            files[known or f"{len(ups):04d}_{stem}"] = text
        return write_folder(tmp_path / "own", files)

    return write


@pytest.fixture
def rows() -> Callable[..., Any]:
    """What a query gives, as tuples."""

    async def fetch(url: str, sql: str) -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return fetch


@pytest.fixture
def until() -> Callable[..., Any]:
    """`await until(root, url, tag)` applies a project's migrations up to one."""

    async def apply(root: Path, url: str, tag: str) -> None:
        await migrate(Folder.read(root / "drizzle"), url, to=tag)

    return apply


class Api:
    """A program in front of a studio."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, status: int = 200) -> Any:
        given = await self.client.get(f"/api/{path}", timeout=60)
        assert given.status_code == status, given.text
        return given.json()

    async def post(self, path: str, document: object = None, status: int = 202) -> Any:
        given = await self.client.post(f"/api/{path}", json=document, timeout=60)
        assert given.status_code == status, given.text
        return given.json()

    async def states(self) -> dict[str, str]:
        listed = await self.get("migrations")
        return {each["tag"]: each["state"] for each in listed["migrations"]}

    async def order(self, action: str, query: str = "") -> dict[str, Any]:
        plan = await self.get(f"migrations/{action}{query}")
        return {"place": plan["place"], "tags": [step["tag"] for step in plan["steps"]]}

    async def lines(self) -> list[dict[str, Any]]:
        """All lines of the run, to its end."""
        given = await self.client.get("/api/migrations/run", timeout=60)
        assert given.status_code == 200
        return [json.loads(line) for line in given.text.splitlines()]


@pytest.fixture
async def api(open_studio: Callable[..., Any]) -> AsyncIterator[Callable[..., Any]]:
    """`await api(url, root, write=True)` opens a studio and gives a program in front of it."""
    async with AsyncExitStack() as stack:

        async def enter(url: str, root: Path, *, write: bool = False, schema: object = None) -> Api:
            site = await open_studio(url, write=write, schema=schema, root=root)
            client = await site.client()
            stack.push_async_callback(client.aclose)
            return Api(client)

        yield enter
