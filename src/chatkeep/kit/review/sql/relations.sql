SELECT c.oid::int8, n.nspname, c.relname, c.relkind::text, pg_catalog.pg_relation_filenode(c.oid)::int8,
       c.relpersistence::text, c.relispartition, coalesce(i.indrelid, 0)::int8,
       coalesce(i.indisunique, false), coalesce(i.indisprimary, false), coalesce(i.indisexclusion, false),
       coalesce(i.indisvalid, true), coalesce(i.indnkeyatts, 0)::int4,
       coalesce(i.indkey::int2[]::int4[], '{}'), i.indpred IS NOT NULL
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f', 'i', 'I', 'S')
  AND n.nspname !~ '^pg_' AND n.nspname <> ALL('{information_schema,drizzle,chatkeep}'::name[])
