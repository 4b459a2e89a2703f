"""All checks, in the order in which they run and are told. A new one: its theme's module, and a heading in docs."""

from chatkeep.doctor.check import Check
from chatkeep.doctor.checks import (
    books,
    embedded,
    grants,
    indexes,
    keys,
    missing,
    pooler,
    rows,
    security,
    sessions,
    settings,
    sign_in,
    space,
    tokens,
    upgrade,
    vacuum,
)

CHECKS: tuple[Check, ...] = (
    *books.CHECKS,
    *upgrade.CHECKS,
    *rows.CHECKS,  # before what proves them, or would be refused for them
    *missing.CHECKS,
    *sign_in.CHECKS,
    *tokens.CHECKS,
    *indexes.CHECKS,
    *keys.CHECKS,
    *security.CHECKS,
    *grants.CHECKS,
    *space.CHECKS,
    *vacuum.CHECKS,
    *sessions.CHECKS,
    *pooler.CHECKS,
    *settings.CHECKS,
    *embedded.CHECKS,
)
