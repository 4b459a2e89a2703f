"""Node projects whose schema.ts is ours, and one Node process that judges many of them."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from chatkeep.kit.folder import jsjson
from fixtures.node import CONFIG, NodeProject, node_modules

__all__ = ["drizzle_project", "judged", "node_modules"]

# drizzle-kit's own serializer and differ, without its command line: one process for many schemas.
JUDGE = """
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const { generateDrizzleJson, generateMigration } = require("drizzle-kit/api");
const found = {};
for (const name of JSON.parse(readFileSync("names.json", "utf8"))) {
  const before = JSON.parse(readFileSync(`${name}.json`, "utf8"));
  const after = generateDrizzleJson(await import(`./${name}.ts`), before.id);
  found[name] = await generateMigration(before, after);
}
console.log(JSON.stringify(found));
"""
TSCONFIG = {
    "compilerOptions": {
        "strict": True,
        "noUncheckedIndexedAccess": True,
        "noUnusedLocals": True,
        "exactOptionalPropertyTypes": True,
        "verbatimModuleSyntax": True,
        "isolatedModules": True,
        "skipLibCheck": True,  # drizzle-orm's own declarations name drivers that are not installed
        "noEmit": True,
        "target": "ES2022",
        "module": "ESNext",
        "moduleResolution": "bundler",
        "types": [],
    },
    "include": ["*.ts"],
}


@pytest.fixture
def drizzle_project(tmp_path: Path, node_modules: Path) -> Callable[..., NodeProject]:
    """`drizzle_project(text)`: a project whose schema.ts is this text, without migrations."""

    def make(text: str) -> NodeProject:
        root = tmp_path / "node-project"
        root.mkdir()
        (root / "node_modules").symlink_to(node_modules)
        (root / "package.json").write_text('{"type": "module"}')
        (root / "schema.ts").write_text(text)
        (root / "tsconfig.json").write_text(json.dumps(TSCONFIG))
        (root / "drizzle.config.ts").write_text(CONFIG.format(schema="schema.ts"))
        return NodeProject(root)

    return make


@pytest.fixture
def judged(tmp_path: Path, node_modules: Path) -> Callable[..., dict[str, list[str]]]:
    """`judged({"name": (schema_ts, snapshot)})`: what drizzle-kit would change, by name.

    TypeScript's compiler reads all of them first, with every strict option.
    """

    def judge(
        schemas: Mapping[str, tuple[str, Mapping[str, object]]],
    ) -> dict[str, list[str]]:
        root = tmp_path / "judged"
        root.mkdir()
        (root / "node_modules").symlink_to(node_modules)
        (root / "package.json").write_text('{"type": "module"}')
        (root / "tsconfig.json").write_text(json.dumps(TSCONFIG))
        (root / "names.json").write_text(json.dumps(list(schemas)))
        (root / "judge.mjs").write_text(JUDGE)
        for name, (text, snapshot) in schemas.items():
            whole = {"id": "00000000-0000-0000-0000-000000000001", "prevId": "", **snapshot}
            (root / f"{name}.ts").write_text(text)
            (root / f"{name}.json").write_text(jsjson.dumps(whole))
        _run(root, str(root / "node_modules/.bin/tsc"), "-p", ".")
        said = _run(root, "node", "--import", "tsx", "judge.mjs")
        return json.loads(said.splitlines()[-1])

    return judge


def _run(root: Path, *command: str) -> str:
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=280)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout
