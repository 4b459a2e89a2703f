"""The tests of transactions, prepared statements and several calls at once, behind PgBouncer."""

from database.test_surface import *  # noqa: F403 - each test of it
