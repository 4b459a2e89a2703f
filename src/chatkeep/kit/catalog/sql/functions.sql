SELECT p.oid, n.nspname, p.proname, pg_get_function_identity_arguments(p.oid) AS arguments,
       p.prokind = 'p' AS procedure, pg_get_functiondef(p.oid) AS definition,
       coalesce(pg_get_function_result(p.oid), '') AS result, pg_get_function_arguments(p.oid) AS signature,
       CASE WHEN l.lanname = 'sql' AND p.prosqlbody IS NULL THEN p.prosrc
            WHEN l.lanname = 'plpgsql' THEN substring(p.prosrc from '(?i)declare.*?begin') END AS checked
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE p.prokind IN ('f', 'p')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
  AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype IN ('e', 'i'))
