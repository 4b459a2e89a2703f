"""A client's hold on the server."""

import os
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Self

_open: "weakref.WeakSet[Lease]" = weakref.WeakSet()


class Lease:
    """While one lease is open, in any process, the server runs.

    The kernel ends it when the process dies. A child made by `os.fork` or `multiprocessing` has no
    part in it and must acquire its own. Closing twice does nothing.

    Attributes:
        url: URL of the default database, password included.
    """

    def __init__(self, fd: int, url: str, before_close: Callable[[], None]) -> None:
        self.url = url
        self._fd: int | None = fd
        self._before_close = before_close
        _open.add(self)

    @property
    def closed(self) -> bool:
        """True after `close`, and in a forked child."""
        return self._fd is None

    def close(self) -> None:
        """Give the hold back; the last one out lets the server stop, within about a second."""
        if self._fd is not None:
            try:
                self._before_close()
            finally:
                self.drop()

    def drop(self) -> None:
        """Close the descriptor and nothing else; for a forked child."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.drop()


def _drop_all() -> None:
    """A forked child shares our open files, and would keep the server running in our name."""
    for lease in list(_open):
        lease.drop()


os.register_at_fork(after_in_child=_drop_all)
