SELECT d.classoid::int8 AS class, d.objoid::int8 AS object, d.objsubid AS part, d.description,
       (SELECT ARRAY[n.nspname::text, c.relname::text, a.attname::text]
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid
        WHERE d.classoid = 'pg_class'::regclass AND d.objsubid > 0 AND c.oid = d.objoid) AS column_path,
       (SELECT ARRAY[n.nspname::text, t.typname::text, k.conname::text]
        FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE d.classoid = 'pg_constraint'::regclass AND k.oid = d.objoid AND k.contype = 'c') AS domain_path,
       o.type, coalesce(o.schema, '') AS schema, o.identity
FROM pg_description d
CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) o
WHERE d.objoid >= 16384
  AND d.classoid <> 'pg_extension'::regclass  -- they come with the extension's files, as these do:
  AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = d.classoid AND x.objid = d.objoid AND x.deptype = 'e')
  AND coalesce(o.schema, '') <> ALL($1::text[])
