"""docs/how-to/better-auth-tables.md, run as it stands; then its auth.ts signs somebody up."""

import re
import shutil
import subprocess
from pathlib import Path

import asyncpg
import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from fixtures.console import DOCS, Console
from fixtures.node import for_node, installed

pytestmark = pytest.mark.needs("node")
PAGE = "how-to/better-auth-tables.md"
GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle" / "maps" / "drizzle"
NODE = Path(__file__).parents[1] / "node" / "better_auth"
SIGN_UP = """
import { auth } from "./auth.ts";
const body = { email: "ada@example.com", password: "a password", name: "Ada" };
console.log((await auth.api.signUpEmail({ body })).user.id);
process.exit(0);
"""
BUNDLE = ("sign_up.ts", "--bundle", "--platform=node", "--format=esm", "--packages=external")


async def test_page(tmp_path: Path, pg18, database_url: str):
    folder = tmp_path / "drizzle"
    shutil.copytree(GOLDEN, folder)
    await migrate(Folder.read(folder), database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        """INSERT INTO users (id, email) VALUES ('u', 'old@example.com');
        INSERT INTO sessions (id, user_id, expires_at) VALUES ('s', 'u', '2031-01-01')"""
    )
    console = Console(tmp_path, database_url, pg18.admin_url)
    assert await console.page(PAGE) == 8
    assert await connection.fetchval("SELECT token FROM sessions WHERE id = 's'") == "s"
    user = _signed_up(tmp_path, {**console.env, "BETTER_AUTH_SECRET": "s" * 40})
    assert await connection.fetchval("SELECT id FROM users WHERE name = 'Ada'") == user
    await connection.close()


def _signed_up(root: Path, env: dict[str, str]) -> str:
    """Let the page's auth.ts sign somebody up; give the id that it said."""
    page = (DOCS / PAGE).read_text(encoding="utf-8")
    (auth,) = re.findall(r"^```ts title=auth.ts\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (root / "auth.ts").write_text(auth)
    (root / "sign_up.ts").write_text(SIGN_UP)
    (root / "node_modules").symlink_to(installed(NODE))
    command = [*BUNDLE, "--outfile=sign_up.mjs"]
    _run(["node_modules/.bin/esbuild", *command], root, env)
    env = {**env, "DATABASE_URL": for_node(env["DATABASE_URL"])}
    return _run(["node", "sign_up.mjs"], root, env).splitlines()[-1]


def _run(command: list[str], root: Path, env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
