"""One change each: a name, what both sides have, what only the first has, what only the second."""

from dataclasses import dataclass

T = "create table t (id integer primary key, a text, n integer);"
ST = "create type st as enum ('a', 'b', 'c');"
F = "create function f() returns trigger language plpgsql as 'begin return new; end';"


@dataclass(frozen=True)
class Case:
    name: str
    old: str
    new: str
    only18: bool = False


def _pair(name: str, base: str, old: str, new: str, *, only18: bool = False) -> Case:
    return Case(name, f"{base}\n{old}", f"{base}\n{new}", only18)


def _type(name: str, old: str, new: str) -> Case:
    return Case(
        f"type {name}", f"create table t (id int, c {old});", f"create table t (id int, c {new});"
    )


def _index(name: str, sql: str, old: str = "") -> Case:
    return _pair(f"index {name}", T + "create index other on t (n);", old, sql)


CASES = [
    # tables
    _pair("table", "", "", T),
    _pair("table without columns", "", "", "create table e ();"),
    _pair(
        "table in a schema", "create schema app;", "", "create table app.t (id serial primary key);"
    ),
    _pair("schema with a table", "", "", "create schema app; create table app.t (id int);"),
    _pair(
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
    _pair(
        "storage parameters",
        "",
        "create table t (id int) with (fillfactor = 70);",
        "create table t (id int) with (fillfactor = 80, autovacuum_enabled = false);",
    ),
    _pair(
        "storage parameters gone",
        "create table t (id int);",
        "alter table t set (fillfactor = 70);",
        "",
    ),
    _pair(
        "row security",
        T,
        "",
        "alter table t enable row level security; alter table t force row level security;",
    ),
    _pair("replica identity", T, "", "alter table t replica identity full;"),
    _pair(
        "tables that refer to each other",
        "",
        "",
        "create table x (id int primary key, y int); create table y (id int primary key, x int references x); alter table x add foreign key (y) references y;",
    ),
    _pair(
        "table that refers to itself",
        "",
        "",
        "create table x (id int primary key, up int references x on delete cascade);",
    ),
    # columns
    _pair("column", T, "", "alter table t add b text;"),
    _pair("column not null with default", T, "", "alter table t add b text not null default 'x';"),
    _pair("column with check", T, "", "alter table t add b int check (b > 0);"),
    _pair("column with serial", T, "", "alter table t add s bigserial;"),
    _pair("column unique", T, "", "alter table t add b int unique;"),
    _pair(
        "column referring",
        T,
        "",
        "create table u (id int primary key); alter table t add u int references u;",
    ),
    _pair("column of an array", T, "", "alter table t add tags text[] not null default '{}';"),
    _pair("not null", T, "", "alter table t alter n set not null;"),
    _pair("collation", "", "create table t (a text);", 'create table t (a text collate "C");'),
    _pair("storage", T, "", "alter table t alter a set storage external;"),
    _pair("statistics target", T, "", "alter table t alter a set statistics 500;"),
    _pair("compression", T, "", "alter table t alter a set compression pglz;"),
    # types
    _type("varchar to text", "varchar(20)", "text"),
    _type("varchar wider", "varchar(20)", "varchar(255)"),
    _type("int to bigint", "int", "bigint"),
    _type("text to int", "text", "int"),
    _type("text to int with default", "text default '1'", "int default 1"),
    _type("json to jsonb", "json", "jsonb"),
    _type("json to jsonb with default", "json default '{}'", "jsonb default '{}'"),
    _type("timestamp to timestamptz", "timestamp", "timestamptz"),
    _type(
        "timestamp with default",
        "timestamp default now() not null",
        "timestamptz default now() not null",
    ),
    _type("numeric precision", "numeric(10,2)", "numeric(12,4)"),
    _type("text to uuid", "text", "uuid"),
    _type("int to boolean", "int default 0", "boolean default false"),
    _type("int[] to bigint[]", "int[]", "bigint[]"),
    _type("text to bytea", "text", "bytea"),
    _type("varchar with default", "varchar(20) default 'dark'", "text default 'dark'"),
    _type("serial to bigserial", "serial", "bigserial"),
    Case(
        "type of a key and its reference",
        "create table a (id varchar(20) primary key); create table b (a varchar(20) references a);",
        "create table a (id text primary key); create table b (a text references a);",
    ),
    Case(
        "type of a key and its reference, hard",
        "create table a (id text primary key); create table b (a text references a on delete cascade);",
        "create table a (id int primary key); create table b (a int references a on delete cascade);",
    ),
    Case(
        "type below a check",
        "create table t (r varchar(9) check (r in ('a','b')));",
        "create table t (r text check (r in ('a','b')));",
    ),
    Case(
        "type below a view",
        "create table t (n int); create view v as select n from t;",
        "create table t (n bigint); create view v as select n from t;",
    ),
    Case(
        "type below a view on a view",
        "create table t (n int); create view v as select n from t; create view w as select n from v; comment on view w is 'w';",
        "create table t (n bigint); create view v as select n from t; create view w as select n from v; comment on view w is 'w';",
    ),
    Case(
        "type below an index",
        "create table t (n varchar(9)); create index i on t (lower(n)) where n <> '';",
        "create table t (n text); create index i on t (lower(n)) where n <> '';",
    ),
    Case(
        "type below a generated column",
        "create table t (n int, d int generated always as (n * 2) stored);",
        "create table t (n bigint, d int generated always as (n * 2) stored);",
    ),
    Case(
        "type below a trigger",
        F
        + "create table t (n int); create trigger g before update of n on t for each row execute function f();",
        F
        + "create table t (n bigint); create trigger g before update of n on t for each row execute function f();",
    ),
    Case(
        "type below a policy",
        "create table t (n int); create policy p on t using (n > 1);",
        "create table t (n bigint); create policy p on t using (n > 1);",
    ),
    # defaults
    _pair("default", T, "", "alter table t alter a set default 'x';"),
    _pair(
        "default changed",
        T,
        "alter table t alter a set default 'x';",
        "alter table t alter a set default 'y';",
    ),
    _pair(
        "default from a function",
        T,
        "",
        "create function g() returns text language sql as 'select ''g''::text'; alter table t alter a set default g();",
    ),
    _pair(
        "default from a sequence",
        T,
        "",
        "create sequence q; alter table t alter n set default nextval('q');",
    ),
    _pair(
        "current_timestamp",
        "",
        "create table t (c timestamptz default now());",
        "create table t (c timestamptz default current_timestamp);",
    ),
    # generated
    _pair("generated", T, "", "alter table t add g text generated always as (a || 'x') stored;"),
    _pair(
        "generated expression",
        T,
        "alter table t add g text generated always as (a || 'x') stored;",
        "alter table t add g text generated always as (a || 'y') stored;",
    ),
    _pair(
        "generated to plain",
        T,
        "alter table t add g text generated always as (a || 'x') stored;",
        "alter table t add g text;",
    ),
    _pair(
        "generated virtual",
        T,
        "",
        "alter table t add g text generated always as (a || 'x') virtual;",
        only18=True,
    ),
    _pair(
        "generated virtual expression",
        T,
        "alter table t add g text generated always as (a || 'x') virtual;",
        "alter table t add g text generated always as (a || 'y') virtual;",
        only18=True,
    ),
    _pair(
        "generated from a function",
        T,
        "",
        "create function g(text) returns text immutable language sql return $1 || 'x'; alter table t add g text generated always as (g(a)) stored;",
    ),
    # identity and serial
    _pair(
        "identity",
        "",
        "create table t (id int not null);",
        "create table t (id int generated by default as identity);",
    ),
    _pair(
        "identity always",
        "",
        "create table t (id int generated by default as identity);",
        "create table t (id int generated always as identity);",
    ),
    _pair(
        "identity options",
        "",
        "create table t (id int generated by default as identity);",
        "create table t (id int generated by default as identity (increment 5 start 10 minvalue 5 maxvalue 999 cache 3 cycle));",
    ),
    _pair(
        "identity wider",
        "",
        "create table t (id int generated by default as identity);",
        "create table t (id bigint generated by default as identity);",
    ),
    _pair(
        "serial to identity",
        "",
        "create table t (id serial primary key);",
        "create table t (id int generated by default as identity primary key);",
    ),
    _pair(
        "serial to bigint identity",
        "",
        "create table t (id serial primary key);",
        "create table t (id bigint generated always as identity primary key);",
    ),
    _pair(
        "serial to plain",
        "",
        "create table t (id serial primary key);",
        "create table t (id int primary key);",
    ),
    # constraints
    _pair(
        "primary key",
        "create table t (id int not null);",
        "",
        "alter table t add primary key (id);",
    ),
    _pair(
        "primary key changed",
        "create table t (a int not null, b int not null);",
        "alter table t add primary key (a);",
        "alter table t add primary key (a, b);",
    ),
    _pair(
        "primary key renamed",
        "create table t (a int not null);",
        "alter table t add constraint x primary key (a);",
        "alter table t add constraint y primary key (a);",
    ),
    _pair(
        "primary key below a reference",
        "",
        "create table a (x int primary key, y int unique); create table b (a int references a (x));",
        "create table a (x int not null, y int primary key); create table b (a int references a (y));",
    ),
    _pair("unique", T, "", "alter table t add unique (a);"),
    _pair(
        "unique nulls",
        T,
        "alter table t add constraint u unique (a);",
        "alter table t add constraint u unique nulls not distinct (a);",
    ),
    _pair(
        "unique include",
        T,
        "alter table t add constraint u unique (a);",
        "alter table t add constraint u unique (a) include (n);",
    ),
    _pair(
        "unique deferrable",
        T,
        "alter table t add constraint u unique (a);",
        "alter table t add constraint u unique (a) deferrable initially deferred;",
    ),
    _pair(
        "unique below a reference",
        T,
        "alter table t add constraint u unique (a); create table r (a text references t (a));",
        "alter table t add constraint u unique (a) include (n); create table r (a text references t (a));",
    ),
    _pair(
        "unique to index",
        T,
        "alter table t add constraint u unique (a);",
        "create unique index u on t (a);",
    ),
    _pair("check", T, "", "alter table t add constraint c check (n > 0);"),
    _pair(
        "check changed",
        T,
        "alter table t add constraint c check (n > 0);",
        "alter table t add constraint c check (n > 1);",
    ),
    _pair(
        "check not valid",
        T,
        "alter table t add constraint c check (n > 0) not valid;",
        "alter table t add constraint c check (n > 0);",
    ),
    _pair(
        "check renamed",
        T,
        "alter table t add constraint c check (n > 0);",
        "alter table t add constraint d check (n > 0);",
    ),
    _pair(
        "check not enforced",
        T,
        "",
        "alter table t add constraint c check (n > 0) not enforced;",
        only18=True,
    ),
    _pair("check no inherit", T, "", "alter table t add constraint c check (n > 0) no inherit;"),
    _pair(
        "exclude",
        "create table t (a int, r int4range);",
        "",
        "alter table t add constraint e exclude using gist (r with &&);",
    ),
    _pair(
        "exclude changed",
        "create table t (a int, r int4range);",
        "alter table t add constraint e exclude using gist (r with &&);",
        "alter table t add constraint e exclude using gist (r with &&) where (a > 0);",
    ),
    _pair(
        "without overlaps",
        "create extension btree_gist; create table t (a int, r int4range);",
        "",
        "alter table t add constraint e unique (a, r without overlaps);",
        only18=True,
    ),
    _pair(
        "foreign key",
        T + "create table r (t int);",
        "",
        "alter table r add foreign key (t) references t;",
    ),
    _pair(
        "foreign key actions",
        T + "create table r (t int);",
        "alter table r add constraint k foreign key (t) references t;",
        "alter table r add constraint k foreign key (t) references t on delete cascade on update set null;",
    ),
    _pair(
        "foreign key deferrable",
        T + "create table r (t int);",
        "alter table r add constraint k foreign key (t) references t;",
        "alter table r add constraint k foreign key (t) references t deferrable initially deferred;",
    ),
    _pair(
        "foreign key not valid",
        T + "create table r (t int);",
        "alter table r add constraint k foreign key (t) references t not valid;",
        "alter table r add constraint k foreign key (t) references t;",
    ),
    _pair(
        "foreign key set null of some",
        "create table t (a int, b int, primary key (a, b)); create table r (a int, b int);",
        "",
        "alter table r add foreign key (a, b) references t on delete set null (b);",
    ),
    _pair(
        "foreign key match full",
        "create table t (a int, b int, primary key (a, b)); create table r (a int, b int);",
        "",
        "alter table r add foreign key (a, b) references t match full;",
    ),
    _pair(
        "constraint of another kind",
        T,
        "alter table t add constraint k unique (n);",
        "alter table t add constraint k check (n > 0);",
    ),
    # indexes
    _index("plain", "create index i on t (a);"),
    _index("unique", "create unique index i on t (a);"),
    _index("desc", "create index i on t (a desc);"),
    _index(
        "nulls",
        "create index i on t (a desc nulls last, n nulls first);",
        "create index i on t (a, n);",
    ),
    _index("expression", "create index i on t (lower(a), (n + 1));"),
    _index(
        "partial", "create index i on t (a) where n > 3;", "create index i on t (a) where n > 2;"
    ),
    _index("include", "create index i on t (a) include (n);"),
    _index("opclass", "create index i on t (a text_pattern_ops);", "create index i on t (a);"),
    _index("method", "create index i on t using hash (a);", "create index i on t (a);"),
    _index("collation", 'create index i on t (a collate "C");'),
    _index(
        "options", "create index i on t (a) with (fillfactor = 50);", "create index i on t (a);"
    ),
    _index("nulls not distinct", "create unique index i on t (a) nulls not distinct;"),
    _index("renamed", "create index j on t (a);", "create index i on t (a);"),
    _index("gin", "create index i on t using gin (to_tsvector('english', a));"),
    _index(
        "opclass of an extension",
        "create extension pg_trgm; create index i on t using gin (a gin_trgm_ops);",
    ),
    # enums
    _pair("enum", "", "", ST),
    _pair("enum with a column", T, "", ST + "alter table t add s st not null default 'a';"),
    _pair(
        "enum label at the end",
        "",
        "create type st as enum ('a');" + "create table t (s st default 'a');",
        "create type st as enum ('a', 'b');" + "create table t (s st default 'a');",
    ),
    _pair(
        "enum label in between",
        "",
        "create type st as enum ('a', 'd'); create table t (s st);",
        "create type st as enum ('0', 'a', 'b', 'c', 'd', 'e'); create table t (s st);",
    ),
    _pair(
        "enum label as default",
        "",
        "create type st as enum ('a'); create table t (s st default 'a');",
        "create type st as enum ('a', 'b'); create table t (s st default 'b');",
    ),
    _pair(
        "enum label in a check",
        "",
        "create type st as enum ('a'); create table t (s st);",
        "create type st as enum ('a', 'b'); create table t (s st check (s <> 'b'));",
    ),
    _pair(
        "enum order",
        "",
        "create type st as enum ('a', 'b'); create table t (s st, l st[]);",
        "create type st as enum ('b', 'a'); create table t (s st, l st[]);",
    ),
    _pair(
        "enum below much",
        "",
        "create type st as enum ('a', 'b', 'x'); create table t (s st default 'a' check (s <> 'b'), l st[] default '{a}'); create index i on t (s) where s = 'a'; create view v as select s from t;",
        "create type st as enum ('b', 'a'); create table t (s st default 'a' check (s <> 'b'), l st[] default '{a}'); create index i on t (s) where s = 'a'; create view v as select s from t;",
    ),
    _pair(
        "text to enum",
        ST,
        "create table t (s text default 'a');",
        "create table t (s st default 'a');",
    ),
    _pair(
        "enum gone from a column", T, ST + "alter table t add s st;", "alter table t add s text;"
    ),
    # domains and composites
    _pair(
        "domain",
        "",
        "",
        "create domain d as text default 'x' not null check (value <> ''); create table t (x d);",
    ),
    _pair(
        "domain changed",
        "",
        "create domain d as text; create table t (x d);",
        "create domain d as text default 'x' not null constraint k check (value <> ''); create table t (x d);",
    ),
    _pair(
        "domain base",
        "",
        "create domain d as int; create table t (x d);",
        "create domain d as bigint; create table t (x d);",
    ),
    _pair("composite", "", "", "create type c as (x int, y text); create table t (v c);"),
    _pair(
        "composite attribute",
        "",
        "create type c as (x int);",
        "create type c as (x bigint, y text);",
    ),
    # sequences
    _pair("sequence", "", "", "create sequence q start 5 increment 2 cycle;"),
    _pair(
        "sequence options",
        "",
        "create sequence q;",
        "create sequence q as int increment 3 maxvalue 100 cache 7 cycle;",
    ),
    _pair("sequence owner", T + "create sequence q;", "", "alter sequence q owned by t.id;"),
    # programs
    _pair(
        "function", "", "", "create function g(x int) returns int language sql as 'select x + 1';"
    ),
    _pair(
        "function body",
        "",
        "create function g(x int) returns int language sql as 'select x + 1';",
        "create function g(x int) returns int language sql as 'select x + 2';",
    ),
    _pair(
        "function result",
        "",
        "create function g(x int) returns int language sql as 'select x';",
        "create function g(x int) returns bigint language sql as 'select x::bigint';",
    ),
    _pair(
        "functions that call each other",
        "",
        "",
        "create function z(x int) returns int language sql as 'select x'; create function a(x int) returns int language sql as 'select z(x)';",
    ),
    _pair(
        "function of a table",
        "",
        "",
        "create table t (a int); create function g(t) returns int language sql as 'select $1.a';",
    ),
    _pair(
        "procedure",
        "",
        "",
        "create procedure p(x int) language sql as 'select 1'; comment on procedure p is 'p';",
    ),
    _pair(
        "trigger",
        T + F,
        "",
        "create trigger g before insert on t for each row execute function f();",
    ),
    _pair(
        "trigger changed",
        T + F,
        "create trigger g before insert on t for each row execute function f();",
        "create trigger g after insert or update on t for each row when (new.n > 0) execute function f();",
    ),
    _pair(
        "trigger disabled",
        T + F + "create trigger g before insert on t for each row execute function f();",
        "",
        "alter table t disable trigger g;",
    ),
    _pair(
        "view",
        T,
        "",
        "create view v with (security_invoker = true) as select a, count(*) from t group by a;",
    ),
    _pair(
        "view column added",
        T,
        "create view v as select a from t;",
        "create view v as select a, n from t;",
    ),
    _pair(
        "view column of a new column",
        T,
        "create view v as select a from t;",
        "alter table t add z int; create view v as select a, z from t;",
    ),
    _pair(
        "view options",
        T,
        "create view v as select a from t;",
        "create view v with (security_barrier = true) as select a from t;",
    ),
    _pair(
        "materialized view",
        T,
        "",
        "create materialized view m as select a from t; create unique index mi on m (a);",
    ),
    _pair(
        "materialized view changed",
        T,
        "create materialized view m as select a from t; create index mi on m (a);",
        "create materialized view m as select a, n from t; create index mi on m (a);",
    ),
    _pair(
        "policy",
        T,
        "",
        "create policy p on t as restrictive for update to public using (n > 1) with check (n > 2);",
    ),
    _pair(
        "policy changed",
        T,
        "create policy p on t using (n > 1);",
        "create policy p on t using (n > 2);",
    ),
    _pair("statistics", T, "", "create statistics s (ndistinct) on a, n from t;"),
    _pair("extension", "", "", "create extension pg_trgm;"),
    # comments
    _pair("comment on a table", T, "", "comment on table t is 'it''s';"),
    _pair(
        "comment on a column", T, "comment on column t.a is 'a';", "comment on column t.a is 'b';"
    ),
    _pair("comment on a constraint", T, "", "comment on constraint t_pkey on t is 'key';"),
    _pair("comment on an index", T + "create index i on t (a);", "", "comment on index i is 'i';"),
    _pair("comment on an enum", ST, "", "comment on type st is 's';"),
    _pair("comment on a schema", "create schema app;", "", "comment on schema app is 's';"),
    _pair(
        "comment on a view's column",
        T + "create view v as select a from t;",
        "",
        "comment on column v.a is 'a'; comment on view v is 'v';",
    ),
    _pair(
        "comment on a replaced index",
        T,
        "create index i on t (a); comment on index i is 'x';",
        "create index i on t (n); comment on index i is 'x';",
    ),
    _pair(
        "comment on a function and trigger",
        T + F + "create trigger g before insert on t for each row execute function f();",
        "",
        "comment on function f() is 'f'; comment on trigger g on t is 'g';",
    ),
    # nothing
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
