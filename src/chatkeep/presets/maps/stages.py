"""The way from the seed's tables to the hardened ones, every row kept."""

# ruff: noqa: S608 - only names go into these statements, quoted by quote_name and quote_text

from typing import Any

from chatkeep.presets.maps.seed_writers import filling_extras
from chatkeep.schema.naming import Naming, quote_name
from chatkeep.schema.schema import Schema, Stage
from chatkeep.schema.statements import in_batches, stop_at_duplicate_emails


def stages(schema: Schema[Any, Any, Any, Any]) -> tuple[Stage, ...]:
    """Give the steps for a prefix, with the tables and columns that an application added."""
    return (
        Stage(
            "expand",
            "Add columns and indexes; code written for the seed keeps working.",
            metadata=schema.transition_metadata(),
            extras=filling_extras(schema.prefix),
        ),
        Stage(
            "backfill",
            "Stop if two users share an e-mail; fill what was empty.",
            statements=backfill_statements(schema.prefix),
            safe_statements=safe_backfill_statements(schema.prefix),
        ),
        Stage(
            "contract",
            "Put the new rules in force; times get their zone, and are read as UTC.",
            metadata=schema.metadata,
            extras=schema.extras,
        ),
    )


def backfill_statements(prefix: str) -> tuple[str, ...]:
    """Give the check of the contract's rule, then what fills the columns."""
    naming = Naming(prefix)
    users, sessions = quote_name(naming.table("users")), quote_name(naming.table("sessions"))
    return (
        stop_at_duplicate_emails(users),
        f'UPDATE {users} SET "email_verified" = false WHERE "email_verified" IS NULL',
        f"""UPDATE {sessions} SET "updated_at" = "created_at" AT TIME ZONE 'UTC'
WHERE "created_at" AT TIME ZONE 'UTC' < "updated_at\"""",
        f'UPDATE {sessions} SET "token" = "id" WHERE "token" IS NULL',
    )


def safe_backfill_statements(prefix: str) -> tuple[str, ...]:
    """Give the same for big tables that are written to: in batches, nobody waits for long."""
    naming = Naming(prefix)
    users, sessions = quote_name(naming.table("users")), quote_name(naming.table("sessions"))
    return (
        stop_at_duplicate_emails(users),
        in_batches(
            f'UPDATE {users} SET "email_verified" = false WHERE ("email_verified" IS NULL)', "id"
        ),
        in_batches(
            f"""UPDATE {sessions} SET "updated_at" = "created_at" AT TIME ZONE 'UTC'
WHERE ("created_at" AT TIME ZONE 'UTC' < "updated_at")""",
            "id",
        ),
        in_batches(f'UPDATE {sessions} SET "token" = "id" WHERE ("token" IS NULL)', "id"),
    )
