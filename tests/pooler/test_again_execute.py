"""The tests of `db.execute`, behind PgBouncer."""

from database.test_execute import *  # noqa: F403 - each test of it
