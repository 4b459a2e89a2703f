"""How far a command is, on stderr."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@contextmanager
def bar(
    words: str, state: Callable[[T], Mapping[str, Any]]
) -> Generator[Callable[[T], None] | None]:
    """Show a bar on stderr: gives whom to tell of progress, or None where that is no terminal.

    Args:
        words: Beside the bar at first.
        state: Gives what the bar shows of what is told.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(console=console, transient=True) as shown:
        task = shown.add_task(words, total=None)
        yield lambda told: shown.update(task, **state(told))
