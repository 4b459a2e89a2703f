SELECT p.oid, p.pubname, p.puballtables AS everything,
       array(SELECT format('TABLE %I.%I', n.nspname, c.relname)
                    || coalesce(' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.ord)
                                         FROM unnest(r.prattrs::int2[]) WITH ORDINALITY k(num, ord)
                                         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num) || ')', '')
                    || coalesce(' WHERE ' || pg_get_expr(r.prqual, r.prrelid), '')
             FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid
             JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE r.prpubid = p.oid ORDER BY 1) AS tables,
       array(SELECT format('TABLES IN SCHEMA %I', n.nspname)
             FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid
             WHERE s.pnpubid = p.oid ORDER BY 1) AS schemas,
       concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                 CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) AS publish,
       p.pubviaroot, to_jsonb(p) ->> 'pubgencols' AS generated
FROM pg_publication p
WHERE cardinality($1::text[]) >= 0
  AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_publication'::regclass AND x.objid = p.oid AND x.deptype = 'e')
