"""A front end with an adapter of Auth.js on a database of its own."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from chatkeep.presets import deepsearch
from chatkeep.schema.ddl import create_statements
from chatkeep.schema.schema import Schema
from fixtures.node import GOLDEN

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "auth-js-tables.md"
PREFIX = deepsearch.PREFIX
SEED = (GOLDEN / "deepsearch" / "schema" / "schema3.ts").read_text(encoding="utf-8")
VIEWS_FIRST = "-c search_path=authjs,public"
_BLOCK = re.compile(r"^```ts title=src/(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page_files() -> dict[str, str]:
    """The TypeScript of the how-to, by file."""
    return dict(_BLOCK.findall(PAGE.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Way:
    """A schema, how far its database has come, and the adapter that works on it.

    Attributes:
        kind: What adapter.mjs takes: `drizzle`, `pg`, or `module` for one of the how-to.
        code: Whose schema.ts the Drizzle adapter gets: what we write (`ours`) or the `seed`.
        stage: Name of the stage whose state the database has; the last one unless given.
        driver: Of Drizzle.
    """

    kind: str
    schema: Schema[Any, Any, Any, Any]
    code: str = "ours"
    stage: str | None = None
    driver: str = "postgres"

    def statements(self) -> list[str]:
        if self.stage is None:
            return create_statements(self.schema.metadata, self.schema.extras)
        (stage,) = [each for each in self.schema.stages if each.name == self.stage]
        assert stage.metadata is not None
        return create_statements(stage.metadata, stage.extras)


@dataclass(frozen=True)
class Front:
    """A front end's side of one database."""

    way: Way
    url: str
    run: Callable[..., Any]
    module: Path | None
    library: str = "auth_js"

    @property
    def database(self) -> str:
        """Name of the database."""
        return urlsplit(self.url).path[1:]

    @property
    def env(self) -> dict[str, str]:
        """Where the database is, as all drivers know it: postgres.js reads no socket from a URL."""
        place = urlsplit(self.url)
        (folder,) = parse_qs(place.query)["host"]
        found = {"PGHOST": folder, "PGDATABASE": self.database, "PGUSER": str(place.username)}
        found["TZ"] = "Pacific/Chatham"  # 13:45 or 12:45 before UTC: what is taken for local shows
        return found | ({"PGOPTIONS": VIEWS_FIRST} if self.way.kind == "pg" else {})

    async def ask(self, sql: str) -> list[asyncpg.Record]:
        """Run a statement of the test's own."""
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetch(sql)
        finally:
            await connection.close()

    def call(self, *calls: list[Any], env: Mapping[str, str] | None = None) -> Any:
        """Make calls to the adapter, each `[method, *arguments]`, or a list of these at once."""
        given = {"kind": self.way.kind, "driver": self.way.driver, "calls": calls}
        place = str(self.module)
        given |= {"module": place} if self.way.kind == "module" else {"tables": place}
        return self.run(self.library, "adapter.mjs", given=given, env={**self.env, **(env or {})})

    def sign_in(self, strategy: str, *steps: list[str], **more: object) -> Any:
        """Take steps with the library itself, as cycle.mjs has them; `more` is what it is given too."""
        given = {"module": str(self.module), "strategy": strategy, "steps": steps, **more}
        return self.run(self.library, "cycle.mjs", given=given, env=self.env)
