"""Files on their way in and out: plain, gzip or inside of a zip, never whole in memory."""

import gzip
import os
import re
import secrets
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

from chatkeep.errors import ExchangeError

READ_BYTES = 1 << 20
MAX_RECORD = (
    64 << 20
)  # bytes: a conversation is in memory whole, and its objects cost several times that
BROKEN = (EOFError, OSError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged file raises."""

DAMAGED = "the packed file is damaged or cut here, and cannot be read on"

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_BOM = b"\xef\xbb\xbf"


class Part(NamedTuple):
    """One text to read: a file, or one inside of a zip.

    Attributes:
        name: For places.
        stream: Its bytes, unpacked, without a byte order mark.
    """

    name: str
    stream: IO[bytes]


class Opened:
    """A file that is open to be read.

    Attributes:
        size: In bytes, as it lies on the disk.
    """

    def __init__(self, raw: IO[bytes], name: str, members: re.Pattern[str]) -> None:
        self._raw = raw
        self._name = name
        self._members = members
        self.size = os.fstat(raw.fileno()).st_size

    @property
    def done(self) -> int:
        """How many of these bytes were read."""
        return 0 if self._raw.closed else min(self._raw.tell(), self.size)

    def parts(self) -> Iterator[Part]:
        """Give the texts, one after another; each is closed when the next one is asked for.

        Raises:
            ExchangeError: It is a zip without a file of the expected name, or no sound zip.
        """
        self._raw.seek(0)
        magic = self._raw.read(4)
        self._raw.seek(0)
        if magic == _ZIP:
            yield from self._zipped()
        elif magic[:2] == _GZIP:
            with gzip.GzipFile(fileobj=self._raw) as stream:
                yield Part(self._name, _without_mark(cast("IO[bytes]", stream)))
        else:
            yield Part(self._name, _without_mark(self._raw))

    def _zipped(self) -> Iterator[Part]:
        try:
            archive = zipfile.ZipFile(self._raw)
        except BROKEN as exc:
            raise ExchangeError(
                f"{self._name} is no sound zip file.", hint="It may have been cut: fetch it again."
            ) from exc
        with archive:
            names = [n for n in archive.namelist() if self._members.fullmatch(n.rsplit("/")[-1])]
            if not names:
                raise ExchangeError(
                    f"{self._name} holds no file of this format.",
                    hint=f"Its name would match {self._members.pattern}.",
                )
            for name in sorted(names):
                with archive.open(name) as stream:
                    yield Part(f"{self._name}:{name}", _without_mark(stream))


class _Unread:
    """A stream of which the first bytes were read already."""

    def __init__(self, first: bytes, rest: IO[bytes]) -> None:
        self._first = first
        self._rest = rest

    def read(self, size: int) -> bytes:
        first, self._first = self._first, b""
        return first or self._rest.read(size)


def _without_mark(stream: IO[bytes]) -> IO[bytes]:
    try:
        first = stream.read(3)
    except BROKEN:
        return stream  # which raises it again to whoever reads
    unread = _Unread(b"" if first == _BOM else first, stream)
    return cast("IO[bytes]", unread)


@contextmanager
def opened(source: str, members: str) -> Generator[Opened]:
    """Open a file to read.

    Args:
        source: Its path.
        members: Which files of a zip are meant, as a regular expression of their names.

    Raises:
        ExchangeError: There is none, or it cannot be opened.
    """
    path = Path(source)
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(path.open("rb"))
        except OSError as exc:
            raise ExchangeError(f"{source} cannot be read: {exc.strerror}.") from exc
        yield Opened(raw, path.name, re.compile(members))


@contextmanager
def created(target: str, member: str) -> Generator[IO[bytes]]:
    """Create a file; it stands under its name when the block ends, and not at all after an error.

    A name that ends in `.gz` is packed with gzip, one in `.zip` holds one file.

    Args:
        target: Its path.
        member: Name of the file in a zip.

    Raises:
        ExchangeError: There is one of this name already, or it cannot be written.
    """
    path = Path(target)
    if path.exists():
        raise ExchangeError(f"{target} is there already.", hint="Name another file, or remove it.")
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with unfinished.open("xb") as raw:
            with _packed(raw, path, member) as stream:
                yield stream
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.rename(path)
    except OSError as exc:
        raise ExchangeError(f"{target} cannot be written: {exc.strerror or exc}.") from exc
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _packed(raw: IO[bytes], path: Path, member: str) -> Generator[IO[bytes]]:
    if path.suffix == ".gz":
        with gzip.GzipFile(path.stem, "wb", fileobj=raw) as stream:
            yield cast("IO[bytes]", stream)
    elif path.suffix == ".zip":
        with (
            zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open(member, "w", force_zip64=True) as stream,
        ):
            yield stream
    else:
        yield raw
