SELECT n.nspname, c.relname,
       CASE WHEN c.relkind = 'p'
            THEN (SELECT sum(p.reltuples) FILTER (WHERE p.reltuples >= 0)
                  FROM pg_catalog.pg_partition_tree(c.oid) t JOIN pg_catalog.pg_class p ON p.oid = t.relid
                  WHERE t.isleaf)
            WHEN c.reltuples < 0 AND pg_catalog.pg_relation_size(c.oid) = 0 THEN 0
            WHEN c.reltuples >= 0 THEN c.reltuples END::float8,
       CASE WHEN c.relkind = 'p'
            THEN (SELECT coalesce(sum(pg_catalog.pg_total_relation_size(t.relid)), 0)
                  FROM pg_catalog.pg_partition_tree(c.oid) t)
            ELSE pg_catalog.pg_total_relation_size(c.oid) END::int8
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN unnest($1::text[], $2::text[]) AS wanted (schema, name)
  ON wanted.schema = n.nspname AND wanted.name = c.relname
WHERE c.relkind IN ('r', 'p', 'm', 'f')
