SELECT e.oid, n.nspname, e.stxname, tn.nspname AS table_schema, t.relname AS table_name,
       pg_get_statisticsobjdef(e.oid) AS definition,
       CASE WHEN e.stxstattarget >= 0 THEN e.stxstattarget::int END AS target,
       array(SELECT k::text FROM unnest(e.stxkind) k ORDER BY 1) AS kinds,
       array(SELECT quote_ident(a.attname) FROM unnest(e.stxkeys::int2[]) k
             JOIN pg_attribute a ON a.attrelid = e.stxrelid AND a.attnum = k ORDER BY 1)
         || coalesce(pg_get_statisticsobjdef_expressions(e.oid), '{}') AS items
FROM pg_statistic_ext e
JOIN pg_namespace n ON n.oid = e.stxnamespace
JOIN pg_class t ON t.oid = e.stxrelid
JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
