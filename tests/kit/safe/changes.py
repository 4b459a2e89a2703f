"""Changes of tables with rows, one for each safe form and for what stands around it."""

from dataclasses import dataclass

T = """
create table t (id int primary key, a text, n int, b text);
insert into t select g, 'a' || g, g, 'b' || g from generate_series(1, 50) g;
"""
U = T + "create table u (id int primary key); insert into u select generate_series(1, 50);"


@dataclass(frozen=True)
class Change:
    """`new` may hold statements on rows; `old` has the rows, which the series must keep."""

    name: str
    old: str
    new: str
    using: tuple[tuple[tuple[str, str, str], str], ...] = ()


def on(name: str, base: str, old: str, new: str, **using: str) -> Change:
    given = tuple((("public", "t", column), text) for column, text in using.items())
    return Change(name, base + old, base + new, given)


CHANGES = [
    on("index", T, "", "create index i on t (a, n desc) include (b) where n > 3;"),
    on("index dropped", T, "create index i on t (a);", ""),
    on("index changed", T, "create index i on t (a);", "create index i on t (a, n);"),
    on(
        "index with a comment changed",
        T,
        "create index i on t (a); comment on index i is 'old';",
        "create unique index i on t (lower(a)); comment on index i is 'new';",
    ),
    on("unique", T, "", "alter table t add constraint k unique (a, n);"),
    on(
        "unique with all its words",
        T,
        "",
        "alter table t add constraint k unique nulls not distinct (n) include (a) deferrable initially deferred;",
    ),
    on(
        "unique changed",
        T,
        "alter table t add constraint k unique (a);",
        "alter table t add constraint k unique (a, n);",
    ),
    on(
        "unique changed under a foreign key",
        U,
        "alter table t add constraint k unique (n);"
        "alter table u add constraint f foreign key (id) references t (n);",
        "alter table t add constraint k unique (n) deferrable;"
        "alter table t add constraint k2 unique (n);"
        "alter table u add constraint f foreign key (id) references t (n);",
    ),
    on("primary key", T.replace(" primary key", ""), "", "alter table t add primary key (id);"),
    on(
        "primary key changed",
        T,
        "",
        "alter table t drop constraint t_pkey, add primary key (id, a);",
    ),
    on(
        "foreign key",
        U,
        "",
        "alter table t add constraint f foreign key (n) references u (id) on delete cascade;",
    ),
    on(
        "foreign key to a new key",
        U,
        "",
        "alter table t add constraint k unique (n);"
        "alter table u add constraint f foreign key (id) references t (n);",
    ),
    on(
        "foreign key changed",
        U,
        "alter table t add constraint f foreign key (n) references u (id);",
        "alter table t add constraint f foreign key (n) references u (id) on delete set null;",
    ),
    on("check", T, "", "alter table t add constraint c check (n > 0 and a <> '');"),
    on(
        "check changed",
        T,
        "alter table t add constraint c check (n > 0);",
        "alter table t add constraint c check (n > -1); comment on constraint c on t is 'x';",
    ),
    on("not null", T, "", "alter table t alter a set not null;"),
    on(
        "not null with a default",
        T + "update t set a = null where id % 3 = 0;",
        "",
        "alter table t alter a set default 'x'; update t set a = 'x' where a is null;"
        "alter table t alter a set not null;",
    ),
    on("type", T, "", "alter table t alter n type bigint;"),
    on("type that rewrites nothing", T, "", "alter table t alter a type varchar;"),
    on(
        "type of a column with everything",
        U + "create function f() returns trigger language plpgsql as 'begin return new; end';",
        "alter table t alter n set not null, alter n set default 7, add constraint c check (n > 0),"
        " add constraint k unique (n), add constraint f foreign key (n) references u (id);"
        "create index i on t (a, (n + 1)) where n > 2; comment on column t.n is 'number';"
        "create view v as select id, n from t;"
        "alter table u add constraint f2 foreign key (id) references t (n);"
        "create statistics s on n, id from t; alter table t alter n set statistics 50;"
        "create trigger g before update of n on t for each row execute function f();",
        "alter table t alter n type bigint;"
        "alter table t alter n set not null, alter n set default 7, add constraint c check (n > 0),"
        " add constraint k unique (n), add constraint f foreign key (n) references u (id);"
        "create index i on t (a, (n + 1)) where n > 2; comment on column t.n is 'number';"
        "create view v as select id, n from t;"
        "alter table u add constraint f2 foreign key (id) references t (n);"
        "create statistics s on n, id from t; alter table t alter n set statistics 50;"
        "create trigger g before update of n on t for each row execute function f();",
    ),
    Change(
        "type of a serial key",
        "create table t (id serial primary key, a text); insert into t (a) select g::text from generate_series(1, 9) g;"
        "create table u (t_id int references t (id) on delete cascade); insert into u values (3);",
        "create table t (id bigserial primary key, a text); create table u (t_id int references t (id) on delete cascade);",
    ),
    Change(
        "type of an identity key and of what refers to it",
        "create table t (id int generated always as identity primary key, a text); insert into t (a) select g::text from generate_series(1, 9) g;"
        "create table u (id int primary key, t_id int not null references t (id)); create index on u (t_id); insert into u values (1, 3);",
        "create table t (id bigint generated always as identity primary key, a text);"
        "create table u (id int primary key, t_id bigint not null references t (id)); create index on u (t_id);",
    ),
    Change(
        "json to jsonb, with values of NULL",
        """create table "a-T" ("select" uuid primary key default gen_random_uuid(), "A b" json, c json not null default '{}');
        insert into "a-T" ("A b", c) select case when g % 2 = 0 then '{"a": 1}'::json end, '[1,  2]'::json from generate_series(1, 20) g;""",
        """create table "a-T" ("select" uuid primary key default gen_random_uuid(), "A b" jsonb, c jsonb not null default '{}');""",
    ),
    on(
        "type with SQL of one's own",
        T,
        "",
        "alter table t alter b type int using length(b) + n;",
        b="length(b) + n",
    ),
    on("collation", T, "", 'alter table t alter a type text collate "C"; create index i on t (a);'),
    on(
        "two types at once, without a key",
        T.replace(" primary key", ""),
        "",
        "alter table t alter n type numeric(12, 2), alter id type bigint;",
    ),
    on(
        "column with a volatile default",
        T,
        "",
        "alter table t add u uuid not null default gen_random_uuid();",
    ),
    on(
        "column with a volatile default, NULL allowed",
        T,
        "",
        "alter table t add u uuid default gen_random_uuid();",
    ),
    on("column with a steady default", T, "", "alter table t add u int not null default 3;"),
    on(
        "column that is not null and told from others",
        T,
        "",
        "alter table t add u int; update t set u = n * 2; alter table t alter u set not null, add constraint c check (u > 0);",
        u="n * 2",
    ),
    on("identity", T, "", "alter table t add u bigint generated by default as identity;"),
    on(
        "identity that counts down",
        T,
        "",
        "alter table t add u int generated always as identity (increment -5 start -3 minvalue -99999);",
    ),
    on("serial", T, "", "alter table t add u bigserial;"),
    on("stored column", T, "", "alter table t add u int generated always as (n * 2) stored;"),
    on("exclusion", T, "", "alter table t add constraint e exclude using btree (n with =);"),
    on(
        "type under a generated column",
        T,
        "alter table t add u int generated always as (n * 2) stored;",
        "alter table t add u int generated always as (n * 2) stored; alter table t alter u type bigint;",
    ),
    on(
        "column and table dropped",
        U,
        "create index on t (n); create index on t (a);",
        "alter table t drop n; drop table u;",
    ),
    on(
        "renamed and much more",
        U,
        "alter table t add constraint old unique (a); create index j on t (n);",
        "alter table t add constraint better unique (a); create index j on t (n, id);"
        "alter table t alter n type bigint, alter b set not null, add x uuid not null default gen_random_uuid(),"
        " add constraint f foreign key (n) references u (id); create index k on t (x); create table w (id int primary key, t int references t (id));",
    ),
]
