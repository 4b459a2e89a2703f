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


# The seed's sessions have no token: there the cookie carries the id.
FILL_IN = """
BEGIN
    NEW."token" := coalesce(NEW."token", NEW."id");
    RETURN NEW;
END
"""


def filling_extras(prefix: str) -> tuple[Extra, ...]:
    """Give what turns a NULL in `email_verified`, which the seed allows, into false; and tokens."""
    naming = Naming(prefix)
    verified, token = naming.other("users_fill_email_verified"), naming.other("sessions_fill_token")
    when = "BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW"
    return (
        function(verified, FILL_VERIFIED),
        trigger(verified, naming.table("users"), when, verified),
        function(token, FILL_IN),
        trigger(token, naming.table("sessions"), when, token),
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
    return (*filling_extras(prefix), function(touch, TOUCH), *triggers)
