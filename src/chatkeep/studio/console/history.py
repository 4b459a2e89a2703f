"""What was run, on disk in the project: `.chatkeep/studio/history.jsonl`, never with results.

Kept are the last thousand runs. A text that holds what looks like a password or a token beside a
literal is not kept.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from chatkeep.kit.folder.tokens import tokens
from chatkeep.settings import Settings
from chatkeep.studio.console.files import locked, notes, trouble_with, write_whole

MOST = 1_000
_MOST_TEXT = 20_000
_SLACK = 200  # lines over the bound before the file is written anew
_SECRET = re.compile(
    r"passw|passphrase|pwd|secret|credential|api_?key|private_?key|access_?key|otp\b|jwt"
    r"|identified|umoptions|pgp_sym|crypt\b|hmac"
    # Those that a model counts let nobody in.
    r"|(?<!prompt_)(?<!completion_)(?<!total_)(?<!input_)(?<!output_)(?<!cached_)token",
    re.IGNORECASE,
)
# It begins at the colon: from each letter before it, a long literal would take minutes.
_IN_URL = re.compile(r"://[^\s/:@']*:[^\s/@']+@|\bpassword\s*=", re.IGNORECASE)


def holds_secret(sql: str) -> bool:
    """Say whether a text may hold a password or token: such a name, and a literal somewhere."""
    if _IN_URL.search(sql):
        return True
    has_literal = any(
        token.kind == "dollar" or (token.kind == "quoted" and not token.text.startswith('"'))
        for token in tokens(sql)
    )
    return has_literal and _SECRET.search(sql) is not None


class History:
    """The runs of a project's studios."""

    def __init__(self, settings: Settings) -> None:
        self._path = notes(settings) / "history.jsonl"

    def add(self, sql: str, *, write: bool, ok: bool, ms: float) -> None:
        """Keep a run, unless it may hold a secret or is too long.

        Raises:
            FileTroubleError: The file cannot be written.
        """
        if len(sql) > _MOST_TEXT or holds_secret(sql):
            return
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "sql": sql,
            "write": write,
            "ok": ok,
            "ms": round(ms, 1),
        }
        line = json.dumps(entry, ensure_ascii=False).replace("\u2028", " ") + "\n"
        with trouble_with(self._path), locked(self._path.parent):
            with self._path.open("a", encoding="utf-8", newline="") as handle:
                handle.write(line)
            lines = self._lines()
            if len(lines) > MOST + _SLACK:
                write_whole(self._path, "".join(f"{each}\n" for each in lines[-MOST:]))

    def find(self, text: str, most: int) -> list[dict[str, Any]]:
        """Give the newest runs whose SQL holds a text; each SQL once.

        Raises:
            FileTroubleError: The file cannot be read.
        """
        found: dict[str, dict[str, Any]] = {}
        with trouble_with(self._path):
            lines = self._lines()
        for entry in _entries(reversed(lines[-MOST:])):
            if text.lower() in entry["sql"].lower():
                found.setdefault(entry["sql"], entry)
                if len(found) == most:
                    break
        return list(found.values())

    def clear(self) -> None:
        """Forget every run.

        Raises:
            FileTroubleError: The file cannot be removed.
        """
        with trouble_with(self._path), locked(self._path.parent):
            self._path.unlink(missing_ok=True)

    def _lines(self) -> list[str]:
        if not self._path.exists():
            return []
        return self._path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]


def _entries(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Give the entries; a line that a crash or a hand has broken is passed over."""
    for line in lines:
        try:
            entry: object = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("sql"), str):
            yield entry
