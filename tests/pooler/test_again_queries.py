"""The tests of your own statements, behind PgBouncer."""

from database.test_queries import *  # noqa: F403 - each test of it
