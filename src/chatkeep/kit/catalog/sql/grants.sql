-- What differs from what every object of its kind gives: granted, and taken away. Stands behind
-- objects.sql, and adds the columns that have rights of their own.
, targets AS (
  SELECT * FROM objects
  UNION ALL
  SELECT 1259, c.oid, a.attnum, n.nspname, c.relname, a.attname, c.relowner, a.attacl, 'c'
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
    AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
), entries AS (
  SELECT o.class, o.object, o.part, a.grantor, a.grantee, a.privilege_type, a.is_grantable, false AS usual
  FROM targets o, aclexplode(nullif(o.acl, '{}')) a
  UNION ALL
  SELECT o.class, o.object, o.part, a.grantor, a.grantee, a.privilege_type, a.is_grantable, true
  FROM targets o, aclexplode(CASE WHEN o.letter = 'c' THEN NULL WHEN o.class = 2615 AND o.name = 'public' THEN
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
FROM targets o
JOIN netted e ON e.class = o.class AND e.object = o.object AND e.part = o.part
WHERE NOT (e.given AND e.usual)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
