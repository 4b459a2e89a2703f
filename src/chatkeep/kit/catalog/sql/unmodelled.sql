-- kind, schema, name, definition, schema and name of the table that it sits on.
SELECT CASE WHEN c.relispartition THEN 'partition that is being detached' ELSE 'inheritance' END AS kind,
       n.nspname::text AS schema, c.relname::text AS name,
       concat_ws(' ', i.inhparent::regclass::text, i.inhseqno) AS definition,
       n.nspname::text AS table_schema, c.relname::text AS table_name
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND (i.inhdetachpending OR NOT c.relispartition) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'foreign table', n.nspname, c.relname, concat_ws(' ', s.srvname, array_to_string(f.ftoptions, ','),
         (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)), NULL, NULL
FROM pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_foreign_server s ON s.oid = f.ftserver
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'typed table', n.nspname, c.relname, c.reloftype::regtype::text, n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.reloftype <> 0 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'table access method', n.nspname, c.relname, am.amname, n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am am ON am.oid = c.relam
WHERE c.relkind IN ('r', 'm', 'p') AND am.amname <> 'heap' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'tablespace', n.nspname, c.relname, t.spcname, NULL, NULL
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_tablespace t ON t.oid = c.reltablespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'invalid index', n.nspname, ic.relname, c.relname, n.nspname, c.relname
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'disabled internal trigger', n.nspname, c.relname, count(*)::text, n.nspname, c.relname
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE g.tgisinternal AND g.tgenabled <> 'O' AND g.tgparentid = 0 AND g.tgfoid < 16384 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
  AND EXISTS (SELECT 1 FROM pg_constraint k WHERE k.oid = g.tgconstraint AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true))
GROUP BY n.nspname, c.relname
UNION ALL
SELECT CASE p.prokind WHEN 'a' THEN 'aggregate' ELSE 'window function' END, n.nspname,
       format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
       coalesce((SELECT concat_ws(' ', a.aggtransfn::text, a.aggfinalfn::text, a.aggtranstype::regtype::text, a.agginitval)
                 FROM pg_aggregate a WHERE a.aggfnoid = p.oid), p.prosrc), NULL, NULL
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind IN ('a', 'w') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
UNION ALL
SELECT 'operator', n.nspname, format('%s(%s, %s)', o.oprname, o.oprleft::regtype, o.oprright::regtype), concat_ws(' ', o.oprcode::text, o.oprrest::text, o.oprjoin::text), NULL, NULL
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_operator'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'operator class', n.nspname, o.opcname, o.opcintype::regtype::text, NULL, NULL
FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_opclass'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'operator family', n.nspname, o.opfname, '', NULL, NULL
FROM pg_opfamily o JOIN pg_namespace n ON n.oid = o.opfnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_opfamily'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'conversion', n.nspname, o.conname, o.conproc::text, NULL, NULL
FROM pg_conversion o JOIN pg_namespace n ON n.oid = o.connamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_conversion'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'text search configuration', n.nspname, o.cfgname,
       (SELECT string_agg(m.maptokentype || ':' || m.mapdict::regdictionary::text, ',' ORDER BY m.maptokentype, m.mapseqno)
        FROM pg_ts_config_map m WHERE m.mapcfg = o.oid), NULL, NULL
FROM pg_ts_config o JOIN pg_namespace n ON n.oid = o.cfgnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_ts_config'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'text search dictionary', n.nspname, o.dictname, o.dictinitoption, NULL, NULL
FROM pg_ts_dict o JOIN pg_namespace n ON n.oid = o.dictnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_ts_dict'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'text search parser', n.nspname, o.prsname, o.prsstart::text, NULL, NULL
FROM pg_ts_parser o JOIN pg_namespace n ON n.oid = o.prsnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_ts_parser'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'text search template', n.nspname, o.tmplname, o.tmpllexize::text, NULL, NULL
FROM pg_ts_template o JOIN pg_namespace n ON n.oid = o.tmplnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_ts_template'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'cast', NULL, format('(%s AS %s)', o.castsource::regtype, o.casttarget::regtype),
       concat_ws(' ', o.castfunc::regprocedure::text, o.castcontext, o.castmethod), NULL, NULL
FROM pg_cast o WHERE o.oid >= 16384 AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_cast'::regclass AND x.objid = o.oid AND x.deptype IN ('e', 'i'))
UNION ALL
SELECT 'language', NULL, o.lanname, o.lanplcallfoid::text, NULL, NULL
FROM pg_language o WHERE o.oid >= 16384 AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_language'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'transform', NULL, o.trftype::regtype::text, '', NULL, NULL
FROM pg_transform o WHERE NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_transform'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'access method', NULL, o.amname, o.amhandler::text, NULL, NULL
FROM pg_am o WHERE o.oid >= 16384 AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_am'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'foreign-data wrapper', NULL, o.fdwname, array_to_string(o.fdwoptions, ','), NULL, NULL
FROM pg_foreign_data_wrapper o WHERE NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_foreign_data_wrapper'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'foreign server', NULL, o.srvname, md5(array_to_string(o.srvoptions, ',')), NULL, NULL
FROM pg_foreign_server o WHERE NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_foreign_server'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'subscription', NULL, s.subname, array_to_string(s.subpublications, ','), NULL, NULL
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()
UNION ALL
SELECT 'security label', NULL, pg_describe_object(l.classoid, l.objoid, l.objsubid), l.provider || ' ' || l.label, NULL, NULL
FROM pg_seclabel l
UNION ALL
SELECT 'base type', n.nspname, t.typname, t.typlen::text, NULL, NULL
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE (t.typtype = 'p' OR (t.typtype = 'b' AND t.typelem = 0)) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_type'::regclass AND x.objid = t.oid AND x.deptype = 'e')
UNION ALL
SELECT 'column options', n.nspname, c.relname || '.' || a.attname, concat_ws(' ', array_to_string(a.attoptions, ','), nullif(a.attstattarget, -1), a.attstorage), NULL, NULL
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relkind = 'm' AND a.attnum > 0 AND NOT a.attisdropped AND (a.attoptions IS NOT NULL OR a.attstattarget >= 0 OR a.attstorage <> t.typstorage OR a.attcompression <> '') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'trigger of a partition', n.nspname, c.relname || '.' || g.tgname, g.tgenabled::text, n.nspname, c.relname
FROM pg_trigger g JOIN pg_trigger w ON w.oid = g.tgparentid JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT g.tgisinternal AND g.tgenabled <> w.tgenabled AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'dependency on an extension', NULL, pg_describe_object(d.classid, d.objid, d.objsubid), e.extname::text, NULL, NULL
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
WHERE d.deptype = 'x'
UNION ALL
SELECT 'grant by another role', n.nspname, c.relname, a.grantor::regrole::text, n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
WHERE a.grantor <> c.relowner AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
UNION ALL
SELECT 'schema that is missing', NULL, 'public', '', NULL, NULL
WHERE NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'public')
