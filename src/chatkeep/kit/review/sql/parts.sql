SELECT a.attrelid::int8, c.relkind::text, c.reltype::int8, n.nspname, c.relname,
       array_agg(a.attname::text ORDER BY a.attnum), array_agg(a.attnum::int4 ORDER BY a.attnum)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm', 'c') AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname !~ '^pg_' AND n.nspname <> ALL('{information_schema,drizzle,chatkeep}'::name[])
GROUP BY 1, 2, 3, 4, 5
