-- granted, and what was taken of that which PostgreSQL gives by itself (in no schema of its own).
WITH entries AS (
  SELECT d.oid, a.grantee, a.privilege_type, a.is_grantable, false AS usual
  FROM pg_default_acl d, aclexplode(nullif(d.defaclacl, '{}')) a
  UNION ALL
  SELECT d.oid, a.grantee, a.privilege_type, a.is_grantable, true
  FROM pg_default_acl d, aclexplode(acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)) a
  WHERE d.defaclnamespace = 0
), netted AS (
  SELECT oid, grantee, privilege_type, bool_or(is_grantable) AS grantable, bool_or(usual) AS usual, bool_or(NOT usual) AS given
  FROM entries GROUP BY oid, grantee, privilege_type
)
SELECT CASE WHEN d.defaclrole = (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user) THEN ''
         ELSE quote_ident(pg_get_userbyid(d.defaclrole)) END AS maker,
       coalesce(n.nspname, '') AS schema,
       CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
         WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS objects,
       CASE WHEN e.grantee = 0 THEN 'PUBLIC' WHEN e.grantee = d.defaclrole THEN 'CURRENT_USER'
         ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS role,
       coalesce(array_agg(e.privilege_type ORDER BY e.privilege_type) FILTER (WHERE e.given AND NOT e.usual AND NOT e.grantable), '{}') AS granted,
       coalesce(array_agg(e.privilege_type ORDER BY e.privilege_type) FILTER (WHERE e.given AND NOT e.usual AND e.grantable), '{}') AS grantable,
       coalesce(array_agg(e.privilege_type ORDER BY e.privilege_type) FILTER (WHERE NOT e.given), '{}') AS revoked
FROM pg_default_acl d
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
JOIN netted e ON e.oid = d.oid
WHERE (n.nspname IS NULL OR n.nspname <> ALL($1::text[])) AND NOT (e.given AND e.usual)
GROUP BY 1, 2, 3, 4
