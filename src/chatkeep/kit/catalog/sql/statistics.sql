SELECT e.oid, n.nspname, e.stxname, tn.nspname AS table_schema, t.relname AS table_name,
       pg_get_statisticsobjdef(e.oid) AS definition,
       CASE WHEN e.stxstattarget >= 0 THEN e.stxstattarget::int END AS target
FROM pg_statistic_ext e
JOIN pg_namespace n ON n.oid = e.stxnamespace
JOIN pg_class t ON t.oid = e.stxrelid
JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
