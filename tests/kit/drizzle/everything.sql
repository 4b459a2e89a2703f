-- One of everything that drizzle can say, and of most that it cannot; names that are hard to carry.
create schema app;
create type mood as enum ('sad', 'it''s "ok"', 'a\b');
create type app.level as enum ('low', 'high');
create domain email as text check (value like '%@%');
create sequence app.ticket as bigint start 100 increment 5 minvalue 10 maxvalue 100000 cache 3 cycle;
create sequence countdown increment -1;
create sequence small as smallint;

create table parent (
    id bigint generated always as identity (start 7 increment 3 cycle) primary key,
    "odd Name" text default 'it''s' not null,
    "back`tick" text default 'a${b}`\c',
    "1" integer default 1,
    "_" boolean default true,
    "enable_RLS" boolean,
    "enableRLS" boolean default false,
    user_id integer,
    "userId" integer,
    "select" text
);
create table app.child (
    id serial primary key,
    big bigserial not null,
    small smallserial not null,
    parent_id bigint references parent (id) on delete cascade on update restrict,
    other_id bigint references parent (id) on delete set null,
    level app.level default 'low',
    moods mood[] default '{}',
    mood mood default 'it''s "ok"' not null,
    constraint child_other_unique unique nulls not distinct (other_id)
);
create table types (
    a uuid default gen_random_uuid(), b smallint default 1, c integer default -2, d bigint default 3,
    e real default 1.5, f double precision default 2.5, g numeric default 1, h numeric(10) default 5,
    i numeric(10, 2) default 1.50, j varchar(20) default 'x', k varchar, l char(3), m text[] default '{}',
    n boolean default true, o date default current_date, p time, q time(3) with time zone, r timestamp,
    s timestamp(3) with time zone default now(), t interval, u interval(3), v interval day to second(3),
    w json default '{"a": "it''s"}', x jsonb default '[]', y inet, z cidr,
    aa macaddr, ab macaddr8, ac point, ad line, ae bit(3), af varbit(5), ag bytea default '\x00',
    ah tsvector, ai int4range, aj xml, ak oid, al money, am email, an email[], ao integer[] default '{1,2}',
    ap varchar(5)[], aq bigint default 9223372036854775807, ar numeric(4, -2), "as" "char", at timestamptz default '2020-01-01',
    constraint types_key primary key (b, c)
);
create table keyed (a integer, b integer, c integer not null, d integer,
    total integer generated always as (a + b) stored,
    constraint keyed_named primary key (a),
    constraint keyed_two unique (b, c), constraint "semi;colon" check (a <> 0 and b::text <> ';--,,'),
    foreign key (b, d) references keyed (b, c));
create table one_to_one (user_id bigint primary key references parent (id), note text);
create table loop_a (id integer primary key, b_id integer);
create table loop_b (id integer primary key, a_id integer references loop_a (id));
alter table loop_a add foreign key (b_id) references loop_b (id);
create table "text" ("integer" integer primary key, sql text, t text, relations text);
create table "user-data" (id integer primary key);
create table "UserData" (id integer primary key, "user-data_id" integer references "user-data" (id));
create table app.parent (id integer primary key);

create index on parent (lower("odd Name"));
create index partial on parent (user_id desc, "userId" nulls first) where user_id > 0 and "select" <> ';';
create index strange on parent ((("odd Name" || '--' || ',,')));
create index mixed on parent (user_id desc nulls last, "odd Name" text_pattern_ops, lower("select") varchar_pattern_ops desc);
create index tags on types using gin (m) with (fastupdate = off);
create index hashed on types using hash (j);
create unique index only_one on types (j) where n;
create index covering on types (a) include (b);

alter table parent enable row level security;
alter table types enable row level security;
create policy own on parent for select to public using ("odd Name" <> 'a--b;') ;
create policy strict on parent as restrictive for all to current_user using (true) with check (user_id > 0);

create view grown with (security_invoker = true) as select id, "odd Name", 'a`b\c${d}'::text as said from parent;
create view app.levels as select level, mood, moods from app.child where mood is not null;
create materialized view sums as select c, count(*) as n from types group by c;

create unlogged table cache (id integer primary key, body text collate "C") with (fillfactor = 70);
comment on table cache is 'What */ is kept';
comment on column cache.body is E'two\nlines';
create function touched() returns trigger language plpgsql as 'begin return new; end';
create trigger touch before update on parent for each row execute function touched();
create table deferred (id integer primary key, p bigint references parent (id) deferrable);
create table measured (at date not null, value integer) partition by range (at);
create table measured_2026 partition of measured for values from ('2026-01-01') to ('2027-01-01');
create index measured_at on measured (at);
alter table keyed replica identity full;
create rule quiet as on delete to cache do instead nothing;
create type nothing as enum ();
create table hollow ();
create sequence lent as integer;
create table borrower (id integer default nextval('lent'), n nothing);
alter sequence lent owned by borrower.id;
