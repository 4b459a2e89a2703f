SELECT co.oid, co.conindid, n.nspname, c.relname, co.conname, co.contype::text AS type,
       pg_get_constraintdef(co.oid) AS definition,
       CASE WHEN co.contype = 'c' THEN pg_get_expr(co.conbin, co.conrelid) END AS expression,
       array(SELECT a.attname::text FROM unnest(co.conkey) WITH ORDINALITY k(num, ord)
             JOIN pg_attribute a ON a.attrelid = co.conrelid AND a.attnum = k.num ORDER BY k.ord) AS columns,
       array(SELECT a.attname::text FROM unnest(i.indkey[i.indnkeyatts:]) WITH ORDINALITY k(num, ord)
             JOIN pg_attribute a ON a.attrelid = co.conrelid AND a.attnum = k.num ORDER BY k.ord) AS include,
       coalesce(i.indnullsnotdistinct, false) AS nulls_not_distinct,
       co.condeferrable, coalesce(array(SELECT o FROM unnest(ic.reloptions) o ORDER BY o), '{}') AS options, co.convalidated,
       fn.nspname AS target_schema, f.relname AS target_table,
       array(SELECT a.attname::text FROM unnest(co.confkey) WITH ORDINALITY k(num, ord)
             JOIN pg_attribute a ON a.attrelid = co.confrelid AND a.attnum = k.num ORDER BY k.ord) AS target_columns,
       co.confdeltype::text AS on_delete, co.confupdtype::text AS on_update, co.confmatchtype::text AS match,
       co.confdelsetcols IS NOT NULL AS some_columns,
       c.relkind = 'p' AS partitioned,
       (SELECT ARRAY[wn.nspname::text, w.relname::text] FROM pg_inherits h JOIN pg_class w ON w.oid = h.inhparent
        JOIN pg_namespace wn ON wn.oid = w.relnamespace WHERE h.inhrelid = ic.oid) AS whole
FROM pg_constraint co
JOIN pg_class c ON c.oid = co.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class f ON f.oid = co.confrelid
LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
LEFT JOIN pg_class ic ON ic.oid = co.conindid AND co.contype IN ('p', 'u', 'x')
LEFT JOIN pg_index i ON i.indexrelid = ic.oid
WHERE co.contype IN ('p', 'u', 'c', 'x', 'f') AND (co.conparentid = 0 OR co.contype <> 'f')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
  AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
