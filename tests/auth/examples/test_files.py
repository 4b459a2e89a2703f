"""What stands twice in the examples is compared: tables, migrations, the front's names, versions."""

import json
import os
import subprocess
import sys

import pytest

from auth.examples.conftest import EXAMPLES, MODULES, ROOT
from fixtures.servers import PgServer


def chatkeep(name: str, *words: str, url: str = "") -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chatkeep", *words],
        cwd=EXAMPLES / name, capture_output=True, text=True, timeout=60,
        env={**os.environ, "DATABASE_URL": url, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", MODULES)
def test_schema_folder_and_database_agree(name: str, pg18: PgServer, database_url: str) -> None:
    chatkeep(name, "migrate", url=database_url)
    chatkeep(name, "check", "--scratch-url", pg18.admin_url, url=database_url)


def test_the_front_has_the_names_of_the_schema(pg18: PgServer) -> None:
    scratch = ("--scratch-url", pg18.admin_url)
    chatkeep("next_auth_js", "schema", "drizzle", "--out", "front/schema.ts", "--check", *scratch)
    chatkeep(
        "next_better_auth", "auth", "better-auth", "config", "--out", "front/tables.ts", "--check"
    )


@pytest.mark.parametrize(("name", "library"), MODULES.items())
def test_the_packages_are_those_that_the_tests_run_with(name: str, library: str) -> None:
    def read(folder: str) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = json.loads((ROOT / folder / "package.json").read_text())
        return found

    theirs, ours = read(f"tests/auth/node/{library}"), read(f"examples/{name}")
    assert ours["dependencies"].items() <= theirs["dependencies"].items()
    pinned = {  # rollup is the suite's
        name: version for name, version in theirs.get("overrides", {}).items() if name != "rollup"
    }
    assert ours.get("overrides", {}) == pinned
    tsx = read("tests/node")
    assert (
        ours["devDependencies"].items()
        <= {**tsx["dependencies"], **tsx.get("devDependencies", {})}.items()
    )
