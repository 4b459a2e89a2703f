"""The rules about waiting: what keeps readers or writers of a live table away."""

from chatkeep.kit.review.finding import Severity
from chatkeep.kit.review.rule import Rule

_DANGER, _WARNING, _NOTE = Severity.DANGER, Severity.WARNING, Severity.NOTE

LOCK_RULES = (
    Rule(
        "index-locks-writes",
        "locks",
        _DANGER,
        "an index is built while writers wait",
        "CREATE INDEX CONCURRENTLY in a migration of its own; `chatkeep generate --safe` writes it.",
    ),
    Rule(
        "unique-locks-table",
        "locks",
        _DANGER,
        "a unique, primary key or exclusion constraint builds its index while everybody waits",
        "CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own, then ADD CONSTRAINT … USING "
        "INDEX; `chatkeep generate --safe` writes both.",
    ),
    Rule(
        "check-scans",
        "locks",
        _DANGER,
        "a check constraint reads the whole table while others wait",
        "ADD CONSTRAINT … NOT VALID, then VALIDATE CONSTRAINT in the next migration; "
        "`chatkeep generate --safe` writes both.",
    ),
    Rule(
        "foreign-key-scans",
        "locks",
        _DANGER,
        "a foreign key reads its table while writers of both tables wait",
        "ADD CONSTRAINT … NOT VALID, then VALIDATE CONSTRAINT in the next migration; "
        "`chatkeep generate --safe` writes both.",
    ),
    Rule(
        "not-null-scans",
        "locks",
        _DANGER,
        "SET NOT NULL reads the whole table while everybody waits",
        "Add a check (column IS NOT NULL) NOT VALID, validate it in the next migration, then SET NOT "
        "NULL, which needs no scan any more; `chatkeep generate --safe` writes these.",
    ),
    Rule(
        "column-type-rewrites",
        "locks",
        _DANGER,
        "a change of a column's type writes the table anew while everybody waits",
        "Add a column of the new type, fill it in batches while code writes both, then switch; "
        "`chatkeep generate --safe` writes these steps.",
    ),
    Rule(
        "added-column-rewrites",
        "locks",
        _DANGER,
        "a new column needs a value in each row, so the table is written anew while everybody waits",
        "Add the column without default, set the default for new rows, then fill old rows in "
        "batches.",
    ),
    Rule(
        "table-rewrite",
        "locks",
        _DANGER,
        "a table is written anew while everybody waits",
        "Leave it out, or run it in a maintenance window; pg_repack does it online.",
    ),
    Rule(
        "index-rebuild-locks",
        "locks",
        _DANGER,
        "an index is built anew while writers wait",
        "REINDEX INDEX CONCURRENTLY in a migration of its own.",
    ),
    Rule(
        "view-refresh-locks",
        "locks",
        _DANGER,
        "a materialized view is filled while its readers wait",
        "Give the view a unique index and use REFRESH MATERIALIZED VIEW CONCURRENTLY.",
    ),
    Rule(
        "partition-scans",
        "locks",
        _DANGER,
        "a table is read from end to end as it becomes a partition",
        "Before, give it a CHECK of the partition's bounds (NOT VALID, then VALIDATE): ATTACH "
        "PARTITION then reads nothing.",
    ),
    Rule(
        "partition-detach-locks",
        "locks",
        _NOTE,
        "a partition is detached under a lock on the whole table",
        "ALTER TABLE … DETACH PARTITION … CONCURRENTLY in a migration of its own.",
    ),
    Rule(
        "index-drop-locks",
        "locks",
        _NOTE,
        "an index is dropped under a lock on its table",
        "DROP INDEX CONCURRENTLY in a migration of its own.",
    ),
    Rule(
        "work-under-lock",
        "locks",
        _DANGER,
        "rows are read or changed while a lock of the same transaction keeps others waiting",
        "Put the long work into a migration of its own, so that the lock ends before it begins.",
    ),
    Rule(
        "several-tables-locked",
        "locks",
        _WARNING,
        "one transaction locks several tables, one after the other",
        "One table in one migration: nobody waits longer than for one, and nothing deadlocks.",
    ),
    Rule(
        "explicit-lock",
        "locks",
        _WARNING,
        "LOCK TABLE keeps others waiting until the end of the transaction",
        "Leave it out: each statement takes the lock that it needs.",
    ),
    Rule(
        "backfill-in-one-go",
        "locks",
        _WARNING,
        "the rows of a table are changed in one transaction",
        "Mark the statement with `-- chatkeep:batch`: `chatkeep migrate` then runs it in bounded "
        "batches that can be resumed.",
    ),
)
