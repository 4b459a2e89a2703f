"""Triggers for databases to which code written for the seed goes on writing."""

from chatkeep.schema.naming import Naming
from chatkeep.schema.schema import Extra
from chatkeep.schema.triggers import TOUCH, function, trigger

FILL_VERIFIED = """
BEGIN
    NEW."email_verified" := coalesce(NEW."email_verified", false);
    RETURN NEW;
END
"""


def fill_verified_extras(prefix: str) -> tuple[Extra, ...]:
    """Give what turns a NULL in `email_verified`, which the seed allows, into false."""
    naming = Naming(prefix)
    name = naming.other("users_fill_email_verified")
    when = "BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW"
    return (
        function(name, FILL_VERIFIED),
        trigger(name, naming.table("users"), when, name),
    )


def seed_writer_extras(prefix: str) -> tuple[Extra, ...]:
    """Give everything that old code needs beside the hardened tables."""
    naming = Naming(prefix)
    touch = naming.other("touch_updated_at")
    triggers = tuple(
        trigger(
            naming.other(f"{table}_touch"),
            naming.table(table),
            "BEFORE UPDATE ON {table} FOR EACH ROW",
            touch,
        )
        for table in ("users", "sessions")
    )
    return (*fill_verified_extras(prefix), function(touch, TOUCH), *triggers)
