"""Dead rows, missing statistics, and how near transaction ids are to their end."""

from collections.abc import Sequence

from chatkeep.doctor.check import Check
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place
from chatkeep.kit.plan.quoting import ident

_DEAD = """
select schemaname::text, relname::text, n_dead_tup::int8, n_live_tup::int8,
  last_vacuum is null and last_autovacuum is null
from pg_catalog.pg_stat_user_tables order by n_dead_tup desc, 1, 2
"""
_UNKNOWN = """
select schemaname::text, relname::text, n_mod_since_analyze::int8
from pg_catalog.pg_stat_user_tables
where last_analyze is null and last_autoanalyze is null order by 3 desc, 1, 2
"""
_OFF = """
select n.nspname::text, c.relname::text from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and exists (
  select from pg_catalog.pg_options_to_table(c.reloptions)
  where option_name = 'autovacuum_enabled' and option_value in ('false', 'off', 'no', '0', 'f'))
order by 1, 2
"""
# A TOAST table counts for its table; VACUUM of the one does both.
_AGES = """
select n.nspname::text, c.relname::text,
  greatest(age(c.relfrozenxid), age(t.relfrozenxid), mxid_age(c.relminmxid),
           mxid_age(t.relminmxid))::int8 as old
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_class t on t.oid = c.reltoastrelid
where c.relkind in ('r', 'm') and n.nspname !~ '^pg_temp_'
order by old desc, 1, 2 limit 20
"""
_CRITICAL = 1_500_000_000  # PostgreSQL refuses writes some 2.1 thousand million behind


async def _dead(place: Place) -> Sequence[Found]:
    limits, tables = place.limits, await place.tables()
    found: list[Found] = []
    for schema, name, dead, live, is_never in await place.fetch(_DEAD):
        share = dead / max(dead + live, 1)
        if (schema, name) in tables and dead >= limits.dead_rows and share >= limits.dead_share:
            never = " It was never vacuumed." if is_never else ""
            table = ident(schema, name)
            message = f"{dead} of its rows are dead, {share:.0%} of all.{never}"
            found.append(Found(f"table {table}", message, f"VACUUM (ANALYZE) {table};"))
    return found


async def _unknown(place: Place) -> Sequence[Found]:
    tables = await place.tables()
    return [
        Found(
            f"table {ident(schema, name)}",
            f"It was never analyzed, and {changed} of its rows changed.",
            f"ANALYZE {ident(schema, name)};",
        )
        for schema, name, changed in await place.fetch(_UNKNOWN)
        if (schema, name) in tables and changed >= place.limits.dead_rows
    ]


async def _off(place: Place) -> Sequence[Found]:
    tables, found = await place.tables(), list[Found]()
    for name in ("autovacuum", "track_counts"):
        if (await place.fetch("select current_setting($1)", name))[0][0] == "off":
            mend = f"ALTER SYSTEM SET {name} = on;\nSELECT pg_reload_conf();"
            message = "It is off, so nothing is vacuumed by itself."
            found.append(Found(f"setting {name}", message, mend, severity=Severity.ERROR))
    for schema, name in await place.fetch(_OFF):
        if (schema, name) in tables:
            table = ident(schema, name)
            mend = f"ALTER TABLE {table} RESET (autovacuum_enabled);"
            found.append(Found(f"table {table}", "Autovacuum is switched off for it.", mend))
    return found


async def _ages(place: Place) -> Sequence[Found]:
    return [
        Found(
            f"table {ident(schema, name)}",
            f"Its oldest row is {age} transactions old.",
            f"VACUUM (FREEZE) {ident(schema, name)};",
            severity=Severity.ERROR if age >= _CRITICAL else None,
        )
        for schema, name, age in await place.fetch(_AGES)
        if age >= place.limits.transaction_age
    ]


CHECKS = (
    Check(
        "dead-rows",
        Severity.WARNING,
        "Dead rows are read and passed over by every scan.",
        _dead,
    ),
    Check(
        "never-analyzed",
        Severity.WARNING,
        "Without statistics the planner guesses, and reads whole tables.",
        _unknown,
    ),
    Check(
        "autovacuum-off",
        Severity.WARNING,
        "Dead rows pile up, and at the end of the transaction ids PostgreSQL refuses writes.",
        _off,
    ),
    Check(
        "transaction-age",
        Severity.WARNING,
        "PostgreSQL refuses every write before its transaction ids come round.",
        _ages,
    ),
)
