"""The README's code runs as it stands, in an empty folder, on the embedded server."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def python_block() -> str:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return block


def test_the_twenty_lines_run_twice(project: Path):
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    (project / "chat.py").write_text(python_block(), encoding="utf-8")
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "chat.py"],
            cwd=project, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [
            "user: What is a B-tree?",
            "assistant: A balanced search tree with wide nodes.",
        ]


def test_what_works_names_tests_that_are_there():
    root = README.parent
    table = README.read_text(encoding="utf-8").split("## What works")[1].split("## Read on")[0]
    named = [path for path in re.findall(r"`([a-z-]+/[\w./-]+)`", table) if "*" not in path]
    assert len(named) >= 8
    assert [path for path in named if not (root / path).exists()] == []
