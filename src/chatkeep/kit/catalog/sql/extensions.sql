SELECT e.oid, e.extname, n.nspname,
       CASE WHEN e.extversion <> (SELECT a.default_version FROM pg_available_extensions() a WHERE a.name = e.extname)
            THEN e.extversion END AS version
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql'
  AND n.nspname <> ALL($1::text[])
