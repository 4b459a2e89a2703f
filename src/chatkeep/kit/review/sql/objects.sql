SELECT o.kind, o.oid::int8, n.nspname, o.name
FROM (
    SELECT 'type' AS kind, t.oid, t.typnamespace AS namespace, t.typname::text AS name,
           'pg_catalog.pg_type'::regclass AS catalog
    FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    WHERE t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c'
    UNION ALL
    SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.oid, p.pronamespace,
           p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')',
           'pg_catalog.pg_proc'::regclass
    FROM pg_catalog.pg_proc p
) o
JOIN pg_catalog.pg_namespace n ON n.oid = o.namespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> ALL('{information_schema,drizzle,chatkeep}'::name[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = o.catalog AND d.objid = o.oid AND d.deptype = 'e')
UNION ALL
SELECT 'schema', n.oid::int8, '', n.nspname
FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname <> ALL('{information_schema,drizzle,chatkeep}'::name[])
