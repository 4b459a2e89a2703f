SELECT o.oid::int8, o.conname, o.contype::text, o.conrelid::int8, o.confrelid::int8, o.contypid::int8,
       o.convalidated, coalesce(o.conkey, '{}')::int4[], coalesce(o.confkey, '{}')::int4[], o.conindid::int8,
       o.conparentid <> 0
FROM pg_catalog.pg_constraint o
JOIN pg_catalog.pg_namespace n ON n.oid = o.connamespace
WHERE o.contype IN ('c', 'f', 'p', 'u', 'x')
  AND n.nspname !~ '^pg_' AND n.nspname <> ALL('{information_schema,drizzle,chatkeep}'::name[])
