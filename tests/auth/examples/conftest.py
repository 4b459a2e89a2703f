"""The examples as their users start them: a Node front, a Python back, one migrated database."""

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
import pytest

from fixtures.node import for_node, installed

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
SECRET = "one-secret-for-both-sides-from-the-environment"
MODULES = {"next_auth_js": "auth_js", "next_better_auth": "better_auth"}


class Server:
    """A process that says on which address it listens, stopped at the end of the block."""

    def __init__(self, command: list[str], folder: Path, env: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=folder, env=env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self.said: list[str] = []

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        self._reader.join(timeout=30)

    def wait_for(self, pattern: str) -> str:
        """Give what the first group of the pattern is, once a line has it."""
        while True:
            line = self._lines.get(timeout=60)
            assert line, f"it ended without saying {pattern!r}:\n{''.join(self.said)}"
            self.said.append(line)
            if found := re.search(pattern, line):
                return found[1]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")
        self._process.stdout.close()


@dataclass(frozen=True)
class Running:
    """Both sides of an example, and a browser that has its cookies for both."""

    front: Server
    front_url: str
    back_url: str
    database_url: str
    browser: httpx.Client

    def call(self, path: str, *, method: str = "GET", **options: object) -> httpx.Response:
        """Call the back with the browser's cookies."""
        return self.browser.request(method, f"{self.back_url}/api/py/{path}", **options)

    def call_with(self, cookies: dict[str, str]) -> int:
        """The status of `me` for other cookies than the browser's."""
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return httpx.get(f"{self.back_url}/api/py/me", headers={"cookie": header}).status_code


@pytest.fixture
def run_example(tmp_path: Path, database_url: str) -> Iterator[Callable[..., Running]]:
    """`run_example("next_auth_js", AUTH_SECRET=SECRET)`: started, and stopped after the test.

    A copy of it runs beside the npm packages of tests/auth/node; its database is made by its own
    migrations.
    """
    with ExitStack() as stack:

        def run(name: str, **environment: str) -> Running:
            folder = tmp_path / name
            shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns(".chatkeep"))
            (folder / "node_modules").symlink_to(
                installed(ROOT / "tests/auth/node" / MODULES[name])
            )
            tsx = installed(ROOT / "tests/node") / "tsx/dist/loader.mjs"
            env = {**os.environ, "NO_COLOR": "1", "DATABASE_URL": database_url, **environment}
            subprocess.run(
                [sys.executable, "-m", "chatkeep", "migrate"],
                cwd=folder, env=env, check=True, capture_output=True, timeout=60,
            )  # fmt: skip
            front = stack.enter_context(
                Server(
                    ["node", "--import", str(tsx), "front/server.ts"], folder,
                    {**env, "DATABASE_URL": for_node(database_url), "PORT": "0"},
                )
            )  # fmt: skip
            front_url = front.wait_for(r"front on (\S+)")
            back = stack.enter_context(
                Server(
                    [sys.executable, "-m", "uvicorn", "back.main:app", "--port", "0"], folder,
                    {**env, "FRONT_ORIGIN": front_url},
                )
            )  # fmt: skip
            back_url = back.wait_for(r"Uvicorn running on (\S+)").replace("127.0.0.1", "localhost")
            browser = stack.enter_context(httpx.Client(headers={"origin": front_url}))
            return Running(front, front_url, back_url, database_url, browser)

        yield run
