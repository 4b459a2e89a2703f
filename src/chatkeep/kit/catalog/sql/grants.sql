-- What differs from what every object of its kind gives: granted, and taken away.
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
  UNION ALL
  SELECT 1259, c.oid, a.attnum, n.nspname, c.relname, a.attname, c.relowner, a.attacl, 'c'
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
    AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
), usual AS (
  -- The connected role, unless it owns nothing here: then the one that owns most.
  SELECT coalesce(
    (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user AND r.oid IN (SELECT o.owner FROM objects o WHERE o.name <> 'public')),
    (SELECT o.owner FROM objects o WHERE o.class = 1259 GROUP BY o.owner ORDER BY count(*) DESC, o.owner LIMIT 1),
    (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)) AS owner
), entries AS (
  SELECT o.class, o.object, o.part, a.grantor, a.grantee, a.privilege_type, a.is_grantable, false AS usual
  FROM objects o, aclexplode(nullif(o.acl, '{}')) a
  UNION ALL
  SELECT o.class, o.object, o.part, a.grantor, a.grantee, a.privilege_type, a.is_grantable, true
  FROM objects o, aclexplode(CASE WHEN o.letter = 'c' THEN NULL WHEN o.class = 2615 AND o.name = 'public' THEN
         coalesce((SELECT i.initprivs FROM pg_init_privs i WHERE i.objoid = o.object AND i.classoid = 2615), acldefault(o.letter, o.owner))
         ELSE acldefault(o.letter, o.owner) END) a
  WHERE o.acl IS NOT NULL
), netted AS (
  SELECT class, object, part, grantee, privilege_type, bool_or(is_grantable AND NOT usual) AS grantable,
         bool_or(usual) AS usual, bool_or(NOT usual) AS given
  FROM entries GROUP BY class, object, part, grantee, privilege_type
)
SELECT o.class, o.object, o.part, o.schema, o.name, o.column_name, o.letter::text AS letter,
       CASE WHEN e.grantee = 0 THEN 'PUBLIC' WHEN e.grantee = o.owner AND o.owner = (SELECT owner FROM usual) THEN 'CURRENT_USER'
         ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS role,
       coalesce(array_agg(e.privilege_type ORDER BY e.privilege_type) FILTER (WHERE e.given AND NOT e.usual AND NOT e.grantable), '{}') AS granted,
       coalesce(array_agg(e.privilege_type ORDER BY e.privilege_type) FILTER (WHERE e.given AND NOT e.usual AND e.grantable), '{}') AS grantable,
       coalesce(array_agg(e.privilege_type ORDER BY e.privilege_type) FILTER (WHERE NOT e.given), '{}') AS revoked
FROM objects o
JOIN netted e ON e.class = o.class AND e.object = o.object AND e.part = o.part
WHERE NOT (e.given AND e.usual)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
