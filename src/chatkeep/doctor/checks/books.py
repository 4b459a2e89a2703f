"""The migrations folder against the database's bookkeeping."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatkeep.doctor.check import Check
from chatkeep.doctor.checks.upgrade import MIGRATE
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place
from chatkeep.kit.applying.matching import Matching

if TYPE_CHECKING:
    from chatkeep.kit.folder import Migration


async def _known(place: Place) -> Matching | None:
    """Give the matching, where the bookkeeping has anything of the folder."""
    matching = await place.matching()
    if matching is None or await is_unkept(place, matching):
        return None
    return matching


async def is_unkept(place: Place, matching: Matching) -> bool:
    """Whether the tables are there and no migration of the folder is noted."""
    noted = matching.of("applied", "running", "edited", "redated") or matching.missing
    return bool(matching.migrations) and not noted and bool(await place.declared_there())


def baseline(matching: Matching) -> str:
    """Give the command that notes all migrations of the folder."""
    return f"chatkeep baseline {shlex.quote(matching.migrations[-1].migration.tag)}"


async def _unkept(place: Place) -> Sequence[Found]:
    matching = await place.matching()
    if matching is None or not await is_unkept(place, matching):
        return []
    return [
        Found(
            f"database {place.database}",
            "It has the schema's tables, and its bookkeeping has none of the folder's migrations.",
            baseline(matching),
            "shell",
        )
    ]


async def _pending(place: Place) -> Sequence[Found]:
    matching = await _known(place)
    return [
        Found(f"migration {each.tag}", "It is pending.", MIGRATE, "shell")
        for each in (matching.of("pending") if matching else [])
    ]


async def _broken(place: Place) -> Sequence[Found]:
    matching = await _known(place)
    if matching is None:
        return []
    found = [
        Found(f"migration {each.tag}", "It broke off between two statements.", MIGRATE, "shell")
        for each in matching.of("running")
    ]
    for tag in matching.half_reversed:
        message = "Its rollback broke off between two statements."
        found.append(Found(f"migration {tag}", message, "chatkeep rollback", "shell"))
    for migration, lacking in matching.half_squashed:
        message = f"It was squashed from {', '.join(lacking)} too, which the database lacks."
        mend = _history(place, f"{lacking[0]}.sql")
        found.append(Found(f"migration {migration.tag}", message, mend, "shell"))
    return found


async def _edited(place: Place) -> Sequence[Found]:
    matching = await _known(place)
    if matching is None:
        return []
    changed: list[tuple[Migration, str]] = [
        *((each, "Its file changed after it was applied.") for each in matching.of("edited")),
        *((each, "It was applied with another date or name.") for each in matching.of("redated")),
    ]
    return [
        Found(
            f"migration {each.tag}",
            f"{message} The command shows its history; bring the applied content back.",
            f"git log --patch -- {shlex.quote(str(each.path))}",
            "shell",
        )
        for each, message in changed
    ]


async def _missing(place: Place) -> Sequence[Found]:
    matching = await _known(place)
    if matching is None:
        return []
    return [
        Found(
            f"migration {record.tag}",
            "The database has it, and its file is gone from the folder; the command says which "
            "commit took it away.",
            _history(place, f"{record.tag}.sql"),
            "shell",
        )
        for record in (*matching.missing, *matching.broken_off)
    ]


def _history(place: Place, name: str) -> str:
    path = str(place.options.folder / name) if place.options.folder else name
    return f"git log --diff-filter=D --oneline -- {shlex.quote(path)}"


CHECKS = (
    Check(
        "bookkeeping-missing",
        Severity.WARNING,
        "`chatkeep migrate` would run migrations whose tables are there already, and fail.",
        _unkept,
    ),
    Check(
        "migration-pending",
        Severity.WARNING,
        "Code that counts on it meets the database as it was before.",
        _pending,
    ),
    Check(
        "migration-broken-off",
        Severity.ERROR,
        "The database is between two states that the code knows.",
        _broken,
    ),
    Check(
        "migration-edited",
        Severity.ERROR,
        "The folder makes another database than this one.",
        _edited,
    ),
    Check(
        "migration-missing",
        Severity.ERROR,
        "A new database made from the folder lacks what this one has.",
        _missing,
    ),
)
