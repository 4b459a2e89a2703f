-- The owner of most of the database is `CURRENT_USER` here too: see grants.sql.
WITH objects AS (
  SELECT c.relowner AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
), usual AS (
  SELECT coalesce(
    (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user AND r.oid IN (SELECT owner FROM objects)),
    (SELECT owner FROM objects GROUP BY owner ORDER BY count(*) DESC, owner LIMIT 1)) AS owner
)
SELECT p.oid, n.nspname, c.relname, p.polname, p.polpermissive,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
         ELSE 'ALL' END AS command,
       array(SELECT CASE WHEN r = 0 THEN 'PUBLIC'
               WHEN r = c.relowner AND r = (SELECT owner FROM usual) THEN 'CURRENT_USER' ELSE quote_ident(pg_get_userbyid(r)) END
             FROM unnest(p.polroles) r ORDER BY 1) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS using_expression, pg_get_expr(p.polwithcheck, p.polrelid) AS check_expression
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
  AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
