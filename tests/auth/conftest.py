"""The real sign-in libraries, each in a folder of its own under tests/auth/node."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auth.golden import golden_cookies
from fixtures.node import for_node, installed

__all__ = ["golden_cookies", "node_script"]

NODE = Path(__file__).with_name("node")


@pytest.fixture(scope="session")
def node_script() -> Callable[..., Any]:
    """`node_script("auth_js", "cycle.mjs", url, given={...})`: run a script, give what it printed.

    The script stands beside the library's packages. It finds the database in DATABASE_URL and what
    was given as JSON on its standard input; its last line is JSON.
    """

    def run(
        library: str,
        script: str,
        url: str = "",
        *,
        given: object = None,
        env: dict[str, str] | None = None,
    ) -> Any:
        folder = NODE / library
        installed(folder)
        done = subprocess.run(
            ["node", script],
            cwd=folder,
            env={**os.environ, "DATABASE_URL": for_node(url), "NO_COLOR": "1", **(env or {})},
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.strip().split("\n")[-1])  # JSON may hold U+2028

    return run
