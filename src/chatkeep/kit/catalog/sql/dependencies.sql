SELECT classid::int8, objid::int8, objsubid, refclassid::int8, refobjid::int8, refobjsubid
FROM pg_depend
WHERE objid >= 16384 AND refobjid >= 2200 AND deptype IN ('n', 'a', 'i')
