"""Files on their way in and out: plain, gzip or inside of a zip, never whole in memory."""

import gzip
import io
import os
import re
import secrets
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NamedTuple, Protocol, cast

from chatkeep.errors import ChatkeepError, ExchangeError

READ_BYTES = 1 << 20
# Bytes: a conversation is in memory whole, and its objects cost several times that.
MAX_RECORD = 32 << 20
_UNPACKED = 1 << 14  # bytes that are unpacked together: so many may be lost before damage
BROKEN = (EOFError, OSError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged file raises."""

DAMAGED = "the packed file is damaged or cut here, and cannot be read on"

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_BOM = b"\xef\xbb\xbf"
_BOM_16 = (b"\xff\xfe", b"\xfe\xff")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


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
            ExchangeError: It is a zip without a file of the expected name, or no sound zip, or no
                UTF-8.
        """
        self._raw.seek(0)
        magic = self._raw.read(4)
        self._raw.seek(0)
        if magic == _ZIP:
            yield from self._zipped()
        elif magic[:2] == _GZIP:
            with gzip.GzipFile(fileobj=self._raw) as stream:
                yield _part(self._name, _Unpacked(cast("io.BufferedReader", stream)))
        else:
            yield _part(self._name, self._raw)

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
                with self._member(archive, name) as stream:
                    unpacked = _Unpacked(cast("io.BufferedReader", stream))
                    yield _part(f"{self._name}:{name}", unpacked)

    def _member(self, archive: zipfile.ZipFile, name: str) -> IO[bytes]:
        try:
            return archive.open(name)
        except (*BROKEN, RuntimeError) as exc:  # a password; a way of packing that Python lacks
            raise ExchangeError(
                f"{self._name}: {name} cannot be unpacked.", hint="Unpack the zip yourself."
            ) from exc


class _Unpacked:
    """A packed stream that gives what it holds before it is damaged, then raises."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._fault: Exception | None = None

    def read(self, size: int) -> bytes:
        if self._fault is not None:
            raise self._fault
        found = bytearray()
        try:
            while len(found) < size:
                some = self._stream.read1(min(size - len(found), _UNPACKED))
                if not some:
                    break
                found += some
        except BROKEN as exc:
            if not found:
                raise
            self._fault = exc
        return bytes(found)


class _Unread:
    """A stream of which the first bytes were read already."""

    def __init__(self, first: bytes, rest: "_Reads") -> None:
        self._first = first
        self._rest = rest

    def read(self, size: int) -> bytes:
        first, self._first = self._first, b""
        return first or self._rest.read(size)


class _Reads(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _part(name: str, stream: _Reads) -> Part:
    """Give the text of a stream, without its byte order mark.

    Raises:
        ExchangeError: It is UTF-16.
    """
    try:
        first = stream.read(3)
    except BROKEN:
        return Part(name, cast("IO[bytes]", stream))  # which raises it again to whoever reads
    # No JSON holds a NUL: where one of the first two bytes is one, they are one character.
    if first[:2] in _BOM_16 or first[:2].count(0) == 1:
        raise ExchangeError(f"{name} is UTF-16.", hint="Save it as UTF-8, and import that.")
    unread = _Unread(b"" if first == _BOM else first, stream)
    return Part(name, cast("IO[bytes]", unread))


def _check_path(path: str) -> None:
    """Refuse a URL: it may hold a password, and is repeated nowhere.

    Raises:
        ExchangeError: It is one.
    """
    if _URL.match(path):
        raise ExchangeError(
            "This format is one of files, and a URL was given.",
            hint="Name a file. Databases have the formats vercel and open-webui.",
        )


@contextmanager
def opened(source: str, members: str) -> Generator[Opened]:
    """Open a file to read.

    Args:
        source: Its path.
        members: Which files of a zip are meant, as a regular expression of their names.

    Raises:
        ExchangeError: There is none, or it cannot be opened.
    """
    _check_path(source)
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
    _check_path(target)
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
    except ChatkeepError:  # of whoever wrote; one for a database's time-out is an OSError too
        raise
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
