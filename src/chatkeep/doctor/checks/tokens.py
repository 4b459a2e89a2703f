"""Providers' tokens in plain text where keys for them are configured."""

from collections.abc import Sequence

from chatkeep.auth.account_table import find_account_table
from chatkeep.auth.resealing import look
from chatkeep.auth.sealing import TokenSealing
from chatkeep.doctor.check import Check
from chatkeep.doctor.checks.declared import path_of
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place

_MEND = "chatkeep auth seal-tokens"


async def _plain(place: Place) -> Sequence[Found]:
    accounts = find_account_table(getattr(place.schema, "tables", {}))
    if accounts is None or path_of(accounts.table) not in await place.declared_there():
        return []
    sealing = TokenSealing({})
    if not sealing.key_ids:
        return []  # nobody has said that tokens are to be sealed
    found = await look(place.connection, accounts, sealing)
    if not found.plain:
        return []
    many = f"{found.plain:,} tokens are" if found.plain > 1 else "One token is"
    message = f"{many} in plain text, and keys for them are configured."
    return [Found(f'table "{accounts.table.name}"', message, _MEND, "shell")]


CHECKS = (
    Check(
        "plain-tokens",
        Severity.WARNING,
        "Who reads the table or a backup of it can act for its users at their providers.",
        _plain,
    ),
)
