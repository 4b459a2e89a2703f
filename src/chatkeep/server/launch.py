"""Start the supervisor, detached, and hear whether the server came up."""

import json
import os
import subprocess
import sys
from pathlib import Path

from chatkeep import errors
from chatkeep.errors import ServerError, ServerStartError
from chatkeep.server.place import Place

# -I keeps the current folder and PYTHON* variables out; so the package's own folder is named.
_PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop(1)); from chatkeep.server.supervisor import main; main()"


def launch(place: Place, port: int | None) -> None:
    """Start a supervisor and wait for its word; the start mutex must be held.

    When another supervisor was quicker this returns silently; the caller asks the server anyway.

    Raises:
        ServerError: What the supervisor reported: ServerStartError and its like.
    """
    package = Path(errors.__file__).parents[1]
    command = [sys.executable, "-I", "-c", _PROGRAM, package, place.root]
    note = os.open(
        place.supervisor_log,
        os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC,
        0o600,
    )
    try:
        with subprocess.Popen(  # noqa: S603 - our own interpreter and program
            [*command, str(port)] if port else command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=note,
            cwd="/",
            start_new_session=True,
        ) as starter:
            word, _ = starter.communicate()
    finally:
        os.close(note)
    report = json.loads(word) if word.strip() else {}
    if "error" in report:
        kind = getattr(errors, report["error"], ServerStartError)
        known = isinstance(kind, type) and issubclass(kind, ServerError)
        raise (kind if known else ServerStartError)(report["message"], hint=report["hint"])
