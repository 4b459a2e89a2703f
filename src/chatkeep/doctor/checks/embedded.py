"""The embedded server of a project."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from chatkeep.doctor.check import Check
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place
from chatkeep.server import find_binaries
from chatkeep.server.locks import is_held
from chatkeep.server.place import find_place

_RESTART = "chatkeep db stop --force && chatkeep db start"


async def _version(place: Place) -> Sequence[Found]:
    root = place.options.embedded
    if root is None:
        return []
    running = str((await place.fetch("select current_setting('server_version')"))[0][0])
    running = running.partition(" ")[0]
    installed = (await asyncio.to_thread(find_binaries)).version
    if running == installed:
        return []
    return [
        Found(
            f"embedded server in {root}",
            f"It runs PostgreSQL {running}, and the programs are {installed} by now.",
            _RESTART,
            "shell",
        )
    ]


async def _supervisor(place: Place) -> Sequence[Found]:
    root = place.options.embedded
    if root is None or await asyncio.to_thread(_is_watched, root):
        return []
    return [
        Found(
            f"embedded server in {root}",
            "The process that watches over it was killed.",
            "chatkeep db start",
            "shell",
        )
    ]


def _is_watched(root: Path) -> bool:
    return is_held(find_place(root).supervisor_lock)


CHECKS = (
    Check(
        "embedded-outdated",
        Severity.NOTE,
        "What was mended in PostgreSQL since is not in force before it starts again.",
        _version,
    ),
    Check(
        "embedded-unwatched",
        Severity.WARNING,
        "Nobody stops it when the last program that uses it ends.",
        _supervisor,
    ),
)
