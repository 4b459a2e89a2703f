"""Views by which `@auth/pg-adapter` works on these tables: its SQL is fixed, and says other names.

    schema = deepsearch.schema(prefix="ai-app-template_", pg_adapter="authjs")

Four views with the adapter's names and columns stand in a database schema of their own, which the
adapter's connection finds by its search path. PostgreSQL turns what is written to a view into a
statement on its table, with the rights of whoever writes and under the policies that bind them.
"""

from chatkeep.errors import ConfigError
from chatkeep.schema.extras import Extra
from chatkeep.schema.naming import Naming, fits, quote_name

# The adapter asks for an `id` of accounts and sessions, which it only hands on. It is made from the
# row's key; that of a session does not tell the token.
#
# A session whose token chatkeep stored as a hash is not there for the adapter, which takes what a
# cookie says for the token itself: who has read the table could come in by the hash.
_VIEWS = {
    "users": (
        "user",
        """SELECT id, name, email, email_verified AS "emailVerified", image
FROM {table}""",
    ),
    "accounts": (
        "account",
        """SELECT (provider::text || ':') || provider_account_id::text AS id,
    user_id AS "userId", type, provider, provider_account_id AS "providerAccountId",
    refresh_token, access_token, expires_at, token_type, scope, id_token, session_state
FROM {table}""",
    ),
    "sessions": (
        "session",
        """SELECT encode(sha256(convert_to(session_token::text, 'UTF8')), 'hex') AS id,
    session_token AS "sessionToken", user_id AS "userId", expires
FROM {table} WHERE session_token NOT LIKE 'sha256:%'""",
    ),
    "verification_token": (
        "verification_token",
        """SELECT identifier, token, expires
FROM {table}""",
    ),
}
_KEPT = {"public", "information_schema", "chatkeep", "drizzle"}


def check_place(name: str) -> None:
    """Refuse what cannot be the name of the views' schema.

    Raises:
        ConfigError: It is empty, too long, or that of a schema which holds other things.
    """
    if not name or not fits(name) or name.startswith("pg_") or name in _KEPT:
        raise ConfigError(
            f'"{name}" cannot be the schema of the views for @auth/pg-adapter.',
            hint='Take one that holds nothing else, as in pg_adapter="authjs".',
        )


def adapter_extras(prefix: str, place: str) -> tuple[Extra, ...]:
    """Give the schema, its views, and the ids of users who are made through them.

    Args:
        prefix: Of the tables.
        place: Name of the database schema.
    """
    naming, schema = Naming(prefix), quote_name(place)
    made = Extra(
        "schema",
        place,
        f"CREATE SCHEMA IF NOT EXISTS {schema}",
        f"DROP SCHEMA IF EXISTS {schema}",
    )
    views = [
        Extra(
            "view",
            f"{place}.{name}",
            f"CREATE OR REPLACE VIEW {schema}.{name} WITH (security_invoker = true) AS\n"
            + query.format(table=quote_name(naming.table(table))),
            f"DROP VIEW IF EXISTS {schema}.{name}",
        )
        for name, (table, query) in _VIEWS.items()
    ]
    ids = Extra(
        "view",
        f"{place}.users.id",
        f"ALTER VIEW {schema}.users ALTER COLUMN id SET DEFAULT (gen_random_uuid())::text",
        f"ALTER VIEW IF EXISTS {schema}.users ALTER COLUMN id DROP DEFAULT",
    )
    return (made, *views, ids)
