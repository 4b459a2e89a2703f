SELECT a.attrelid::int8, a.attnum::int4, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
       a.atttypid::int8,
       t.typnotnull OR a.attnotnull AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_constraint o
           WHERE o.conrelid = a.attrelid AND o.contype = 'n' AND NOT o.convalidated
             AND a.attnum = ANY (o.conkey)) AS not_null,
       a.attnotnull, a.atthasdef, a.attidentity::text, a.attgenerated::text
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname !~ '^pg_' AND n.nspname <> ALL('{information_schema,drizzle,chatkeep}'::name[])
