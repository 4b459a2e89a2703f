"""Renames of every kind, with what hangs on the renamed thing."""

from dataclasses import dataclass

from kit.plan.cases.case import R


@dataclass(frozen=True)
class Renamed:
    """One change with names: the second side is the first, respelled where `old` and `new` say so.

    Attributes:
        sql: Of the first side.
        given: As `--rename` takes it.
        spelled: Pairs of what stands in the first side and in the second.
        more: Actions of the plan other than renames.
    """

    name: str
    sql: str
    given: tuple[str, ...]
    spelled: tuple[tuple[str, str], ...]
    more: tuple[str, ...] = ()
    rows: str = ""

    @property
    def goal(self) -> str:
        text = self.sql
        for old, new in self.spelled:
            assert old in text, (self.name, old)
            text = text.replace(old, new)
        return text


SCHEMA = """
create schema app;
create type app.st as enum ('a', 'b');
create domain app.short as text constraint short_check check (length(value) < 9) default 'x';
create type app.pair as (x app.st, y app.short);
create type app.span as range (subtype = int4);
create sequence app.numbers;
create function app.twice(x int) returns int language sql immutable as 'select x * 2';
create function app.stamp() returns trigger language plpgsql as 'begin return new; end';
create function app.of(s app.st, variadic l app.short[]) returns setof app.pair language sql
  begin atomic select row(s, e)::app.pair from unnest(l) e; end;
create table app.users (
  id int generated always as identity primary key, mail app.short not null unique,
  s app.st default 'a'::app.st check (s <> 'b'::app.st), l app.st[] default '{a}', v app.pair, r app.span,
  n int default nextval('app.numbers'), m int generated always as (app.twice(1)) stored,
  c regclass default 'app.users'::regclass
);
create table app.posts (id serial primary key, user_id int references app.users on delete cascade, n int check (app.twice(n) > 0));
create index posts_i on app.posts (app.twice(n)) where n > 1;
create statistics app.posts_s on n, user_id from app.posts;
create view app.v as select u.id, p.n from app.users u join app.posts p on p.user_id = u.id;
create view over as select v.id, posts.n from app.v, app.posts;
create materialized view app.m as select s, count(*) from app.users group by s;
create unique index m_i on app.m (s);
create trigger g before insert on app.posts for each row execute function app.stamp();
create rule nothing as on delete to app.posts do instead nothing;
alter table app.posts enable row level security;
create policy mine on app.posts using (user_id in (select id from app.users where s = 'a'::app.st));
alter view app.v alter column n set default 3;
alter table app.users replica identity using index users_mail_key;
comment on schema app is 'ours';
comment on table app.users is 'people';
comment on column app.users.mail is 'address';
comment on type app.st is 'state';
comment on function app.twice(int) is 'twice';
comment on constraint short_check on domain app.short is 'short';
"""
GRANTS = (
    R
    + """
grant usage on schema app to reader;
grant select on app.users, app.v to reader;
grant update (mail) on app.users to writer;
grant usage on sequence app.numbers to writer;
grant execute on function app.twice(int) to writer;
revoke usage on type app.st from public;
alter default privileges in schema app grant select on tables to reader;
"""
)
ST = "create type st as enum ('a', 'b');"

