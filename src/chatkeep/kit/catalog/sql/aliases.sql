-- What pg_depend names, and the object that the diff knows it by.
SELECT 2618::int8 AS class, oid::int8 AS object, 1259::int8 AS known_class, ev_class::int8 AS known_object
FROM pg_rewrite WHERE oid >= 16384 AND rulename = '_RETURN'
UNION ALL
SELECT 1247, t.oid, 1259, t.typrelid FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
WHERE t.oid >= 16384 AND c.relkind <> 'c'
UNION ALL
SELECT 1259, t.typrelid, 1247, t.oid FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
WHERE t.oid >= 16384 AND c.relkind = 'c'
UNION ALL
SELECT 1247, oid, 1247, typelem FROM pg_type WHERE oid >= 16384 AND typelem <> 0 AND typcategory = 'A'
UNION ALL
SELECT 1259, conindid, 2606, oid FROM pg_constraint WHERE oid >= 16384 AND contype IN ('p', 'u', 'x')
UNION ALL
SELECT 6106, oid, 6104, prpubid FROM pg_publication_rel
UNION ALL
SELECT 6237, oid, 6104, pnpubid FROM pg_publication_namespace
UNION ALL
SELECT 1247, rngmultitypid, 1247, rngtypid FROM pg_range WHERE rngtypid >= 16384
UNION ALL
SELECT 2606, oid, 1247, contypid FROM pg_constraint WHERE oid >= 16384 AND contypid <> 0
UNION ALL
SELECT classid, objid, 3079, refobjid FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
