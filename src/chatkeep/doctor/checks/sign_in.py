"""What a sign-in library left in the database that stops its later versions."""

from collections.abc import Sequence

from chatkeep.auth.better_auth_issuer import left_over
from chatkeep.doctor.check import Check
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place


async def _issuer(place: Place) -> Sequence[Found]:
    tables = await place.tables()
    return [
        Found(each.about, each.message, each.mend)
        for each in await left_over(place.fetch)
        if (each.schema, each.table) in tables
    ]


CHECKS = (
    Check(
        "better-auth-issuer",
        Severity.ERROR,
        "Nobody can sign up, and no account can be linked.",
        _issuer,
    ),
)
