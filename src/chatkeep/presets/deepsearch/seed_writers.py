"""Triggers for databases to which code written for the seed goes on writing.

Such code does not know `message.user_id`, what a message follows and what a chat shows, and leaves
`updated_at` alone.
"""

from chatkeep.schema.naming import Naming, quote_name, quote_text, short_foreign_key_name
from chatkeep.schema.schema import Extra
from chatkeep.schema.triggers import TOUCH, function, trigger

# The chat is looked up in the schema of the message's own table, and locked: messages of writers
# that come at once follow one another, in the order of `seq`. A writer that gives the user may know
# heads too: then it has moved the chat's to a message that is not there yet, and what it gives as
# parent is what it means, NULL too. A message that is there already changes nothing: the writer
# says ON CONFLICT DO NOTHING, or fails.
FILL_USER = """
DECLARE
    owner text;
    tip text;
    trashed timestamptz;
    place bigint;
    is_stored boolean;
    numbers text;
    has_user boolean := NEW."user_id" IS NOT NULL;
BEGIN
    IF has_user AND NEW."parent_id" IS NOT NULL THEN
        RETURN NEW;
    END IF;
    EXECUTE format(
        'SELECT "user_id", "head", "deleted_at" FROM %I.%I WHERE "id" = $1 FOR NO KEY UPDATE',
        TG_TABLE_SCHEMA, {chat}
    ) INTO owner, tip, trashed USING NEW."chat_id";
    IF owner IS NULL THEN
        IF has_user THEN
            RETURN NEW;
        END IF;
        RAISE foreign_key_violation USING
            MESSAGE = format('table %I has no chat for this message', {chat}),
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = {constraint};
    END IF;
    NEW."user_id" := coalesce(NEW."user_id", owner);
    NEW."deleted_at" := coalesce(NEW."deleted_at", trashed);
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM %1$I.%2$I WHERE "id" = $1),'
        ' (SELECT "seq" FROM %1$I.%2$I WHERE "id" = $2)', TG_TABLE_SCHEMA, TG_TABLE_NAME
    ) INTO is_stored, place USING NEW."id", tip;
    IF NEW."parent_id" IS NOT NULL OR is_stored
        OR (has_user AND tip IS NOT NULL AND place IS NULL)
    THEN
        RETURN NEW;
    END IF;
    IF place IS NULL THEN
        EXECUTE format(
            'SELECT "id", "seq" FROM %I.%I WHERE "chat_id" = $1 AND "deleted_at" IS NULL'
            ' AND ("user_id" = $2 OR "user_id" IS NULL)'
            ' ORDER BY CASE WHEN "user_id" IS NULL THEN "created_at" END DESC NULLS LAST, "seq" DESC'
            ' LIMIT 1', TG_TABLE_SCHEMA, TG_TABLE_NAME
        ) INTO tip, place USING NEW."chat_id", owner;
    END IF;
    IF place >= NEW."seq" THEN
        numbers := pg_get_serial_sequence(format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME), 'seq');
        IF has_sequence_privilege(numbers, 'USAGE') THEN
            NEW."seq" := nextval(numbers);
        END IF;
    END IF;
    NEW."parent_id" := tip;
    EXECUTE format(
        'UPDATE %I.%I SET "head" = $1, "revision" = "revision" + 1 WHERE "id" = $2',
        TG_TABLE_SCHEMA, {chat}
    ) USING NEW."id", NEW."chat_id";
    RETURN NEW;
END
"""

