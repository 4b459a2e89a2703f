SELECT s.relid::int8, coalesce(s.seq_scan, 0) FROM pg_catalog.pg_stat_xact_user_tables s
