SELECT o.oid, n.nspname, o.collname, o.collprovider::text AS provider, o.collisdeterministic AS deterministic,
       coalesce(to_jsonb(o) ->> 'colllocale', to_jsonb(o) ->> 'colliculocale') AS locale,
       o.collcollate AS lc_collate, o.collctype AS lc_ctype, to_jsonb(o) ->> 'collicurules' AS rules
FROM pg_collation o
JOIN pg_namespace n ON n.oid = o.collnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
  AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_collation'::regclass AND x.objid = o.oid AND x.deptype = 'e')
