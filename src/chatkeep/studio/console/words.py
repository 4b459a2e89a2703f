"""What the editor completes: tables, columns and functions of the schemas that the role may use."""

import asyncpg

_COLUMNS = """
select n.nspname::text, c.relname::text, pg_catalog.pg_table_is_visible(c.oid),
    array_agg(a.attname::text order by a.attnum),
    array_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) order by a.attnum)
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
    and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    and pg_catalog.has_schema_privilege(n.oid, 'usage')
group by n.nspname, c.relname, c.oid
order by n.nspname, c.relname
limit 3000
"""
_FUNCTIONS = """
select distinct n.nspname::text, p.proname::text, pg_catalog.pg_function_is_visible(p.oid)
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    and d.objid = p.oid and d.deptype = 'e'
where n.nspname <> 'information_schema' and n.nspname !~ '^pg_' and d.objid is null
    and p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype
    and pg_catalog.has_schema_privilege(n.oid, 'usage')
order by 1, 2
limit 1000
"""


async def words(connection: asyncpg.Connection) -> dict[str, object]:
    """Give `tables` (schema, name, visible, columns as name and type) and `functions`.

    Bounded: 3000 tables, 1000 functions; those of extensions and of PostgreSQL are left out.
    """
    tables = [
        {
            "schema": row[0],
            "name": row[1],
            "visible": row[2],
            "columns": list(zip(row[3], row[4], strict=True)),
        }
        for row in await connection.fetch(_COLUMNS)
    ]
    functions = [
        {"schema": row[0], "name": row[1], "visible": row[2]}
        for row in await connection.fetch(_FUNCTIONS)
    ]
    return {"tables": tables, "functions": functions}
