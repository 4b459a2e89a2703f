"""Functions and triggers as extras of a schema."""

from chatkeep.schema.naming import quote_name
from chatkeep.schema.schema import Extra


def function(name: str, body: str) -> Extra:
    """Give a trigger function in PL/pgSQL.

    It finds nothing through the caller's search path: what is not in `pg_catalog` is addressed
    with the schema of the trigger's own table.

    Args:
        name: In PostgreSQL, with the prefix.
        body: From DECLARE or BEGIN to END.
    """
    quoted = quote_name(name)
    return Extra(
        "function",
        name,
        f"CREATE OR REPLACE FUNCTION {quoted}() RETURNS trigger LANGUAGE plpgsql\n"
        f"SET search_path = pg_catalog, pg_temp AS $chatkeep$\n{body.strip()}\n$chatkeep$",
        f"DROP FUNCTION IF EXISTS {quoted}()",
    )


def trigger(name: str, table: str, when: str, function_name: str) -> Extra:
    """Give a trigger.

    Args:
        name: In PostgreSQL, with the prefix.
        table: Full name of its table.
        when: From BEFORE or AFTER to FOR EACH, with `{table}` where the table's name goes.
        function_name: Full name of its function.
    """
    quoted = quote_name(table)
    return Extra(
        "trigger",
        name,
        f"CREATE OR REPLACE TRIGGER {quote_name(name)} {when.format(table=quoted)}\n"
        f"EXECUTE FUNCTION {quote_name(function_name)}()",
        f"DROP TRIGGER IF EXISTS {quote_name(name)} ON {quoted}",
    )


# A writer that set the time itself is believed; one that did not gets the time of its transaction.
TOUCH = """
BEGIN
    IF NEW."updated_at" IS NOT DISTINCT FROM OLD."updated_at" THEN
        NEW."updated_at" := greatest(OLD."updated_at", CURRENT_TIMESTAMP);
    END IF;
    RETURN NEW;
END
"""