# What follows a message that goes follows the one before it from then on; a chat that showed it
# shows that one, or its last message. The chats are locked first, in a step of its own: a message
# that came meanwhile is seen after it. Of a chat that goes whole there is nothing to mend.
MEND_BRANCHES = """
DECLARE
    found bigint;
BEGIN
    EXECUTE format(
        'SELECT FROM %I.%I WHERE "id" IN (SELECT "chat_id" FROM gone_messages)'
        ' ORDER BY "id" FOR NO KEY UPDATE', TG_TABLE_SCHEMA, {chat}
    );
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found = 0 THEN
        RETURN NULL;
    END IF;
    EXECUTE format(
        'WITH RECURSIVE up ("user_id", "chat_id", "gone", "place") AS ('
        ' SELECT gone."user_id", gone."chat_id", gone."id", gone."parent_id"'
        ' FROM gone_messages AS gone JOIN %1$I.%3$I AS chat ON chat."id" = gone."chat_id"'
        ' WHERE chat."head" = gone."id" OR EXISTS (SELECT FROM %1$I.%2$I AS message'
        ' WHERE message."user_id" = gone."user_id" AND message."chat_id" = gone."chat_id"'
        ' AND message."parent_id" = gone."id")'
        ' UNION ALL SELECT up."user_id", up."chat_id", up."gone", next."parent_id"'
        ' FROM up JOIN gone_messages AS next ON next."id" = up."place"'
        '), kept AS (SELECT * FROM up WHERE NOT EXISTS'
        ' (SELECT FROM gone_messages AS gone WHERE gone."id" = up."place")'
        '), moved AS (UPDATE %1$I.%3$I AS chat SET "head" = coalesce(kept."place",'
        ' (SELECT "id" FROM %1$I.%2$I AS last WHERE last."user_id" = chat."user_id"'
        ' AND last."chat_id" = chat."id" AND last."deleted_at" IS NULL'
        ' ORDER BY last."seq" DESC LIMIT 1)) FROM kept'
        ' WHERE chat."id" = kept."chat_id" AND chat."head" = kept."gone")'
        ' UPDATE %1$I.%2$I AS message SET "parent_id" = kept."place" FROM kept'
        ' WHERE message."user_id" = kept."user_id" AND message."chat_id" = kept."chat_id"'
        ' AND message."parent_id" = kept."gone"',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, {chat}
    );
    RETURN NULL;
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
    "message",
    "search_cache",
    "user_settings",
)
# Whoever changes these knows `updated_at` too; code of the seed changes others.
KNOWN = {"chat": ("head", "revision", "deleted_at"), "message": ("parent_id", "deleted_at")}


def transition_extras(prefix: str) -> tuple[Extra, ...]:
    """Give what fills a message's user, which becomes NOT NULL, and keeps branches whole."""
    naming = Naming(prefix)
    message, chat = naming.table("message"), naming.table("chat")
    fill, mend = naming.other("message_fill_user_id"), naming.other("message_mend_branches")
    constraint = short_foreign_key_name(message, ["user_id", "chat_id"], chat, ["user_id", "id"])
    body = FILL_USER.format(chat=quote_text(chat), constraint=quote_text(constraint))
    after = "AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone_messages FOR EACH STATEMENT"
    return (
        function(fill, body),
        trigger(fill, message, "BEFORE INSERT ON {table} FOR EACH ROW", fill),
        function(mend, MEND_BRANCHES.format(chat=quote_text(chat))),
        trigger(mend, message, after, mend),
    )


def seed_writer_extras(prefix: str) -> tuple[Extra, ...]:
    """Give everything that old code needs beside the hardened tables."""
    naming = Naming(prefix)
    move, touch = naming.other("message_move_chat"), naming.other("touch_updated_at")
    chat = quote_text(naming.table("chat"))
    after = "AFTER INSERT ON {table} REFERENCING NEW TABLE AS added_messages FOR EACH STATEMENT"
    triggers = tuple(
        trigger(
            naming.other(f"{table}_touch"),
            naming.table(table),
            "BEFORE UPDATE ON {table} FOR EACH ROW" + _unless_changed(KNOWN.get(table, ())),
            touch,
        )
        for table in TOUCHED
    )
    return (
        *transition_extras(prefix),
        function(move, MOVE_CHAT.format(chat=chat)),
        trigger(move, naming.table("message"), after, move),
        function(touch, TOUCH),
        *triggers,
    )


def _unless_changed(columns: tuple[str, ...]) -> str:
    same = " AND ".join(f'OLD."{name}" IS NOT DISTINCT FROM NEW."{name}"' for name in columns)
    return f" WHEN ({same})" if same else ""


def quoted_tables(prefix: str) -> dict[str, str]:
    """Give the quoted full names of the tables, for statements."""
    naming = Naming(prefix)
    return {name: quote_name(naming.table(name)) for name in TOUCHED}
