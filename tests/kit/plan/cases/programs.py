"""Programs."""

from kit.plan.cases.case import F, T, pair

CASES = [
    pair(
        "function", "", "", "create function g(x int) returns int language sql as 'select x + 1';"
    ),
    pair(
        "function body",
        "",
        "create function g(x int) returns int language sql as 'select x + 1';",
        "create function g(x int) returns int language sql as 'select x + 2';",
    ),
    pair(
        "function result",
        "",
        "create function g(x int) returns int language sql as 'select x';",
        "create function g(x int) returns bigint language sql as 'select x::bigint';",
    ),
    pair(
        "functions that call each other",
        "",
        "",
        "create function z(x int) returns int language sql as 'select x'; create function a(x int) returns int language sql as 'select z(x)';",
    ),
    pair(
        "function of a table",
        "",
        "",
        "create table t (a int); create function g(t) returns int language sql as 'select $1.a';",
    ),
    pair(
        "procedure",
        "",
        "",
        "create procedure p(x int) language sql as 'select 1'; comment on procedure p is 'p';",
    ),
    pair(
        "trigger",
        T + F,
        "",
        "create trigger g before insert on t for each row execute function f();",
    ),
    pair(
        "trigger changed",
        T + F,
        "create trigger g before insert on t for each row execute function f();",
        "create trigger g after insert or update on t for each row when (new.n > 0) execute function f();",
    ),
    pair(
        "trigger disabled",
        T + F + "create trigger g before insert on t for each row execute function f();",
        "",
        "alter table t disable trigger g;",
    ),
    pair(
        "view",
        T,
        "",
        "create view v with (security_invoker = true) as select a, count(*) from t group by a;",
    ),
    pair(
        "view column added",
        T,
        "create view v as select a from t;",
        "create view v as select a, n from t;",
    ),
    pair(
        "view column of a new column",
        T,
        "create view v as select a from t;",
        "alter table t add z int; create view v as select a, z from t;",
    ),
    pair(
        "view options",
        T,
        "create view v as select a from t;",
        "create view v with (security_barrier = true) as select a from t;",
    ),
    pair(
        "materialized view",
        T,
        "",
        "create materialized view m as select a from t; create unique index mi on m (a);",
    ),
    pair(
        "materialized view changed",
        T,
        "create materialized view m as select a from t; create index mi on m (a);",
        "create materialized view m as select a, n from t; create index mi on m (a);",
    ),
    pair(
        "policy",
        T,
        "",
        "create policy p on t as restrictive for update to public using (n > 1) with check (n > 2);",
    ),
    pair(
        "policy changed",
        T,
        "create policy p on t using (n > 1);",
        "create policy p on t using (n > 2);",
    ),
    pair("statistics", T, "", "create statistics s (ndistinct) on a, n from t;"),
    pair("extension", "", "", "create extension pg_trgm;"),
]
