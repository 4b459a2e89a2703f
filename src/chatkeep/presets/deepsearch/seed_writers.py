"""Triggers for databases to which code written for the seed goes on writing.

Such code does not know `message.user_id`, and leaves `updated_at` alone.
"""

from chatkeep.schema.naming import Naming, quote_name, quote_text, short_foreign_key_name
from chatkeep.schema.schema import Extra
from chatkeep.schema.triggers import TOUCH, function, trigger

# The chat is looked up in the schema of the message's own table.
FILL_USER = """
BEGIN
    IF NEW."user_id" IS NULL THEN
        EXECUTE format('SELECT "user_id" FROM %I.%I WHERE "id" = $1', TG_TABLE_SCHEMA, {chat})
        INTO NEW."user_id" USING NEW."chat_id";
        IF NEW."user_id" IS NULL THEN
            RAISE foreign_key_violation USING
                MESSAGE = format('table %I has no chat for this message', {chat}),
                SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = {constraint};
        END IF;
    END IF;
    RETURN NEW;
END
"""

# One update a chat and statement. A writer that moved the time itself, as chatkeep's own append
# does, leaves nothing to do.
MOVE_CHAT = """
BEGIN
    EXECUTE format(
        'UPDATE %I.%I AS chat SET "updated_at" = added."at"'
        ' FROM (SELECT "chat_id", max("created_at") AS "at" FROM added_messages GROUP BY 1) AS added'
        ' WHERE chat."id" = added."chat_id" AND chat."updated_at" < added."at"',
        TG_TABLE_SCHEMA, {chat}
    );
    RETURN NULL;
END
"""

TOUCHED = (
    "user",
    "account",
    "session",
    "verification_token",
    "chat",
    "search_cache",
    "user_settings",
)


def fill_user_extras(prefix: str) -> tuple[Extra, ...]:
    """Give what fills a message's user: without it old code cannot write once it is NOT NULL."""
    naming = Naming(prefix)
    message, chat = naming.table("message"), naming.table("chat")
    name = naming.other("message_fill_user_id")
    constraint = short_foreign_key_name(message, ["user_id", "chat_id"], chat, ["user_id", "id"])
    body = FILL_USER.format(chat=quote_text(chat), constraint=quote_text(constraint))
    return (
        function(name, body),
        trigger(name, message, "BEFORE INSERT ON {table} FOR EACH ROW", name),
    )


def seed_writer_extras(prefix: str) -> tuple[Extra, ...]:
    """Give everything that old code needs beside the hardened tables."""
    naming = Naming(prefix)
    move, touch = naming.other("message_move_chat"), naming.other("touch_updated_at")
    after = "AFTER INSERT ON {table} REFERENCING NEW TABLE AS added_messages FOR EACH STATEMENT"
    triggers = tuple(
        trigger(
            naming.other(f"{table}_touch"),
            naming.table(table),
            "BEFORE UPDATE ON {table} FOR EACH ROW",
            touch,
        )
        for table in TOUCHED
    )
    return (
        *fill_user_extras(prefix),
        function(move, MOVE_CHAT.format(chat=quote_text(naming.table("chat")))),
        trigger(move, naming.table("message"), after, move),
        function(touch, TOUCH),
        *triggers,
    )


def quoted_tables(prefix: str) -> dict[str, str]:
    """Give the quoted full names of the tables, for statements."""
    naming = Naming(prefix)
    return {name: quote_name(naming.table(name)) for name in (*TOUCHED, "message")}
