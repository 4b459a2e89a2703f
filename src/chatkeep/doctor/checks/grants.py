"""Roles that may write a table, and not run a function that every such write runs."""

from collections.abc import Sequence

from chatkeep.doctor.check import Check
from chatkeep.doctor.checks.declared import cut, path_of
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place
from chatkeep.kit.plan.quoting import ident
from chatkeep.presets.deepsearch.searching import TEXT
from chatkeep.schema.naming import Naming

# The functions of a table's indexes, which a write runs with the rights of who writes, and those
# named in $2 for the table $1, which its readers run. Whoever has its rights from a role or from
# PUBLIC is helped through that.
_LACKING = """
with needed as (
  select distinct i.indrelid as relation, d.refobjid as function
  from pg_catalog.pg_index i
  join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass
    and d.objid = i.indexrelid and d.refclassid = 'pg_catalog.pg_proc'::regclass
  union
  select pg_catalog.to_regclass($1)::oid, p.oid from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname = $2 and p.proname = $3
), roles as (
  select r.oid, r.rolname::text as name from pg_catalog.pg_roles r
  where not r.rolsuper and r.rolname !~ '^pg_'
  union all select 0, 'public'
), lacking as (
  select s.relation, s.function, r.oid, r.name from needed s cross join roles r
  where s.relation is not null and (
      pg_catalog.has_any_column_privilege(r.name, s.relation, 'INSERT')
      or pg_catalog.has_any_column_privilege(r.name, s.relation, 'UPDATE'))
    and not pg_catalog.has_function_privilege(r.name, s.function, 'EXECUTE')
)
select n.nspname::text, c.relname::text, fn.nspname::text, p.proname::text,
  pg_catalog.pg_get_function_identity_arguments(p.oid), l.oid = 0, l.name
from lacking l
join pg_catalog.pg_class c on c.oid = l.relation
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_proc p on p.oid = l.function
join pg_catalog.pg_namespace fn on fn.oid = p.pronamespace
where not exists (
  select from lacking o
  where o.relation = l.relation and o.function = l.function and o.oid <> l.oid
    and case when o.oid = 0 then true when l.oid = 0 then false
             else pg_catalog.pg_has_role(l.oid, o.oid, 'USAGE') end)
order by 1, 2, 6 desc, 7, 3, 4
"""


async def _look(place: Place) -> Sequence[Found]:
    tables = await place.tables()
    mends: dict[tuple[str, str, str], list[str]] = {}
    messages = place.table_of("messages", "user_id", "content")
    schema, name = path_of(messages) if messages is not None else ("", "")
    text = cut(Naming(name.removesuffix("message")).other(TEXT))
    on = ident(schema, name) if name else None
    for row in await place.fetch(_LACKING, on, schema, text):
        path, function, arguments, is_public, role = (row[0], row[1]), row[2:4], *row[4:]
        if path not in tables:
            continue
        who = "PUBLIC" if is_public else ident(role)
        mend = f"GRANT EXECUTE ON FUNCTION {ident(*function)}({arguments}) TO {who};"
        mends.setdefault((who, *path), []).append(mend)
    return [
        Found(
            f"role {who}",
            f"It may write table {ident(*path)}, and not run the functions of its indexes or search.",
            "\n".join(commands),
        )
        for (who, *path), commands in mends.items()
    ]


CHECKS = (
    Check(
        "execute-missing",
        Severity.ERROR,
        "What the role writes is refused: permission denied for the function.",
        _look,
    ),
)
