"""The real drizzle-kit and drizzle-orm of tests/node, in a project made for one test."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

NODE = Path(__file__).parents[2] / "node"
GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"

CONFIG = """
export default {{
  dialect: "postgresql", schema: "./{schema}", out: "./drizzle",
  dbCredentials: {{ url: process.env.DATABASE_URL ?? "" }},
}};
"""


@dataclass(frozen=True)
class NodeProject:
    """A folder with a TypeScript schema, a drizzle.config.ts and a migrations folder."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "drizzle"

    def kit(self, *words: str, url: str = "") -> str:
        """Run drizzle-kit and give what it said; its exit code is 0 even for some failures."""
        return self._run([str(self.root / "node_modules/.bin/drizzle-kit"), *words], url)

    def script(self, name: str, url: str) -> str:
        """Run a TypeScript file of the project and give what it printed."""
        return self._run(["node", name], url)

    def _run(self, command: list[str], url: str) -> str:
        env = {
            **os.environ,
            "DATABASE_URL": for_node(url),
            "NODE_OPTIONS": "--import tsx",  # the maps seed imports "./users.js"
            "NO_COLOR": "1",
        }
        run = subprocess.run(
            command, cwd=self.root, env=env, capture_output=True, text=True, timeout=120
        )
        said = run.stdout + run.stderr
        assert run.returncode == 0, said
        return said


def for_node(url: str) -> str:
    """Node's URL parser wants a host, though the socket's folder is what counts."""
    return url.replace("@/", "@localhost/")


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The npm packages of tests/node/package-lock.json, installed once."""
    modules = NODE / "node_modules"
    with (NODE / ".install-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (NODE / "package-lock.json").read_bytes()
        stamp = modules / ".chatkeep-lock"
        if not stamp.exists() or stamp.read_bytes() != wanted:
            command = ["npm", "ci", "--no-audit", "--no-fund"]
            run = subprocess.run(command, cwd=NODE, capture_output=True, text=True, timeout=280)
            assert run.returncode == 0, run.stdout + run.stderr
            stamp.write_bytes(wanted)
    return modules


@pytest.fixture
def node_project(tmp_path: Path, node_modules: Path) -> Callable[..., NodeProject]:
    """`node_project("deepsearch")`: the seed's TypeScript schema, and no migrations yet."""

    def make(seed: str, schema: str = "schema3.ts") -> NodeProject:
        root = tmp_path / f"node-{seed}"
        root.mkdir()
        (root / "node_modules").symlink_to(node_modules)
        (root / "package.json").write_text('{"type": "module"}')
        shutil.copytree(GOLDEN / seed / "schema", root / "schema")
        main = f"schema/{schema}" if seed == "deepsearch" else "schema/index.ts"
        (root / "drizzle.config.ts").write_text(CONFIG.format(schema=main))
        return NodeProject(root)

    return make
