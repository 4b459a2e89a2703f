"""GRANT, REVOKE, ALTER DEFAULT PRIVILEGES and OWNER TO, for roles that exist."""

from kit.plan.cases.case import ST, R, T, pair


def case(name: str, old: str, new: str, base: str = R + T):
    return pair(f"privileges: {name}", base, old, new)


G = "create function g(x int) returns int language sql as 'select x';"

CASES = [
    case("table", "", "grant select, insert on t to reader;"),
    case("table to everybody", "", "grant select on t to public;"),
    case("more", "grant select on t to reader;", "grant select, update on t to reader, writer;"),
    case("all", "", "grant all on t to writer;"),
    case("option", "grant select on t to reader;", "grant select on t to reader with grant option;"),
    case("taken from the owner", "", "revoke delete on t from current_user;"),
    case("column", "", "grant select (a), update (a, n) on t to reader;"),
    case("column that goes", "alter table t add z int; grant select (z) on t to reader;", ""),
    case("sequence", "", "grant usage on sequence q to reader;", R + "create sequence q;"),
    case("sequence of a serial", "", "grant usage on sequence s_id_seq to reader;", R + "create table s (id serial);"),
    case("schema", "", "grant usage, create on schema app to reader;", R + "create schema app;"),
    case("schema public", "", "grant create on schema public to writer;"),
    case("schema with all in it", "", "create schema app; grant usage on schema app to reader; create table app.t (id int); grant select on app.t to reader;", R),
    case("function", "", "revoke execute on function g from public; grant execute on function g to reader;", R + G),
    case("procedure", "", "revoke execute on procedure pr from public;", R + "create procedure pr() language sql as 'select 1';"),
    case("function that is made anew", G + "grant execute on function g to reader;", "create function g(x int) returns bigint language sql as 'select x::bigint'; grant execute on function g to reader;", R),
    case("type", "", "revoke usage on type st from public; grant usage on type st to reader;", R + ST),
    case("domain", "", "revoke usage on domain d from public;", R + "create domain d as int;"),
    case("view", "", "grant select on v to reader; grant select (a) on v to public;", R + T + "create view v as select a from t;"),
    case("view that is made anew", "create view v as select n from t; grant select on v to reader;", "create view v as select a from t; grant select on v to reader;"),
    case("materialized view", "", "grant select on m to reader;", R + T + "create materialized view m as select a from t;"),
    case("default of tables", "", "alter default privileges grant select on tables to reader;"),
    case("default in a schema", "", "alter default privileges in schema app grant usage on sequences to reader;", R + "create schema app;"),
    case("default of functions", "", "alter default privileges revoke execute on functions from public;"),
    case("default of types", "", "alter default privileges grant usage on types to reader with grant option;"),
    case("default changed", "alter default privileges grant select on tables to reader;", "alter default privileges grant select, insert on tables to reader;"),
    case("default and a table of before", "", "create table u (id int);", R + "alter default privileges grant select on tables to reader;"),
    case("default that an older table lacks", "alter default privileges grant select on tables to reader;", "create table u (id int); alter default privileges grant select on tables to reader;", R),
    case("default and a table without it", "", "create table u (id int); revoke select on u from reader;", R + "alter default privileges grant select on tables to reader;"),
    case("default and a function without it", "", G + "grant execute on function g to public;", R + "alter default privileges revoke execute on functions from public;"),
    case("owner of a table", "", "alter table t owner to writer;", R + T + "create table mine (id int);"),
    case("owner of a view", "", "alter view v owner to writer;", R + T + "create view v as select a from t;"),
    case("owner of a materialized view", "", "alter materialized view v owner to writer;", R + T + "create materialized view v as select a from t;"),
    case("owner of a function", "", "alter function g owner to writer;", R + G + T),
    case("owner of a type", "", "alter type st owner to writer; alter domain d owner to reader;", R + ST + T + "create domain d as int;"),
    case("owner of a schema", "", "alter schema app owner to writer;", R + T + "create schema app;"),
    case("owner of a sequence", "", "alter sequence q owner to writer;", R + T + "create sequence q;"),
    case("owner and grant", "", "grant select on t to reader; alter table t owner to writer;", R + T + "create table mine (id int);"),
]  # fmt: skip
