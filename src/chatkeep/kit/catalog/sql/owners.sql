-- Objects of another owner than the role that owns most relations here. Stands behind objects.sql.
SELECT o.class, o.object, 0 AS part, o.schema, o.name, '' AS column_name, o.letter::text AS letter, quote_ident(pg_get_userbyid(o.owner)) AS role
FROM objects o
WHERE o.owner <> (SELECT owner FROM usual)
  AND NOT (o.class = 2615 AND o.name = 'public')
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE o.letter = 's' AND d.classid = 1259 AND d.objid = o.object AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i'))
