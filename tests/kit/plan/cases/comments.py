"""Comments."""

from kit.plan.cases.case import ST, F, T, pair

CASES = [
    pair("comment on a table", T, "", "comment on table t is 'it''s';"),
    pair(
        "comment on a column", T, "comment on column t.a is 'a';", "comment on column t.a is 'b';"
    ),
    pair("comment on a constraint", T, "", "comment on constraint t_pkey on t is 'key';"),
    pair("comment on an index", T + "create index i on t (a);", "", "comment on index i is 'i';"),
    pair("comment on an enum", ST, "", "comment on type st is 's';"),
    pair("comment on a schema", "create schema app;", "", "comment on schema app is 's';"),
    pair(
        "comment on a view's column",
        T + "create view v as select a from t;",
        "",
        "comment on column v.a is 'a'; comment on view v is 'v';",
    ),
    pair(
        "comment on a replaced index",
        T,
        "create index i on t (a); comment on index i is 'x';",
        "create index i on t (n); comment on index i is 'x';",
    ),
    pair(
        "comment on a function and trigger",
        T + F + "create trigger g before insert on t for each row execute function f();",
        "",
        "comment on function f() is 'f'; comment on trigger g on t is 'g';",
    ),
]
