"""Row-level security of a schema: the application role, its grants and the policies, as extras.

Two policies for each table. Under the application role a row is seen and written by the user who is
named by `chatkeep.user_id`, and by nobody while that is empty or missing. The tables' owner, and who
inherits from it, sees all: FORCE binds the owner too, and trusted code runs as it.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Table

from chatkeep.errors import ConfigError
from chatkeep.schema.extras import Extra
from chatkeep.schema.naming import fits, quote_name, quote_text
from chatkeep.schema.statements import block

SETTING = "chatkeep.user_id"
ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")

# NULL in a session that never knew the setting, and empty in one that did.
_USER = f"nullif(current_setting('{SETTING}', true), '')"


def check_role(name: str) -> None:
    """Refuse what cannot be the name of a role.

    Raises:
        ConfigError: It is empty, too long, or a word that PostgreSQL keeps for itself.
    """
    if not name or not fits(name) or name.startswith("pg_") or name in {"none", "public"}:
        raise ConfigError(
            f'"{name}" cannot be the name of the application role.',
            hint="Take at most 63 bytes, not beginning with pg_, and not `none` or `public`.",
        )


def security_extras(
    tables: Mapping[str, Table], role: str, grants: Mapping[str, tuple[str, ...]]
) -> tuple[Extra, ...]:
    """Give role, row security, policies and grants.

    Args:
        tables: By attribute. Those with a column `user_id` belong to users, and `users` itself.
        role: The application role.
        grants: What the role may do with a table, where that is not everything.
    """
    extras = [_role(role)]
    for name, table in tables.items():
        owner = _owner(name, table)
        if owner is not None:
            extras += _of_table(table.name, owner.name, role)
            extras += _granted(table.name, role, grants.get(name, ALL))
    return tuple(extras)


def secured_tables(tables: Mapping[str, Table]) -> list[Table]:
    """Give the tables whose rows belong to users."""
    return [table for name, table in tables.items() if _owner(name, table) is not None]


def _owner(name: str, table: Table) -> Column[Any] | None:
    """Give the column that names whose a row is."""
    return table.c.get("id" if name == "users" else "user_id")


def _of_table(table: str, column: str, role: str) -> list[Extra]:
    on, owner = quote_name(table), f"{quote_name(column)} = {_USER}"
    return [
        Extra(
            "row security",
            table,
            f"ALTER TABLE {on} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {on} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY",
        ),
        Extra(
            "policy",
            f"{table}.own",
            f"CREATE POLICY own ON {on} TO {quote_name(role)} USING ({owner})",
            f"DROP POLICY IF EXISTS own ON {on}",
        ),
        Extra(
            "policy",
            f"{table}.trusted",
            f"CREATE POLICY trusted ON {on} TO CURRENT_USER USING (true)",
            f"DROP POLICY IF EXISTS trusted ON {on}",
        ),
    ]


def _granted(table: str, role: str, privileges: tuple[str, ...]) -> list[Extra]:
    if not privileges:
        return []
    words, on = ", ".join(privileges), f"ON {quote_name(table)}"
    return [
        Extra(
            "grant",
            f"{table}.{role}",
            f"GRANT {words} {on} TO {quote_name(role)}",
            f"REVOKE {words} {on} FROM {quote_name(role)}",
        )
    ]


# A role belongs to the server: another database may have made it, and may need it still. Whoever
# migrates need not be whom it serves: `Database` says when it is opened who lacks the grant.
_MAKE_ROLE = """    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) THEN
        BEGIN
            CREATE ROLE {role} NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    needed := CASE WHEN current_setting('server_version_num')::int < 160000
        THEN 'MEMBER' ELSE 'SET' END;
    IF NOT pg_has_role(CURRENT_USER, {name}, needed) THEN
        BEGIN
            GRANT {role} TO CURRENT_USER;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'somebody else made the role and has to grant it to whom it shall serve';
        END;
    END IF;"""


def _role(role: str) -> Extra:
    sql = _MAKE_ROLE.format(name=quote_text(role), role=quote_name(role))
    return Extra(
        "role",
        role,
        block(sql, "    needed text;"),
        f"DROP ROLE IF EXISTS {quote_name(role)}",
    )
