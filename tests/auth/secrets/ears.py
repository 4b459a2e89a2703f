"""Listens wherever a text may go that somebody else reads, and knows the secrets by their marks."""

import base64
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

_PART = 16  # letters: less of a secret is an accident


def parts_of(secret: str) -> set[str]:
    """What is looked for: beginning, middle and end, also as base64 and with percent signs."""
    found: set[str] = set()
    for text in {secret, unquote(secret), quote(secret, safe="")}:
        whole = text if len(text) <= _PART else ""
        middle = len(text) // 2
        found |= {whole or text[:_PART], text[-_PART:], text[middle : middle + _PART]}
    found.add(base64.b64encode(secret.encode()).decode()[: 2 * _PART])
    return {part for part in found if len(part) >= 8}


@dataclass
class Ears:
    """Texts that came out, each with where it was heard, and the secrets that went in."""

    secrets: dict[str, str] = field(default_factory=dict)  # part -> what it is
    heard: list[tuple[str, str]] = field(default_factory=list)

    def mark(self, what: str, secret: str | None) -> str:
        """Know a secret; give it back."""
        assert secret
        for part in parts_of(secret):
            self.secrets[part] = what
        return secret

    def hear(self, where: str, text: object) -> None:
        self.heard.append((where, str(text)))

    def result(self, where: str, value: object) -> None:
        """What a debugger, a log line or an assertion would show of it."""
        self.hear(f"repr: {where}", repr(value))
        self.hear(f"str: {where}", value)

    def error(self, where: str, error: BaseException) -> None:
        """Text, repr and traceback, with everything that it was raised from."""
        seen: set[int] = set()
        queue: list[BaseException | None] = [error]
        while queue:
            one = queue.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            kind = type(one).__name__
            self.hear(f"str of {kind}: {where}", one)
            self.hear(f"repr of {kind}: {where}", repr(one))
            self.hear(f"fields of {kind}: {where}", {**vars(one), "args": one.args})
            queue += [one.__cause__, one.__context__]
            queue += getattr(one, "exceptions", ())
        self.hear(f"traceback: {where}", "".join(traceback.format_exception(error)))

    @contextmanager
    def at_logs(self) -> Iterator[None]:
        """Every logger's every record, down to DEBUG."""
        handler = _Handler(self)
        root = logging.getLogger()
        names = list(logging.root.manager.loggerDict)
        levels = {logger: logger.level for logger in (root, *map(logging.getLogger, names))}
        root.addHandler(handler)
        for logger in levels:
            logger.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.removeHandler(handler)
            for logger, level in levels.items():
                logger.setLevel(level)

    def leaks(self) -> list[str]:
        """What was heard of the secrets."""
        return [
            f"{what} in {where}: {text[max(0, text.index(part) - 80) : text.index(part) + 40]}"
            for where, text in self.heard
            for part, what in self.secrets.items()
            if part in text
        ]

    def count(self, beginning: str) -> int:
        """How much was heard at places of this name."""
        return sum(where.startswith(beginning) for where, _ in self.heard)


class _Handler(logging.Handler):
    def __init__(self, ears: Ears) -> None:
        super().__init__(logging.DEBUG)
        self._ears = ears

    def emit(self, record: logging.LogRecord) -> None:
        where = f"log: {record.name}"
        self._ears.hear(where, record.getMessage())
        self._ears.hear(where, {name: str(value) for name, value in vars(record).items()})
        if record.exc_info and record.exc_info[1]:
            self._ears.error(where, record.exc_info[1])
