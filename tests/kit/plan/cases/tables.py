"""Tables."""

from kit.plan.cases.case import ST, Case, T, pair

CASES = [
    pair("table", "", "", T),
    pair("table without columns", "", "", "create table e ();"),
    pair(
        "table in a schema", "create schema app;", "", "create table app.t (id serial primary key);"
    ),
    pair("schema with a table", "", "", "create schema app; create table app.t (id int);"),
    pair(
        "table with quoted names",
        "",
        "",
        'create table "A-b" ("select" int primary key, "x""y" text default \'it\'\'s\');',
    ),
    Case(
        "unlogged",
        "create table t (id serial primary key);",
        "create unlogged table t (id serial primary key);",
    ),
    pair(
        "storage parameters",
        "",
        "create table t (id int) with (fillfactor = 70);",
        "create table t (id int) with (fillfactor = 80, autovacuum_enabled = false);",
    ),
    pair(
        "storage parameters gone",
        "create table t (id int);",
        "alter table t set (fillfactor = 70);",
        "",
    ),
    pair(
        "row security",
        T,
        "",
        "alter table t enable row level security; alter table t force row level security;",
    ),
    pair("replica identity", T, "", "alter table t replica identity full;"),
    pair(
        "tables that refer to each other",
        "",
        "",
        "create table x (id int primary key, y int); create table y (id int primary key, x int references x); alter table x add foreign key (y) references y;",
    ),
    pair(
        "table that refers to itself",
        "",
        "",
        "create table x (id int primary key, up int references x on delete cascade);",
    ),
    pair("default", T, "", "alter table t alter a set default 'x';"),
    pair(
        "default changed",
        T,
        "alter table t alter a set default 'x';",
        "alter table t alter a set default 'y';",
    ),
    pair(
        "default from a function",
        T,
        "",
        "create function g() returns text language sql as 'select ''g''::text'; alter table t alter a set default g();",
    ),
    pair(
        "default from a sequence",
        T,
        "",
        "create sequence q; alter table t alter n set default nextval('q');",
    ),
    pair(
        "current_timestamp",
        "",
        "create table t (c timestamptz default now());",
        "create table t (c timestamptz default current_timestamp);",
    ),
    Case(
        "nothing changed",
        T
        + ST
        + "create table u (s st default 'b', e text check (e ~ '^x')); create index i on u (lower(e) desc) where e is not null;",
        T
        + ST
        + "create table u (s st default 'b', e text check (e ~ '^x')); create index i on u (lower(e) desc) where e is not null;",
    ),
]
