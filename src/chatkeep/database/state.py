"""Does the database hold what the schema describes? One statement on the catalog tells."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any

from sqlalchemy import DateTime, Text, bindparam, text

from chatkeep.engine.compile import Statement, compile_statement
from chatkeep.engine.run import Runner
from chatkeep.errors import SchemaMismatchError
from chatkeep.schema.schema import Schema
from chatkeep.schema.security import secured_tables

# Everything that is visible under the search path, as the statements will see it. No arrays: the
# driver asks for their types before it can read them, at each new connection.
_COLUMNS: Statement = compile_statement(
    "database.columns",
    text(
        "select c.relname::text, a.attname::text, a.atttypid::int8 from pg_catalog.pg_class c "
        "join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 "
        "and not a.attisdropped "
        "where c.relname = any(string_to_array(:tables, chr(10))) "
        "and c.relkind in ('r', 'p', 'v', 'f') and pg_catalog.pg_table_is_visible(c.oid)"
    ).bindparams(bindparam("tables", type_=Text())),
)


# Roles, and whether row security is in force where the schema says so: without it a scope would not
# be what it promises.
_SECURITY: Statement = compile_statement(
    "database.security",
    text(
        "select role.oid is not null and pg_catalog.pg_has_role(current_user, role.oid, "
        "case when current_setting('server_version_num')::int < 160000 then 'MEMBER' else 'SET' end"
        "), role.oid is not null, "
        "role.rolsuper or role.rolbypassrls, "
        "exists (select from pg_catalog.pg_class c "
        "where c.relname = any(string_to_array(:tables, chr(10))) "
        "and pg_catalog.pg_table_is_visible(c.oid) "
        "and pg_catalog.pg_has_role(role.oid, c.relowner, 'USAGE')), "
        "(select count(*) from pg_catalog.pg_class c where c.relrowsecurity "
        "and c.relname = any(string_to_array(:tables, chr(10))) "
        "and pg_catalog.pg_table_is_visible(c.oid) and exists (select from pg_catalog.pg_policy p "
        "where p.polrelid = c.oid and role.oid = any(p.polroles))) "
        "from (select) as one left join pg_catalog.pg_roles role on role.rolname = :role"
    ).bindparams(bindparam("tables", type_=Text()), bindparam("role", type_=Text())),
)


_TIMESTAMP_OID = 1114  # timestamp without time zone, in every PostgreSQL


class State(Enum):
    """What the database holds of a schema."""

    EMPTY = "none of the tables"
    READY = "all tables and columns"


async def check_state(runner: Runner, schema: Schema[Any, Any, Any, Any]) -> State:
    """Compare the database's tables and columns with the schema's.

    Raises:
        SchemaMismatchError: Some tables or columns are there and some are not, as in a database
            in the seed's edition, or times have no zone yet, as before the maps preset's contract.
    """
    names = "\n".join(table.name for table in schema.tables.values())
    present: dict[str, dict[str, int]] = {}
    for table_name, column_name, type_oid in await runner.fetch(_COLUMNS, [names]):
        present.setdefault(table_name, {})[column_name] = type_oid
    if not present:
        return State.EMPTY
    hint = _EARLIER if _is_akin(schema, present) else _STRANGE
    for table in schema.tables.values():
        if table.name not in present:
            raise SchemaMismatchError(
                f'The database lacks the table "{table.name}" of the schema.', hint=hint
            )
        for column in table.columns:
            if column.name not in present[table.name]:
                raise SchemaMismatchError(
                    f'The database lacks the column "{column.name}" of the table "{table.name}".',
                    hint=hint,
                )
            zoned = isinstance(column.type, DateTime) and column.type.timezone
            if zoned and present[table.name][column.name] == _TIMESTAMP_OID:
                raise SchemaMismatchError(
                    f'The column "{column.name}" of the table "{table.name}" holds times without '
                    "a zone, which would be read and written wrong.",
                    hint=hint,
                )
    if schema.security == "rls":
        await _check_security(runner, schema)
    return State.READY


async def _check_security(runner: Runner, schema: Schema[Any, Any, Any, Any]) -> None:
    """Refuse a database that would not keep users apart as the schema says.

    Raises:
        SchemaMismatchError: The role is missing, not bound by policies, or not for this login; or
            a table has no policy for it.
    """
    tables = secured_tables(schema.tables)
    names, role = "\n".join(table.name for table in tables), schema.app_role
    given = _SECURITY.arguments({"tables": names, "role": role})
    ((may_become, is_there, is_unbound, is_owner, secured),) = await runner.fetch(_SECURITY, given)
    if not is_there or secured < len(tables):
        raise SchemaMismatchError(
            "The schema has row-level security, and the database lacks the role or policies.",
            hint="Run `chatkeep generate && chatkeep migrate`; where those have nothing to do, "
            "`chatkeep doctor` says what is missing.",
        )
    if is_unbound:
        raise SchemaMismatchError(
            f'Row-level security does not bind the role "{role}": it is a superuser, or BYPASSRLS.',
            hint=f'ALTER ROLE "{role}" NOSUPERUSER NOBYPASSRLS;',
        )
    if is_owner:
        raise SchemaMismatchError(
            f'Row-level security does not bind the role "{role}": it owns the tables, or is a '
            "member of their owner, whom a policy shows every row.",
            hint="Give the schema an `app_role` of its own, which no owner of tables is behind.",
        )
    if not may_become:
        raise SchemaMismatchError(
            f'The role of this connection may not become "{role}", under which scopes run.',
            hint=f'Let somebody who may: GRANT "{role}" TO the role of this connection.',
        )


def empty_database() -> SchemaMismatchError:
    """Give the error for a database without any of the tables."""
    return SchemaMismatchError(
        "The database holds none of the schema's tables.",
        hint="Run `chatkeep migrate`; without migrations yet, `chatkeep generate` first.",
    )


_EARLIER = (
    "It holds an earlier state, such as the seed's own edition: "
    "run `chatkeep generate && chatkeep migrate`. Where those have nothing to do, `chatkeep doctor` "
    "says what is missing and what brings it back."
)
_STRANGE = (
    "What it has of these names seems to be another project's: give the schema a `prefix` of its "
    "own, or another database. If the tables are yours, `chatkeep baseline` compares them with your "
    "migrations."
)


_FEW = 4  # columns that anybody's table may have: id, user_id, name, created_at


def _is_akin(schema: Schema[Any, Any, Any, Any], present: Mapping[str, Mapping[str, int]]) -> bool:
    """Say whether the tables that are there look like the schema's in an earlier state.

    An earlier state has most of the columns of each table, or some of them and no others, and of
    one table a good part: another project's `users` has an `id` and an `email` in common with ours.
    """
    pairs = [
        (present[table.name].keys(), {column.name for column in table.columns})
        for table in schema.tables.values()
        if table.name in present
    ]
    return all(_is_most(there, ours) or there <= ours for there, ours in pairs) and any(
        _is_most(there, ours) or (there <= ours and len(there) > _FEW) for there, ours in pairs
    )


def _is_most(there: AbstractSet[str], ours: AbstractSet[str]) -> bool:
    return 2 * len(there & ours) > len(ours)
