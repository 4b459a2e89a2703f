"""The way from the seed's tables to the hardened ones, every row kept.

Values in the seed's own columns are never changed, save that JSON becomes jsonb. What cannot be
carried over stops the migration with the ids of the rows.
"""

# ruff: noqa: S608 - only names go into these statements, quoted by quote_name and quote_text

from typing import Any

from chatkeep.presets.deepsearch.seed_writers import quoted_tables, transition_extras
from chatkeep.presets.deepsearch.sql import COUNTS_HOLD, ROLES
from chatkeep.schema.naming import Naming, quote_name
from chatkeep.schema.schema import Schema, Stage
from chatkeep.schema.statements import (
    in_batches,
    stop_at_duplicate_emails,
    stop_at_json_that_jsonb_refuses,
    stop_where,
)

# A message follows the one before it.
_NUMBERED = """"id", row_number() OVER (ORDER BY "created_at", "seq") AS "n",
    lag("id") OVER (PARTITION BY "chat_id" ORDER BY "created_at", "seq") AS "parent_id\""""
AGAIN = "Change them, then run the migration again."


def stages(schema: Schema[Any, Any, Any, Any]) -> tuple[Stage, ...]:
    """Give the steps for a prefix, with the tables and columns that an application added."""
    return (
        Stage(
            "check",
            "Stop if a json column holds what jsonb cannot store.",
            statements=check_statements(schema.prefix),
        ),
        Stage(
            "expand",
            "Add columns and indexes, widen types; code written for the seed keeps working.",
            metadata=schema.transition_metadata(),
            extras=(*schema.extensions(), *transition_extras(schema.prefix)),
        ),
        Stage(
            "backfill",
            "Stop if rows break the new rules; fill the new columns from what is there.",
            statements=backfill_statements(schema.prefix),
            safe_statements=safe_backfill_statements(schema.prefix),
        ),
        Stage(
            "contract",
            "Put the new rules in force and drop what is no longer needed.",
            metadata=schema.metadata,
            extras=schema.extras,
        ),
    )


def check_statements(prefix: str) -> tuple[str, ...]:
    """Give the checks before any change."""
    naming, tables = Naming(prefix), quoted_tables(prefix)
    return (
        stop_at_json_that_jsonb_refuses(
            tables["message"], ("sources", "metadata"), naming.table("message")
        ),
        stop_at_json_that_jsonb_refuses(
            tables["search_cache"], ("results",), naming.table("search_cache")
        ),
    )


def backfill_statements(prefix: str) -> tuple[str, ...]:
    """Give the checks of the contract's rules, then what fills the new columns."""
    tables = quoted_tables(prefix)
    message, chat, user = tables["message"], tables["chat"], tables["user"]
    return (
        stop_at_duplicate_emails(user),
        stop_where(
            f'SELECT "id" FROM {message} WHERE NOT ({ROLES})',
            "messages have a role other than user, assistant, system and tool",
            AGAIN,
        ),
        stop_where(
            f'SELECT "id" FROM {message} WHERE NOT ({COUNTS_HOLD})',
            "messages have token counts in their metadata that are not numbers from 0 up",
            AGAIN,
        ),
        # seq was numbered in the order of the rows on disk, which settles equal times: a batch
        # has one time for all its messages. Numbers given meanwhile are higher than every n.
        f"""UPDATE {message} AS m SET "user_id" = c."user_id", "seq" = o."n",
    "parent_id" = o."parent_id", "updated_at" = m."created_at"
FROM (SELECT {_NUMBERED} FROM {message}) AS o, {chat} AS c
WHERE o."id" = m."id" AND c."id" = m."chat_id"
  AND (m."user_id" IS DISTINCT FROM c."user_id" OR m."seq" <> o."n"
       OR m."parent_id" IS DISTINCT FROM o."parent_id")""",
        mend_parents(message),
        move_heads(message, chat),
        # The seed kept no time of creation: a verification (every user was born verified) or a
        # chat shows that the user was there by then.
        f"""UPDATE {user} AS u SET "created_at" = e."at"
FROM (
    SELECT u."id", least(u."email_verified", min(c."created_at")) AS "at"
    FROM {user} AS u LEFT JOIN {chat} AS c ON c."user_id" = u."id" GROUP BY u."id"
) AS e
WHERE e."id" = u."id" AND e."at" < u."created_at\"""",
        f"""UPDATE {tables["user_settings"]} SET "created_at" = "updated_at"
WHERE "updated_at" < "created_at\"""",
        f"""UPDATE {tables["search_cache"]} SET "updated_at" = "created_at"
WHERE "created_at" < "updated_at\"""",
    )


