"""Saved queries: files `chatkeep-queries/<name>.sql` in the project, for the team to commit."""

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from chatkeep.errors import InvalidInputError
from chatkeep.settings import Settings
from chatkeep.studio.console.files import locked, notes, trouble_with, write_whole
from chatkeep.studio.console.history import holds_secret
from chatkeep.studio.refusing import ChangedMeanwhileError, NoSuchThingError, TooMuchError

FOLDER = "chatkeep-queries"
_NAME = re.compile(r"[^\W_][\w -]{0,78}[\w-]|[^\W_]")
_MOST = 1_000
_MOST_TEXT = 200_000


class Saved(msgspec.Struct, kw_only=True):
    """A saved query.

    Attributes:
        name: The file's, without `.sql`.
        sql: Its text; None in lists.
        version: Changes with the text: who stores says which one it was made from.
        at: When the file was written.
    """

    name: str
    sql: str | None
    version: str
    at: str


class SavedQueries:
    """Those of a project."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.root / FOLDER
        self._notes = notes(settings)

    def all(self) -> list[Saved]:
        """Give what there is, by name, without the texts.

        Raises:
            FileTroubleError: The folder cannot be read.
        """
        if not self._folder.is_dir():
            return []
        with trouble_with(self._folder):
            found = [
                path
                for path in self._folder.glob("*.sql")
                if _NAME.fullmatch(path.stem) and path.is_file() and not path.is_symlink()
            ]
            names = sorted(found, key=lambda path: path.stem.lower())[:_MOST]
            return [_saved(path, with_text=False) for path in names]

    def get(self, name: str) -> Saved:
        """Give one with its text.

        Raises:
            NoSuchThingError: There is none of this name.
            FileTroubleError: It cannot be read.
        """
        path = self._path(name)
        with trouble_with(path):
            if not _is_own(path):
                raise NoSuchThingError(f"There is no saved query {name!r}.")
            return _saved(path)

    def put(self, name: str, sql: str, version: str | None) -> Saved:
        """Store one.

        Args:
            name: Letters, digits, spaces, `_` and `-`.
            sql: Its text.
            version: Of the text that it replaces; None for a new one.

        Raises:
            ChangedMeanwhileError: Somebody else stored another text under this name.
            TooMuchError: There are a thousand.
            InvalidInputError: The name or the text is none, or holds a password.
            FileTroubleError: It cannot be written.
        """
        path = self._path(name)
        if len(sql) > _MOST_TEXT:
            raise InvalidInputError(f"A saved query has {_MOST_TEXT} characters.", field="sql")
        if holds_secret(sql):
            raise InvalidInputError(
                "This query seems to hold a password or token, and saved queries are committed.",
                hint="Take the literal out, or rename the column alias that sounds like one.",
                field="sql",
            )
        with trouble_with(path), locked(self._notes):
            self._folder.mkdir(exist_ok=True)
            if path.is_symlink():
                raise NoSuchThingError(f"{name!r} is a link to another file.")
            now = _saved(path).version if path.is_file() else None
            if now != version:
                raise ChangedMeanwhileError(
                    f"There is another text under {name!r} by now."
                    if now
                    else f"{name!r} was deleted meanwhile.",
                    hint="Open it, or choose another name.",
                )
            if now is None and len(list(self._folder.glob("*.sql"))) >= _MOST:
                raise TooMuchError(
                    f"There are {_MOST} saved queries.", hint="Delete some that nobody needs."
                )
            write_whole(path, sql)
            return _saved(path)

    def delete(self, name: str) -> None:
        """Remove one.

        Raises:
            NoSuchThingError: There is none of this name.
            FileTroubleError: It cannot be removed.
        """
        path = self._path(name)
        with trouble_with(path), locked(self._notes):
            if not _is_own(path):
                raise NoSuchThingError(f"There is no saved query {name!r}.")
            path.unlink()

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name) or len(name.encode()) > 200:
            raise InvalidInputError(
                "A name has letters, digits, spaces, _ and -, and at most 80 of them.",
                field="name",
            )
        return self._folder / f"{name}.sql"


def _is_own(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _saved(path: Path, *, with_text: bool = True) -> Saved:
    content = path.read_bytes()
    at = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    text = content.decode(errors="replace") if with_text else None
    return Saved(name=path.stem, sql=text, version=hashlib.sha256(content).hexdigest()[:16], at=at)
