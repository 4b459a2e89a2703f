"""The tests of `db.transaction`, behind PgBouncer."""

from database.test_transactions import *  # noqa: F403 - each test of it

# Nothing is kept prepared behind a pooler, so nothing is outdated.
del test_a_table_changed_under_a_kept_statement_is_asked_again  # noqa: F821 - came with the star