def safe_backfill_statements(prefix: str) -> tuple[str, ...]:
    """Give the same for big tables that are written to: in batches, nobody waits for long."""
    tables = quoted_tables(prefix)
    message, chat, user = tables["message"], tables["chat"], tables["user"]
    numbers = quote_name(Naming(prefix).other("message_numbers"))
    first = f"""least(u."email_verified", (SELECT min(c."created_at") FROM {chat} AS c WHERE c."user_id" = u."id"))"""
    return (
        *backfill_statements(prefix)[:3],
        # The order is settled once, beside the messages; what comes later has higher numbers.
        f"""CREATE TABLE {numbers} AS
SELECT {_NUMBERED} FROM {message}""",
        f'ALTER TABLE {numbers} ADD PRIMARY KEY ("id")',
        f"ANALYZE {numbers}",
        in_batches(
            f"""UPDATE {message} AS m SET "user_id" = c."user_id", "seq" = o."n",
    "parent_id" = o."parent_id", "updated_at" = m."created_at"
FROM {numbers} AS o, {chat} AS c
WHERE (o."id" = m."id" AND c."id" = m."chat_id"
  AND (m."user_id" IS DISTINCT FROM c."user_id" OR m."seq" <> o."n"
       OR m."parent_id" IS DISTINCT FROM o."parent_id"))""",
            "id",
        ),
        f"DROP TABLE {numbers}",
        in_batches(mend_parents(message), "id"),
        in_batches(move_heads(message, chat), "id"),
        in_batches(
            f"""UPDATE {user} AS u SET "created_at" = {first}
WHERE ({first} < u."created_at")""",
            "id",
        ),
        in_batches(
            f"""UPDATE {tables["user_settings"]} SET "created_at" = "updated_at"
WHERE ("updated_at" < "created_at")""",
            "user_id",
        ),
        in_batches(
            f"""UPDATE {tables["search_cache"]} SET "updated_at" = "created_at"
WHERE ("created_at" < "updated_at")""",
            "id",
        ),
    )


def mend_parents(message: str) -> str:
    """Let nothing follow a message that old code deleted while the parents were written."""
    return f"""UPDATE {message} AS m SET "parent_id" = (SELECT p."id" FROM {message} AS p
    WHERE p."chat_id" = m."chat_id" AND p."seq" < m."seq" ORDER BY p."seq" DESC LIMIT 1)
WHERE (m."parent_id" IS NOT NULL
  AND NOT EXISTS (SELECT FROM {message} AS p WHERE p."id" = m."parent_id"))"""


def move_heads(message: str, chat: str) -> str:
    """Let each chat show its last message, unless old code adds one at that moment.

    Such a message is the chat's head, and not there yet for the statement: it is left alone.
    """
    last = f"""(SELECT m."id" FROM {message} AS m
    WHERE m."chat_id" = c."id" ORDER BY m."seq" DESC LIMIT 1)"""
    return f"""UPDATE {chat} AS c SET "head" = {last}
WHERE (c."head" IS DISTINCT FROM {last}
  AND (c."head" IS NULL OR EXISTS (SELECT FROM {message} AS h WHERE h."id" = c."head")))"""
