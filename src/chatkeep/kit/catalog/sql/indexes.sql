SELECT c.oid, n.nspname, c.relname, t.relname AS relation, t.relkind = 'm' AS on_view,
       pg_get_indexdef(c.oid) AS definition, am.amname, i.indisunique, i.indnullsnotdistinct,
       coalesce(array(SELECT o FROM unnest(c.reloptions) o ORDER BY o), '{}') AS options,
       pg_get_expr(i.indpred, i.indrelid) AS predicate,
       array(SELECT pg_get_indexdef(c.oid, k, false) FROM generate_series(1, i.indnkeyatts) k ORDER BY k) AS expressions,
       array(SELECT coalesce(a.attname::text, '') FROM generate_series(0, i.indnatts - 1) k
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k] AND i.indkey[k] > 0
             ORDER BY k) AS columns,
       array(SELECT i.indoption[k]::int FROM generate_series(0, i.indnkeyatts - 1) k ORDER BY k) AS flags,
       array(SELECT CASE WHEN NOT oc.opcdefault OR ia.attoptions IS NOT NULL
                    THEN quote_ident(ocn.nspname) || '.' || quote_ident(oc.opcname)
                         || coalesce('(' || array_to_string(ia.attoptions, ', ') || ')', '') ELSE '' END
             FROM generate_series(0, i.indnkeyatts - 1) k
             JOIN pg_opclass oc ON oc.oid = i.indclass[k]
             JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace
             JOIN pg_attribute ia ON ia.attrelid = c.oid AND ia.attnum = k + 1
             ORDER BY k) AS classes,
       array(SELECT CASE WHEN co.oid IS NOT NULL AND co.oid <> ct.typcollation
                          AND (a.attnum IS NULL OR co.oid <> a.attcollation)
                    THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
                    WHEN co.oid IS NOT NULL AND a.attnum IS NOT NULL AND co.oid <> a.attcollation
                    THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) ELSE '' END
             FROM generate_series(0, i.indnkeyatts - 1) k
             JOIN pg_attribute ia ON ia.attrelid = c.oid AND ia.attnum = k + 1
             JOIN pg_type ct ON ct.oid = ia.atttypid
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k] AND i.indkey[k] > 0
             LEFT JOIN pg_collation co ON co.oid = i.indcollation[k]
             LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
             ORDER BY k) AS collations,
       array(SELECT ARRAY[ia.attnum::int, ia.attstattarget::int] FROM pg_attribute ia
             WHERE ia.attrelid = c.oid AND ia.attstattarget >= 0 ORDER BY ia.attnum) AS statistics,
       t.relkind = 'p' AS partitioned,
       (SELECT ARRAY[wn.nspname::text, w.relname::text] FROM pg_inherits h JOIN pg_class w ON w.oid = h.inhparent
        JOIN pg_namespace wn ON wn.oid = w.relnamespace WHERE h.inhrelid = c.oid) AS whole
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am am ON am.oid = c.relam
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT 1 FROM pg_constraint x WHERE x.conindid = c.oid AND x.contype IN ('p', 'u', 'x'))
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
  AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = t.oid AND x.deptype = 'e')
