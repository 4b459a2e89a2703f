"""The tests of `db.copy`, behind PgBouncer."""

from database.test_copy import *  # noqa: F403 - each test of it
from pooler.conftest import narrow  # noqa: F401 - the one behind PgBouncer, not the module's own
