"""The tests of `db.stream`, behind PgBouncer."""

from database.test_stream import *  # noqa: F403 - each test of it
from pooler.conftest import narrow  # noqa: F401 - the one behind PgBouncer, not the module's own
