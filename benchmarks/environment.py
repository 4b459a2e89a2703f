"""What the peers run in: `.venv-bench/` from `benchmarks/lock.txt`, and Node's packages by npm."""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
VENV = ROOT / ".venv-bench"
LOCK = HERE / "lock.txt"
NODE = HERE / "node"


def python() -> Path:
    """Give the interpreter that has the Python peers, and make it when it is not there."""
    interpreter = VENV / "bin" / "python"
    if is_current(VENV / "lock.sha256", LOCK):
        return interpreter
    print("Setting up .venv-bench (about 40 packages) ...", flush=True)
    if not interpreter.exists():
        venv.create(VENV, with_pip=True)
    pip = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "-r", LOCK])
    note(VENV / "lock.sha256", LOCK)
    return interpreter


def node() -> Path:
    """Give the folder of the Node peers with its packages installed."""
    mark = NODE / "node_modules" / "lock.sha256"
    sources = (NODE / "package-lock.json", NODE / "schema.prisma")
    if not is_current(mark, *sources):
        if shutil.which("npm") is None:
            sys.exit("npm is not installed: leave the Node peers out with --peers, or install it.")
        print("Installing Node's packages ...", flush=True)
        _run(["npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"], NODE)
        # Writing its client takes none of Prisma's engines, but its command looks for one, and
        # would fetch it from outside of npm's registry unless it is told that it has one.
        engine = {"PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true", "CHECKPOINT_DISABLE": "1"}
        _run(["npx", "prisma", "generate", "--schema", "schema.prisma"], NODE, engine)
        note(mark, *sources)
    return NODE


def _run(
    command: list[str | Path], folder: Path = ROOT, extra: dict[str, str] | None = None
) -> None:
    environment = {**os.environ, **(extra or {})}
    if subprocess.run(command, cwd=folder, env=environment, check=False).returncode != 0:
        sys.exit("The packages could not be installed; the lines above say which and why.")


def is_current(mark: Path, *sources: Path) -> bool:
    return mark.exists() and mark.read_text(encoding="ascii") == _digest(sources)


def note(mark: Path, *sources: Path) -> None:
    mark.write_text(_digest(sources), encoding="ascii")


def _digest(sources: Sequence[Path]) -> str:
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
