"""The committed pages are what the committed sources and lock file make, and fetch nothing from anywhere."""

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chatkeep.studio.pages import STATIC
from fixtures.node import installed

ROOT = Path(__file__).parents[2]
FRONT = ROOT / "front"
MOST_BYTES = 450 * 1024
NOTICES = "THIRD-PARTY.txt"
# Names of formats and documents that code mentions; none of them is ever loaded.
_NAMES = (
    "http://www.w3.org/", "https://react.dev/", "https://reactflow.dev", "https://swr.vercel.app",
    "https://tanstack.com", "https://github.com/", "http://127.0.0.1", "http://localhost",
)  # fmt: skip
_SOURCES = sorted(
    path for path in FRONT.rglob("*") if path.suffix == ".tsx" and "node_modules" not in path.parts
)


def build(front: Path, out: Path) -> dict[str, bytes]:
    command = ["node_modules/.bin/vite", "build", "--outDir", str(out), "--emptyOutDir"]
    run = subprocess.run(command, cwd=front, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    return contents(out)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The pages, built anew in place."""
    installed(FRONT)
    return build(FRONT, tmp_path_factory.mktemp("built") / "static")


@pytest.mark.needs("node")
def test_the_committed_files_are_what_the_sources_make(built: dict[str, bytes]):
    committed = contents(STATIC)
    assert sorted(committed) == sorted(built), "run ./dev front and commit what it wrote"
    differ = [name for name, content in built.items() if committed[name] != content]
    assert differ == [], "run ./dev front and commit what it wrote"


@pytest.mark.needs("node")
@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("CHATKEEP_FULL") != "1", reason="CHATKEEP_FULL=1 installs anew")
def test_the_same_bytes_come_from_another_folder(built: dict[str, bytes], tmp_path: Path):
    """Nothing of the machine goes in: a clean copy, installed by the lock, under another name."""
    copy = tmp_path / "another name"
    shutil.copytree(FRONT, copy, ignore=shutil.ignore_patterns("node_modules", ".install-lock"))
    installed(copy)
    assert build(copy, tmp_path / "out") == built


@pytest.mark.needs("node")
def test_the_sources_have_the_types_that_they_say(built: dict[str, bytes]):
    run = subprocess.run(
        ["node_modules/.bin/tsc", "--noEmit"], cwd=FRONT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.needs("node")
def test_the_sources_pass_their_own_tests(built: dict[str, bytes]):
    run = subprocess.run(
        ["node_modules/.bin/vitest", "run"], cwd=FRONT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.needs("node")
def test_the_pages_are_small(built: dict[str, bytes]):
    """All that a browser may ever load, as it travels."""
    sizes = {
        name: len(gzip.compress(content, 9)) for name, content in built.items() if name != NOTICES
    }
    assert sum(sizes.values()) < MOST_BYTES, sorted(sizes.items(), key=lambda item: -item[1])


@pytest.mark.needs("node")
def test_nothing_is_fetched_from_anywhere(built: dict[str, bytes]):
    found: set[str] = set()
    for name, content in built.items():
        if name == NOTICES:
            continue
        text = content.decode()
        for address in re.findall(r"(?:https?|wss?)://[\w.$%{-][^\s\"'`)<>\\]*", text):
            if not address.startswith(_NAMES) and "${" not in address.partition("//")[2][:2]:
                found.add(f"{name}: {address}")
        assert not re.findall(
            r"@import|url\(\s*[\"']?(?!data:|#|\.{0,2}/|[\w-]+\.)[a-z]+:", text
        ), name
        assert "sourceMappingURL" not in text, name
        assert str(ROOT) not in text, name
        assert "/node_modules/" not in text, name
        assert "new Function" not in text, name
        assert not re.search(r"\beval\(", text), name
    assert found == set()


@pytest.mark.needs("node")
def test_the_licences_of_what_is_in_it_are_kept(built: dict[str, bytes]):
    notices = built[NOTICES].decode()
    for package in (
        "preact",
        "@codemirror/view",
        "markdown-it",
        "dompurify",
        "uplot",
        "@xyflow/react",
    ):
        assert re.search(rf"^---- {re.escape(package)} \d", notices, re.MULTILINE), package
    kinds = set(re.findall(r"^---- .* \((.+)\) ----$", notices, re.MULTILINE))
    allowed = {"MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Unlicense", "(MPL-2.0 OR Apache-2.0)"}
    assert kinds <= allowed  # another one is for a person to read


# What of a page's language stands in its code: JSX texts and the attributes that are read to people.
_JSX_TEXT = re.compile(r"(?<=[\w\"'}/])>([^<>{}]*[A-Za-z]{2}[^<>{}]*)</")
_ATTRIBUTE = re.compile(
    r"\b(?:aria-label|aria-description|title|placeholder|alt|label)=\"([^\"]*[A-Za-z]{3}[^\"]*)\""
)


@pytest.mark.parametrize(
    "path",
    _SOURCES,
    ids=lambda p: p.relative_to(FRONT).as_posix(),
)
def test_english_stands_in_one_place(path: Path):
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = [
        each.strip() for each in _JSX_TEXT.findall(text) if "=>" not in each and ";" not in each
    ]
    assert found + _ATTRIBUTE.findall(text) == [], "write it into front/src/text/"
