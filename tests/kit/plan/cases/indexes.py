"""Indexes."""

from kit.plan.cases.case import index

CASES = [
    index("plain", "create index i on t (a);"),
    index("unique", "create unique index i on t (a);"),
    index("desc", "create index i on t (a desc);"),
    index(
        "nulls",
        "create index i on t (a desc nulls last, n nulls first);",
        "create index i on t (a, n);",
    ),
    index("expression", "create index i on t (lower(a), (n + 1));"),
    index(
        "partial", "create index i on t (a) where n > 3;", "create index i on t (a) where n > 2;"
    ),
    index("include", "create index i on t (a) include (n);"),
    index("opclass", "create index i on t (a text_pattern_ops);", "create index i on t (a);"),
    index("method", "create index i on t using hash (a);", "create index i on t (a);"),
    index("collation", 'create index i on t (a collate "C");'),
    index("options", "create index i on t (a) with (fillfactor = 50);", "create index i on t (a);"),
    index("nulls not distinct", "create unique index i on t (a) nulls not distinct;"),
    index("renamed", "create index j on t (a);", "create index i on t (a);"),
    index("gin", "create index i on t using gin (to_tsvector('english', a));"),
    index(
        "opclass of an extension",
        "create extension pg_trgm; create index i on t using gin (a gin_trgm_ops);",
    ),
]
