"""The example projects: their migrations are what their schemas say, and the demo's copy agrees."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
GOLDEN = ROOT / "tests/golden/drizzle"


def chatkeep(folder: Path, *words: str, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatkeep", *words],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "DATABASE_URL": url},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["deepsearch", "maps", "extending"])
def test_schema_folder_and_database_agree(name: str, pg18, database_url: str):
    folder = EXAMPLES / name
    migrated = chatkeep(folder, "migrate", url=database_url)
    assert migrated.returncode == 0, migrated.stderr
    checked = chatkeep(folder, "check", "--scratch-url", pg18.admin_url, url=database_url)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    again = chatkeep(folder, "migrate", url=database_url)
    assert again.returncode == 0
    status = json.loads(chatkeep(folder, "status", "--json", url=database_url).stdout)
    assert all(row["state"] == "applied" for row in status["migrations"])


@pytest.mark.parametrize("name", ["deepsearch", "maps"])
def test_folder_starts_with_the_files_of_drizzle_kit(name: str):
    golden = sorted((GOLDEN / name / "drizzle").glob("*.sql"))
    assert golden
    for file in golden:
        assert (EXAMPLES / name / "drizzle" / file.name).read_bytes() == file.read_bytes()


def test_the_demo_ships_the_migrations_of_the_example():
    packed = ROOT / "src/chatkeep/demo/drizzle"
    example = EXAMPLES / "deepsearch/drizzle"
    names = sorted(path.relative_to(example) for path in example.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(packed) for path in packed.rglob("*") if path.is_file())
    for name in names:
        assert (packed / name).read_bytes() == (example / name).read_bytes()


@pytest.mark.parametrize("name", ["deepsearch", "maps"])
def test_generate_writes_the_hardening_of_the_example(name: str, pg18, tmp_path: Path):
    copy = tmp_path / name
    shutil.copytree(EXAMPLES / name, copy, ignore=shutil.ignore_patterns("drizzle"))
    shutil.copytree(GOLDEN / name / "drizzle", copy / "drizzle")
    written = chatkeep(copy, "generate", "--scratch-url", pg18.admin_url, url="")
    assert written.returncode == 0, written.stderr
    ours = {path.name: path.read_text() for path in (copy / "drizzle").glob("*.sql")}
    theirs = {path.name: path.read_text() for path in (EXAMPLES / name / "drizzle").glob("*.sql")}
    assert ours == theirs