CASES = [
    Renamed(
        "schema with everything in it",
        SCHEMA,
        ("app:core",),
        (("app.", "core."), ("schema app", "schema core")),
        rows="insert into app.users (mail, v) values ('a', row('a', 'b')); insert into app.posts (user_id, n) values (1, 2);",
    ),
    Renamed(
        "schema with grants",
        SCHEMA + GRANTS,
        ("schema:app:core",),
        (("app.", "core."), ("schema app", "schema core")),
    ),
    Renamed(
        "schema of a strange name",
        'create schema "My App"; create table "My App"."T" (id serial); create view v as select id from "My App"."T";',
        ("My App:app",),
        (('"My App"', "app"),),
    ),
    Renamed(
        "schema with a table of its name",
        """create schema chat; create table chat.chat (id int, n int); create table chat.line (chat_id int, id int);
           alter table chat.line enable row level security;
           create policy p on chat.line using (chat_id in (select chat.id from chat.chat where chat.n = line.id));
           create materialized view m as select chat.id from chat.chat join chat.line on chat.id = line.chat_id;""",
        ("schema:chat:talk",),
        (
            (" chat.chat", " talk.chat"),
            (" chat.line", " talk.line"),
            ("schema chat", "schema talk"),
        ),
    ),
    Renamed(
        "schema, table and column at once",
        "create schema app; create table app.users (id serial primary key, bio text); create view v as select id from app.users;",
        ("app:core", "app.users:people", "core.people.bio:about"),
        (("app.", "core."), ("schema app", "schema core"), ("users", "people"), ("bio", "about")),
        rows="insert into app.users (bio) values ('x');",
    ),
    Renamed(
        "schema in a publication",
        "create schema app; create table app.t (id int primary key); create publication p for tables in schema app, table app.t where (id > 1);",
        ("app:core",),
        (("app.", "core."), ("schema app", "schema core")),
    ),
    Renamed(
        "enum below much",
        ST
        + """create domain d as st check (value <> 'b'); create type c as (s st);
             create function f(s st) returns st language sql as 'select s';
             create function g(s st[] default '{a}') returns st language sql begin atomic select s[1]; end;
             create table t (s st default 'a' check (s <> 'b'), l st[] default array['a'::st], w d, v c);
             create index i on t (s) where s = 'a'; create view v as select s from t where s = 'b';
             create materialized view m as select s, f(s) from t;
             comment on function f(st) is 'f'; comment on type st is 'state';""",
        ("st:state",),
        (("st ", "state "), ("st)", "state)"), ("st[", "state["), ("::st", "::state")),
        rows="insert into t (s) values ('a');",
    ),
    Renamed(
        "enum and its labels",
        ST + "create table t (s st default 'a');",
        ("st:state", "state.a:x"),
        ((" st", " state"), ("'a'", "'x'")),
        rows="insert into t values ('a'), ('b');",
    ),
    Renamed(
        "enum with a new label",
        "create type st as enum ('a'); create table t (s st);",
        ("st:state",),
        ((" st", " state"), ("('a')", "('a', 'b')")),
        more=("alter",),
    ),
    Renamed(
        "enum with grants",
        R + ST + "grant usage on type st to reader; revoke usage on type st from public;",
        ("public.st:state",),
        ((" st", " state"),),
    ),
    Renamed(
        "domain with checks",
        """create domain d as text default 'x' not null check (value <> '') check (length(value) < 9);
           create table t (a d, b d[]); create function f(d) returns d language sql as 'select $1';
           comment on constraint d_check on domain d is 'c'; comment on domain d is 'd';""",
        ("d:short",),
        (
            (" d ", " short "),
            ("a d,", "a short,"),
            ("b d[", "b short["),
            ("(d)", "(short)"),
            ("d_check", "short_check"),
        ),
        rows="insert into t values ('a', '{b}');",
    ),
    Renamed(
        "domain with another default",
        "create domain d as int default 1; create table t (a d);",
        ("d:number",),
        ((" d ", " number "), (" d)", " number)"), ("default 1", "default 2")),
        more=("alter",),
    ),
    Renamed(
        "composite type",
        """create type c as (x int, y text); create table t (v c, l c[]); create index i on t (((v).x));
           create function f(c) returns setof c language sql as 'select $1'; create view w as select (v).x from t;
           comment on type c is 'c'; comment on column c.x is 'x';""",
        ("c:place",),
        (
            (" c ", " place "),
            ("v c,", "v place,"),
            ("l c[", "l place["),
            ("(c)", "(place)"),
            (" c.x", " place.x"),
        ),
        rows="insert into t values (row(1, 'a'), array[row(2, 'b')::c]);",
    ),
    Renamed(
        "attribute of a composite type",
        """create type c as (x int, y text); create table t (v c check ((v).x > 0));
           create index i on t (((v).x)) where (v).y <> ''; comment on column c.x is 'x';""",
        ("c.x:lat",),
        (("(x int", "(lat int"), (").x", ").lat"), ("c.x", "c.lat")),
        rows="insert into t values (row(1, 'a'));",
    ),
    Renamed(
        "view below views",
        """create table t (id int primary key, a text); create table z (id int);
           create view v with (security_barrier = true) as select id, a from t;
           create view w as select v.id, z.id as other from v join z on v.id = z.id where v.a <> '';
           create materialized view m as select v.* from v, z;
           create function f() returns setof v language sql begin atomic select * from v; end;
           create function g(v) returns int language sql as 'select $1.id';
           create function h() returns trigger language plpgsql as 'begin return new; end';
           create trigger i instead of insert on v for each row execute function h();
           create rule r as on delete to v do instead delete from t where t.id = old.id;
           alter view v alter column a set default 'x';
           comment on view v is 'v'; comment on column v.a is 'a'; comment on function g(v) is 'g';""",
        ("v:seen",),
        (
            (" v ", " seen "),
            (" v.", " seen."),
            (" v,", " seen,"),
            (" v;", " seen;"),
            ("(v)", "(seen)"),
        ),
        rows="insert into t values (1, 'a'); refresh materialized view m;",
    ),
    Renamed(
        "view with grants",
        R
        + "create table t (id int, a text); create view v as select * from t; grant select on v to reader; grant update (a) on v to writer;",
        ("view:v:seen",),
        ((" v ", " seen "),),
    ),
    Renamed(
        "view changed as well",
        "create table t (id int, a text); create view v as select id from t; create view w as select id from v;",
        ("v:seen",),
        (("view v as select id", "view seen as select id, a"), ("from v;", "from seen;")),
        more=("alter",),
    ),
    Renamed(
        "materialized view",
        """create table t (id int, a text); create materialized view m as select id, a from t;
           create unique index m_i on m (id); create index m_j on m (lower(a)) where id > 1;
           create view w as select id from m; comment on materialized view m is 'm'; comment on column m.a is 'a';""",
        ("m:kept",),
        ((" m ", " kept "), (" m.", " kept."), ("from m;", "from kept;")),
    ),
    Renamed(
        "function below much",
        """create function f(x int) returns int language sql immutable as 'select x';
           create function k() returns int language sql as 'select 1';
           create domain d as int check (f(value) > 0) default f(1);
           create table t (a int default f(1) check (f(a) > 0), b int generated always as (f(1)) stored, c d,
                           e regprocedure default 'f(int)'::regprocedure, p regproc default 'k'::regproc);
           create index i on t (f(a)) where f(a) > 1; create statistics s on (f(a)), (f(b)) from t;
           create view v as select f(a) as a from t; create materialized view m as select f(a) as a from t;
           create policy p on t using (f(a) > 1) with check (f(a) > 2);
           create function g() returns int language sql begin atomic select f(2) as a; end;
           create function h() returns trigger language plpgsql as 'begin return new; end';
           create function f(text) returns text language sql as 'select $1'; create view w as select f('x') as x;
           create trigger g before update on t for each row when (f(new.a) > 1) execute function h();
           comment on function f(int) is 'f';""",
        ("f(x integer):twice",),
        (
            ("f(x int)", "twice(x int)"),
            ("(f(", "(twice("),
            ("select f(2)", "select twice(2)"),
            ("select f(a)", "select twice(a)"),
            ("default f(1)", "default twice(1)"),
            ("'f(int)'", "'twice(int)'"),
            ("where f(", "where twice("),
            ("function f(int)", "function twice(int)"),
        ),
        rows="insert into t values (1);",
    ),
    Renamed(
        "functions of one name",
        """create function f(int) returns int language sql as 'select 1'; create function f(text) returns int language sql as 'select 2';
           create view v as select f(1) as a, f('x') as b; create table t (p regprocedure default 'f(int)'::regprocedure); create function k(int) returns int language sql as 'select 3';""",
        ("f:g",),
        ((" f(", " g("), ("'f(", "'g(")),
    ),
    Renamed(
        "one of two functions of one name",
        """create function f(int) returns int language sql as 'select 1'; create function f(text) returns int language sql as 'select 2';
           create view v as select f(1) as a; create view w as select f('x') as b;""",
        ("f(integer):g",),
        (("f(int)", "g(int)"), ("f(1)", "g(1)")),
    ),
    Renamed(
        "function and the type that it takes",
        ST
        + "create function f(a st, b st[]) returns st language sql as 'select a'; create table t (s st default f('a', '{b}'));",
        ("f:g", "st:state"),
        ((" st", " state"), (" f(", " g(")),
    ),
    Renamed(
        "function of which the body says its name",
        "create function f(x int) returns int language sql as 'select 1'; create function g() returns int language sql as 'select f(1)';",
        ("f:h",),
        (("f(", "h("),),
        more=("alter",),
    ),
    Renamed(
        "procedure",
        R
        + "create procedure p(x int) language sql as 'select 1'; comment on procedure p is 'p'; grant execute on procedure p to reader; revoke execute on procedure p from public;",
        ("function:p:q",),
        (("procedure p", "procedure q"),),
    ),
    Renamed(
        "function of an event trigger",
        "create function e() returns event_trigger language plpgsql as 'begin end'; create event trigger t on ddl_command_end execute function e();",
        ("e():f",),
        ((" e()", " f()"),),
    ),
    Renamed(
        "sequence by itself",
        R
        + """create sequence s start 5; create table t (id int default nextval('s'), n text default 's');
             comment on sequence s is 's'; grant usage on sequence s to reader;""",
        ("s:numbers",),
        (("sequence s ", "sequence numbers "), ("nextval('s')", "nextval('numbers')")),
        rows="insert into t default values;",
    ),
    Renamed(
        "sequence and enum of one name",
        "create sequence st; create type st as enum ('a'); create table t (n int default nextval('st'), s st);",
        ("sequence:st:numbers", "type:st:state"),
        (
            ("sequence st", "sequence numbers"),
            ("nextval('st')", "nextval('numbers')"),
            ("type st", "type state"),
            ("s st", "s state"),
        ),
        rows="insert into t default values;",
    ),
    Renamed(
        "index that a table goes by",
        """create table t (id int not null, n int); create unique index i on t (id); alter table t replica identity using index i;
           alter table t cluster on i; comment on index i is 'i';""",
        ("i:t_by_id",),
        ((" i ", " t_by_id "), (" i;", " t_by_id;")),
    ),
    Renamed(
        "constraint",
        "create table t (id int constraint a primary key, n int constraint b check (n > 0)); comment on constraint a on t is 'a';",
        ("t.a:t_pkey", "constraint:t.b:positive"),
        (("constraint a", "constraint t_pkey"), ("constraint b", "constraint positive")),
    ),
    Renamed(
        "table below much",
        R
        + """create table users (id int primary key, a text); create table z (id int, u users);
             create function f(users) returns text language sql as 'select $1.a'; comment on function f(users) is 'f';
             create function g() returns setof users language sql begin atomic select * from users; end;
             create view v as select users.id, z.id as other from users join z on z.id = users.id;
             create materialized view m as select users.id, z.id as other from users join z on z.id = users.id;
             create table k (c regclass default 'users'::regclass);
             create policy p on users using (exists (select from z where z.id = users.id));
             create policy q on z using (id in (select users.id from users));
             create rule r as on delete to users do also insert into z (id) values (old.id);
             grant select on users to reader; grant update (a) on users to writer; comment on table users is 'u';
             create publication p for table users where (id > 1);""",
        ("users:people",),
        (("users", "people"),),
        rows="insert into users values (1, 'a');",
    ),
    Renamed(
        "column with a grant",
        R
        + "create table t (id int, bio text); grant update (bio) on t to writer; comment on column t.bio is 'b';",
        ("t.bio:about",),
        (("bio", "about"),),
    ),
]
