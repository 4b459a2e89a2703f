"""Files of the project that several studios may write at once."""

import importlib
import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chatkeep.settings import Settings
from chatkeep.studio.refusing import StudioError

_fcntl: Any = None if sys.platform == "win32" else importlib.import_module("fcntl")


class FileTroubleError(StudioError):
    """A file of the project cannot be read or written."""

    code = "file"
    status = 409


@contextmanager
def trouble_with(path: Path) -> Generator[None]:
    """Tell the system's errors as ours.

    Raises:
        FileTroubleError: The system refused.
    """
    try:
        yield
    except OSError as exc:
        raise FileTroubleError(
            f"{path.name} in {path.parent.name}/ cannot be used: {exc.strerror}.",
            hint="Look at the folder's permissions.",
        ) from exc


def notes(settings: Settings) -> Path:
    """Give the folder of what the studio keeps for itself; git passes it over."""
    return settings.embedded_root / "studio"


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Keep other studios of the project from writing; `folder` is that of `notes`."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    with (folder / ".lock").open("a") as handle:
        if _fcntl is not None:
            _fcntl.flock(handle, _fcntl.LOCK_EX)
        yield


def write_whole(path: Path, text: str) -> None:
    """Write a file so that others see it as it was or as it is, never a part."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
