"""Providers' tokens that are in plain text, or sealed with a key that is not there."""

from collections.abc import Sequence

from chatkeep.auth.account_table import find_account_table
from chatkeep.auth.reseal_report import ResealReport
from chatkeep.auth.resealing import look
from chatkeep.auth.sealing import TokenSealing
from chatkeep.doctor.check import Check
from chatkeep.doctor.checks.declared import path_of
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place

_MEND = "chatkeep auth seal-tokens"


async def _look(place: Place) -> tuple[str, ResealReport] | None:
    """Count the tokens; None where there are none, or no keys, or accounts of another kind."""
    accounts = find_account_table(getattr(place.schema, "tables", {}))
    if accounts is None or path_of(accounts.table) not in await place.declared_there():
        return None
    sealing = TokenSealing({})
    if not sealing.key_ids:
        return None  # nobody has said that tokens are to be sealed, or keys come from elsewhere
    report = await look(place.connection, accounts, sealing)
    return f'table "{accounts.table.name}"', report


async def _plain(place: Place) -> Sequence[Found]:
    looked = await _look(place)
    if looked is None or not looked[1].plain:
        return []
    table, report = looked
    message = f"{_many(report.plain)} in plain text, and keys for them are configured."
    return [Found(table, message, _MEND, "shell")]


async def _without_key(place: Place) -> Sequence[Found]:
    looked = await _look(place)
    if looked is None:
        return []
    table, report = looked
    return [
        Found(
            table,
            f'{_many(count)} sealed with the key "{key_id}", which CHATKEEP_TOKEN_KEYS does not have: '
            "add it behind the newest; where it is lost, people sign in with the provider again.",
            f"{_MEND} --dry-run",
            "shell",
        )
        for key_id, count in sorted(report.unreadable.items())
    ]


def _many(count: int) -> str:
    return f"{count:,} tokens are" if count > 1 else "One token is"


CHECKS = (
    Check(
        "plain-tokens",
        Severity.WARNING,
        "Who reads the table or a backup of it can act for its users at their providers.",
        _plain,
    ),
    Check(
        "missing-token-key",
        Severity.WARNING,
        "Every call that reads such a token fails, and nobody can act with it at the provider.",
        _without_key,
    ),
)
