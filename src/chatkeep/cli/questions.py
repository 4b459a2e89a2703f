"""What is asked at a terminal, and only there."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from chatkeep.kit.plan.renames import Candidate, Renames


def is_terminal() -> bool:
    """Say whether a person sits there: both ends must be a terminal, or a question hangs."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_renames(candidates: "Sequence[Candidate]") -> "Renames":
    """Ask of each thing that went whether it has another name now; choose by number.

    A new name that was given once is not offered again.

    Raises:
        click.Abort: The person broke off, or the input ended.
    """
    answers: dict[tuple[str, ...], str | None] = {}
    taken: set[tuple[str, ...]] = set()
    for candidate in candidates:
        # Two functions of one name and other arguments may both get the new one.
        holder = (candidate.kind, *candidate.old[:-1], candidate.old[-1].partition("(")[2])
        names = [name for name in candidate.new if (*holder, name) not in taken]
        answers[candidate.old] = chosen = _ask(candidate, names) if names else None
        if chosen is not None:
            taken.add((*holder, chosen))
    return answers


def _ask(candidate: "Candidate", names: Sequence[str]) -> str | None:
    old = candidate.old[-1]
    whole = ".".join(candidate.old).rpartition(":")[2]  # the kind is said already
    click.echo(f"The {candidate.kind} {whole} is not there any more.", err=True)
    for number, name in enumerate(names, start=1):
        click.echo(f"  {number}  It is called {name} now.", err=True)
    none = len(names) + 1
    new = "what came is new" if len(names) > 1 else f"{names[0]} is new"
    click.echo(f"  {none}  It is no rename: {new}, and {old} goes.", err=True)
    number = click.prompt("Which", type=click.IntRange(1, none), err=True)
    return names[number - 1] if number < none else None
