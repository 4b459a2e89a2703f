"""TypeScript made runnable beside the real packages: schema.ts of ours, and the how-to's adapters."""

import subprocess
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from auth.auth_js.fronts import PREFIX, SEED, Front, Way, page_files
from chatkeep.database.creation import create_tables
from chatkeep.kit.drizzle.module import drizzle_schema
from chatkeep.kit.scratch import Scratch
from chatkeep.presets import deepsearch
from fixtures.node import NODE, installed
from fixtures.servers import Databases, PgServer
from security.places import owned_database

LIBRARIES = Path(__file__).parents[1] / "node"


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`bundled("auth_js", {"a.ts": …}, "a.ts")`: JavaScript of a file and what it imports of these.

    It stands where the library's packages are found; the same files are bundled once.
    """
    made: dict[object, Path] = {}

    def bundle(library: str, files: Mapping[str, str], entry: str) -> Path:
        key = (library, tuple(files.items()), entry)
        if key not in made:
            root = tmp_path_factory.mktemp(library)
            (root / "node_modules").symlink_to(installed(LIBRARIES / library))
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            out = root / "bundle.mjs"
            esbuild = installed(NODE) / ".bin" / "esbuild"
            words = ["--bundle", "--packages=external", "--format=esm", "--platform=node"]
            command = [esbuild, entry, *words, "--log-level=warning", f"--outfile={out}"]
            run = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
            assert run.returncode == 0, run.stdout + run.stderr
            made[key] = out
        return made[key]

    return bundle


@pytest.fixture(scope="session")
def schema_ts(pg18: PgServer) -> Callable[..., Awaitable[str]]:
    """`await schema_ts(schema)`: what `chatkeep schema drizzle` writes for it."""
    made: dict[object, str] = {}

    async def write(schema: deepsearch.Schema) -> str:
        key = (type(schema), schema.prefix, schema.security, schema.pg_adapter)
        if key not in made:
            written = await drizzle_schema(schema, Scratch(pg18.admin_url), "tests")
            made[key] = written.text
        return made[key]

    return write


@pytest.fixture
def front(
    fresh_database: Callable[[PgServer], Databases],
    node_script: Callable[..., Any],
    bundled: Callable[..., Path],
    schema_ts: Callable[..., Awaitable[str]],
) -> Callable[..., Awaitable[Front]]:
    """`await front(server, way)`: a database as the way says, and the adapter on it.

    For a way of the how-to, `library` says whose packages its adapter gets, and `entry` which file
    of the page it is.
    """

    async def open_front(
        server: PgServer, way: Way, *, library: str = "auth_js", entry: str = "auth/adapter.ts"
    ) -> Front:
        new = fresh_database(server)
        if way.schema.security is None:
            url = await new.made_by(way.statements())
        else:  # policies do not bind the tests' superuser
            url = await owned_database(server, new)
            await create_tables(way.schema, url)
        if way.kind == "pg":
            return Front(way, url, node_script, None)
        if way.code == "seed":
            tables = SEED.replace(PREFIX, way.schema.prefix)
        else:
            tables = await schema_ts(way.schema)
        if way.kind == "module":
            module = bundled(library, {**page_files(), "db/schema.ts": tables}, entry)
        else:
            module = bundled(library, {"schema.ts": tables}, "schema.ts")
        return Front(way, url, node_script, module, library)

    return open_front
