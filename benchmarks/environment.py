"""What the peers run in: `.venv-bench/` from `benchmarks/lock.txt`, and Node's packages by npm."""

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
VENV = ROOT / ".venv-bench"
LOCK = HERE / "lock.txt"
NODE = HERE / "node"


def python() -> Path:
    """Give the interpreter that has the Python peers, and make it when it is not there."""
    interpreter = VENV / "bin" / "python"
    if _is_current(VENV / "lock.sha256", LOCK):
        return interpreter
    print("Setting up .venv-bench (about 40 packages) ...", flush=True)
    if not interpreter.exists():
        venv.create(VENV, with_pip=True)
    pip = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "-r", LOCK])
    _mark(VENV / "lock.sha256", LOCK)
    return interpreter


def node() -> Path:
    """Give the folder of the Node peers with its packages installed."""
    lock, mark = NODE / "package-lock.json", NODE / "node_modules" / "lock.sha256"
    if not _is_current(mark, lock):
        if shutil.which("npm") is None:
            sys.exit("npm is not installed: leave the Node peers out with --peers, or install it.")
        print("Installing Node's packages ...", flush=True)
        _run(["npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"], NODE)
        _mark(mark, lock)
    return NODE


def _run(command: list[str | Path], folder: Path = ROOT) -> None:
    if subprocess.run(command, cwd=folder, check=False).returncode != 0:
        sys.exit("The packages could not be installed; the lines above say which and why.")


def _is_current(mark: Path, lock: Path) -> bool:
    return mark.exists() and mark.read_text(encoding="ascii") == _digest(lock)


def _mark(mark: Path, lock: Path) -> None:
    mark.write_text(_digest(lock), encoding="ascii")


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()
