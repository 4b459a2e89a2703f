"""Types."""

from kit.plan.cases.case import ST, T, pair

CASES = [
    pair("enum", "", "", ST),
    pair("enum with a column", T, "", ST + "alter table t add s st not null default 'a';"),
    pair(
        "enum label at the end",
        "",
        "create type st as enum ('a');" + "create table t (s st default 'a');",
        "create type st as enum ('a', 'b');" + "create table t (s st default 'a');",
    ),
    pair(
        "enum label in between",
        "",
        "create type st as enum ('a', 'd'); create table t (s st);",
        "create type st as enum ('0', 'a', 'b', 'c', 'd', 'e'); create table t (s st);",
    ),
    pair(
        "enum label as default",
        "",
        "create type st as enum ('a'); create table t (s st default 'a');",
        "create type st as enum ('a', 'b'); create table t (s st default 'b');",
    ),
    pair(
        "enum label in a check",
        "",
        "create type st as enum ('a'); create table t (s st);",
        "create type st as enum ('a', 'b'); create table t (s st check (s <> 'b'));",
    ),
    pair(
        "enum order",
        "",
        "create type st as enum ('a', 'b'); create table t (s st, l st[]);",
        "create type st as enum ('b', 'a'); create table t (s st, l st[]);",
    ),
    pair(
        "enum below much",
        "",
        "create type st as enum ('a', 'b', 'x'); create table t (s st default 'a' check (s <> 'b'), l st[] default '{a}'); create index i on t (s) where s = 'a'; create view v as select s from t;",
        "create type st as enum ('b', 'a'); create table t (s st default 'a' check (s <> 'b'), l st[] default '{a}'); create index i on t (s) where s = 'a'; create view v as select s from t;",
    ),
    pair(
        "text to enum",
        ST,
        "create table t (s text default 'a');",
        "create table t (s st default 'a');",
    ),
    pair("enum gone from a column", T, ST + "alter table t add s st;", "alter table t add s text;"),
    pair(
        "domain",
        "",
        "",
        "create domain d as text default 'x' not null check (value <> ''); create table t (x d);",
    ),
    pair(
        "domain changed",
        "",
        "create domain d as text; create table t (x d);",
        "create domain d as text default 'x' not null constraint k check (value <> ''); create table t (x d);",
    ),
    pair(
        "domain base",
        "",
        "create domain d as int; create table t (x d);",
        "create domain d as bigint; create table t (x d);",
    ),
    pair("composite", "", "", "create type c as (x int, y text); create table t (v c);"),
    pair(
        "composite attribute",
        "",
        "create type c as (x int);",
        "create type c as (x bigint, y text);",
    ),
]
