"""A zip that is written bit by bit, under a name of its own, and appears whole or not at all."""

import asyncio
import os
import secrets
import zipfile
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from chatkeep.errors import PersonalDataError

_MODE = 0o600  # it holds all that somebody ever wrote here


class Archive:
    """A zip in the making."""

    def __init__(self, file: IO[bytes]) -> None:
        """Begin it in an open file."""
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)

    async def add(self, name: str, pieces: AsyncIterable[bytes]) -> None:
        """Add a file of any size, piece by piece; other tasks go on meanwhile."""
        entry = zipfile.ZipInfo(name)  # of 1980: when it was made stands in the manifest
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = _MODE << 16
        target = self._zip.open(entry, "w", force_zip64=True)
        try:
            async for piece in pieces:
                await asyncio.to_thread(target.write, piece)
        finally:
            await asyncio.to_thread(target.close)

    def close(self) -> None:
        """Write the table of contents."""
        self._zip.close()


@asynccontextmanager
async def new_archive(out: Path, *, force: bool) -> AsyncGenerator[Archive]:
    """Write a zip that is there when the block ends well; else nothing is.

    Args:
        out: The file; readable for its owner alone.
        force: Whether one that is there already may be written over.

    Raises:
        PersonalDataError: The file is there already, or cannot be written.
    """
    part = out.with_name(f".{out.name[:200]}.{secrets.token_hex(4)}.part")
    number = _begin(part, out, force=force)
    try:
        with os.fdopen(number, "wb") as file:
            archive = Archive(file)
            try:
                yield archive
            finally:
                archive.close()  # else it would close itself later, into a closed file
            file.flush()
            os.fsync(file.fileno())
        _publish(part, out, force=force)
    except OSError as exc:
        raise PersonalDataError(f"{out} cannot be written: {exc.strerror or exc}.") from exc
    finally:
        part.unlink(missing_ok=True)


def _begin(part: Path, out: Path, *, force: bool) -> int:
    if not force and os.path.lexists(out):
        raise _there(out)
    try:
        return os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except OSError as exc:
        raise PersonalDataError(f"{part.parent} takes no new file: {exc.strerror}.") from exc


def _publish(part: Path, out: Path, *, force: bool) -> None:
    if force:
        part.replace(out)
        return
    try:
        out.hardlink_to(part)  # unlike a rename it never writes over what came meanwhile
    except FileExistsError:
        raise _there(out) from None
    except OSError:  # a file system without hard links
        if os.path.lexists(out):
            raise _there(out) from None
        part.replace(out)


def _there(out: Path) -> PersonalDataError:
    return PersonalDataError(
        f"{out} is there already.", hint="Take another name, or --force to write over it."
    )
