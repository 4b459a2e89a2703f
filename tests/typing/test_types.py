"""Two type checkers agree with what these files assert."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(str(path) for path in Path(__file__).parent.glob("*.py") if path != Path(__file__))


@pytest.mark.parametrize(
    "checker", [["basedpyright"], ["mypy", "--strict", "--no-incremental"]], ids=lambda c: c[0]
)
def test_types_are_what_the_files_say(checker: list[str]):
    command = [str(Path(sys.executable).with_name(checker[0])), *checker[1:], *FILES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
