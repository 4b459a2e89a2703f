-- kind, schema, name, definition, schema and name of the table that it sits on.
SELECT 'partitioned table' AS kind, n.nspname::text AS schema, c.relname::text AS name, pg_get_partkeydef(c.oid) AS definition,
       n.nspname::text AS table_schema, c.relname::text AS table_name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT CASE WHEN c.relispartition THEN 'partition' ELSE 'inheritance' END, n.nspname, c.relname,
       concat_ws(' ', i.inhparent::regclass::text, i.inhseqno, pg_get_expr(c.relpartbound, c.oid)), n.nspname, c.relname
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
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
SELECT 'replica identity index', n.nspname, c.relname, i.indexrelid::regclass::text, n.nspname, c.relname
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisreplident AND c.relreplident = 'i' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'clustered index', n.nspname, c.relname, i.indexrelid::regclass::text, n.nspname, c.relname
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisclustered AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'invalid index', n.nspname, ic.relname, c.relname, n.nspname, c.relname
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'column options', n.nspname, c.relname || '.' || a.attname, array_to_string(a.attoptions, ','), n.nspname, c.relname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attoptions IS NOT NULL AND c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'view column default', n.nspname, c.relname, d.adnum || ' ' || pg_get_expr(d.adbin, d.adrelid), NULL, NULL
FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'not-null constraint', n.nspname, c.relname || '.' || co.conname, pg_get_constraintdef(co.oid), n.nspname, c.relname
FROM pg_constraint co JOIN pg_class c ON c.oid = co.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE co.contype = 'n' AND (co.connoinherit OR NOT co.convalidated) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
UNION ALL
SELECT 'disabled internal trigger', n.nspname, c.relname, count(*)::text, n.nspname, c.relname
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE g.tgisinternal AND g.tgenabled <> 'O' AND g.tgparentid = 0 AND g.tgfoid < 16384 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[])
  AND EXISTS (SELECT 1 FROM pg_constraint k WHERE k.oid = g.tgconstraint AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true))
GROUP BY n.nspname, c.relname
UNION ALL
SELECT 'rule', n.nspname, c.relname || '.' || r.rulename, pg_get_ruledef(r.oid), n.nspname, c.relname
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
UNION ALL
SELECT CASE t.typtype WHEN 'r' THEN 'range type' ELSE 'base type' END, n.nspname, t.typname,
       coalesce((SELECT concat_ws(' ', r.rngsubtype::regtype::text, r.rngsubopc, r.rngsubdiff::regproc::text)
                 FROM pg_range r WHERE r.rngtypid = t.oid), t.typlen::text), NULL, NULL
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE (t.typtype IN ('r', 'p') OR (t.typtype = 'b' AND t.typelem = 0)) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_type'::regclass AND x.objid = t.oid AND x.deptype = 'e')
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
SELECT 'collation', n.nspname, o.collname, (to_jsonb(o) - '{oid,collnamespace,collowner,collversion}'::text[])::text, NULL, NULL
FROM pg_collation o JOIN pg_namespace n ON n.oid = o.collnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_collation'::regclass AND x.objid = o.oid AND x.deptype = 'e')
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
FROM pg_cast o WHERE o.oid >= 16384 AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_cast'::regclass AND x.objid = o.oid AND x.deptype = 'e')
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
SELECT 'event trigger', NULL, o.evtname, concat_ws(' ', o.evtevent, o.evtfoid::regproc::text, o.evtenabled, array_to_string(o.evttags, ',')), NULL, NULL
FROM pg_event_trigger o WHERE NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_event_trigger'::regclass AND x.objid = o.oid AND x.deptype = 'e')
UNION ALL
SELECT 'publication', NULL, p.pubname,
       concat_ws(' ', p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot,
         (SELECT string_agg(concat_ws(' ', r.prrelid::regclass::text, pg_get_expr(r.prqual, r.prrelid), r.prattrs::text), ', '
            ORDER BY r.prrelid::regclass::text) FROM pg_publication_rel r WHERE r.prpubid = p.oid),
         (SELECT string_agg(s.pnnspid::regnamespace::text, ', ' ORDER BY 1) FROM pg_publication_namespace s WHERE s.pnpubid = p.oid)),
       NULL, NULL
FROM pg_publication p WHERE NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_publication'::regclass AND x.objid = p.oid AND x.deptype = 'e')
UNION ALL
SELECT 'subscription', NULL, s.subname, array_to_string(s.subpublications, ','), NULL, NULL
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()
UNION ALL
SELECT 'security label', NULL, pg_describe_object(l.classoid, l.objoid, l.objsubid), l.provider || ' ' || l.label, NULL, NULL
FROM pg_seclabel l
UNION ALL
SELECT 'default privileges', coalesce(n.nspname, ''), concat_ws(' ', pg_get_userbyid(o.defaclrole), o.defaclobjtype),
       (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(o.defaclacl) a), NULL, NULL
FROM pg_default_acl o LEFT JOIN pg_namespace n ON n.oid = o.defaclnamespace
UNION ALL
SELECT 'grant', g.schema, g.name, (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(g.acl) a), g.table_schema, g.table_name
FROM (
  SELECT n.nspname AS schema, c.relname AS name, c.relacl AS acl,
         acldefault(CASE WHEN c.relkind = 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner) AS usual,
         CASE WHEN c.relkind IN ('r', 'p') THEN n.nspname END AS table_schema, CASE WHEN c.relkind IN ('r', 'p') THEN c.relname END AS table_name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relacl IS NOT NULL AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
  UNION ALL
  SELECT n.nspname, c.relname || '.' || a.attname, a.attacl, '{}'::aclitem[], n.nspname, c.relname
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE a.attacl IS NOT NULL AND a.attacl <> '{}' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
  UNION ALL
  SELECT n.nspname, p.oid::regprocedure::text, p.proacl, acldefault('f', p.proowner), NULL, NULL
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.proacl IS NOT NULL AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
  UNION ALL
  SELECT n.nspname, t.typname, t.typacl, acldefault('T', t.typowner), NULL, NULL
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typacl IS NOT NULL AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_type'::regclass AND x.objid = t.oid AND x.deptype = 'e')
  UNION ALL
  SELECT n.nspname, n.nspname, n.nspacl,
         coalesce((SELECT i.initprivs FROM pg_init_privs i WHERE i.objoid = n.oid AND i.classoid = 'pg_namespace'::regclass),
                  acldefault('n', n.nspowner)), NULL, NULL
  FROM pg_namespace n WHERE n.nspacl IS NOT NULL AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL($1::text[]) AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_namespace'::regclass AND x.objid = n.oid AND x.deptype = 'e')
) g
WHERE array(SELECT a::text FROM unnest(g.acl) a ORDER BY 1) <> array(SELECT a::text FROM unnest(g.usual) a ORDER BY 1)
