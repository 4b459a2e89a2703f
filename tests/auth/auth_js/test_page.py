"""docs/how-to/auth-js-tables.md: its commands and blocks run, and TypeScript accepts its files."""

import json
import subprocess

import pytest

from auth.auth_js.conftest import LIBRARIES
from auth.auth_js.fronts import PREFIX, Front, Way, page_files
from chatkeep.presets import deepsearch
from database.test_pages import blocks, run
from fixtures.console import Console
from fixtures.node import NODE, installed

NAME = "how-to/auth-js-tables.md"
SCHEMA = deepsearch.schema(prefix=PREFIX, pg_adapter="authjs")
# The drivers come without types of their own, and Node's are not installed here.
DECLARED = """
declare module "pg";
declare const process: { env: Record<string, string | undefined> };
"""
TSCONFIG = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "noUnusedLocals": True,
    "verbatimModuleSyntax": True,
    "skipLibCheck": True,  # drizzle-orm's own declarations name drivers that are not installed
    "noEmit": True,
    "target": "ES2022",
    "lib": ["ES2022", "DOM"],
    "module": "ESNext",
    "moduleResolution": "bundler",
    "types": [],
}


@pytest.mark.needs("node")
async def test_the_page_runs(pg18, database_url, tmp_path, node_script):
    """Also for a role that has what the page grants, and no more."""
    console = Console(tmp_path, database_url, pg18.admin_url)
    (tmp_path / "chatkeep.toml").write_text('schema = "tables:schema"\nmigrations = "drizzle"\n')
    own = Front(Way("pg", SCHEMA), database_url, node_script, None)
    try:
        assert await console.page(NAME) == 3
        names = {"schema": SCHEMA, "url": database_url}
        for block in blocks(NAME):
            await run(block, names)
        as_role = {"PGUSER": "front_end", "PGOPTIONS": ""}
        made, grace = own.call(
            ["createUser", {"name": None, "email": "a@example.com", "emailVerified": None}],
            ["getSessionAndUser", names["session"].session_token],
            env=as_role,
        )
        assert len(made["id"]) == 36
        assert grace["user"]["name"] == "Grace"
    finally:
        await own.ask("DROP OWNED BY front_end")
        await own.ask("DROP ROLE front_end")


@pytest.mark.needs("node")
async def test_typescript_accepts_its_files(tmp_path, schema_ts):
    modules = installed(LIBRARIES / "auth_js")
    (tmp_path / "node_modules").symlink_to(modules)
    paths = {"next-auth": [str(installed(LIBRARIES / "next_auth") / "next-auth")]}
    options = {**TSCONFIG, "paths": paths}
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))
    files = {**page_files(), "db/schema.ts": await schema_ts(SCHEMA), "declared.d.ts": DECLARED}
    assert len(files) == 5
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    tsc = installed(NODE) / ".bin" / "tsc"
    done = subprocess.run(
        [tsc, "-p", "."], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout
