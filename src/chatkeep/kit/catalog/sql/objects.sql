-- What has an owner, and the role that owns as usual: stands before owners.sql and grants.sql.
WITH objects AS (
  SELECT 1259::int8 AS class, c.oid::int8 AS object, 0 AS part, n.nspname AS schema, c.relname::text AS name, ''::text AS column_name,
         c.relowner AS owner, c.relacl AS acl, CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END AS letter
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
    AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
  UNION ALL
  SELECT 1255, p.oid, 0, n.nspname, p.oid::regprocedure::text, '', p.proowner, p.proacl, 'f'
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
    AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype IN ('e', 'i'))
  UNION ALL
  SELECT 1247, t.oid, 0, n.nspname, t.typname, '', t.typowner, t.typacl, 'T'
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  WHERE t.typtype IN ('e', 'd', 'r', 'c') AND (t.typrelid = 0 OR EXISTS (SELECT 1 FROM pg_class k WHERE k.oid = t.typrelid AND k.relkind = 'c'))
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
    AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_type'::regclass AND x.objid = t.oid AND x.deptype = 'e')
  UNION ALL
  SELECT 2615, n.oid, 0, n.nspname, n.nspname, '', n.nspowner, n.nspacl, 'n'
  FROM pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
    AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_namespace'::regclass AND x.objid = n.oid AND x.deptype = 'e')
), usual AS (
  -- The connected role, unless it owns nothing here: then the one that owns most.
  SELECT coalesce(
    (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user AND r.oid IN (SELECT o.owner FROM objects o WHERE o.name <> 'public')),
    (SELECT o.owner FROM objects o WHERE o.class = 1259 GROUP BY o.owner ORDER BY count(*) DESC, o.owner LIMIT 1),
    (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)) AS owner
)
