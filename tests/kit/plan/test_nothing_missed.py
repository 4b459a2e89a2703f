"""Every object of a database is a fact, a part of one, or named as unmodelled."""

import asyncpg

from chatkeep.kit.catalog.fact import Kind
from chatkeep.kit.catalog.reader import read_catalog
from kit.plan.cases.case import R

EVERYTHING = """
create schema app; create extension pg_trgm; create collation co (locale = 'C');
create type st as enum ('a'); create domain d as int constraint k check (value > 0);
create type c as (x int); create type r as range (subtype = int); create sequence q;
create table p (id bigint generated always as identity primary key, g int, v int generated always as (g * 2) stored,
  s st default 'a') partition by range (id);
create index pi on p (g); create table p1 partition of p for values from (1) to (9);
create table t (id serial primary key, a text not null default 'x' check (a <> ''), p bigint references p, u int unique,
  e int4range, exclude using gist (e with &&));
create statistics stat on a, u from t; alter table t replica identity full; alter table t cluster on t_pkey;
create function f() returns trigger language plpgsql as 'begin return new; end';
create procedure pr() language sql as 'select 1';
create trigger g before insert on t for each row execute function f();
create trigger g before insert on p for each row execute function f();
create view v as select a from t; alter view v alter a set default 'z'; create materialized view m as select a from t;
create index mi on m (a); create rule ru as on delete to t do instead nothing; create policy po on t using (true);
create publication pub for table t; comment on table t is 't'; alter table t owner to writer;
grant select on v to reader; alter default privileges grant select on tables to reader;
create function ef() returns event_trigger language plpgsql as 'begin end';
create event trigger ev on ddl_command_end execute function ef();
create aggregate agg (int) (sfunc = int4pl, stype = int); create operator === (leftarg = int, rightarg = int, function = int4eq);
create cast (text as c) with inout; create text search configuration ts (copy = simple);
create text search dictionary td (template = simple); create access method am type index handler bthandler;
create foreign data wrapper w; create server se foreign data wrapper w; create foreign table ft (a int) server se;
create table ty of c; create table child () inherits (ty); create operator family of using btree;
create conversion conv for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
"""

_OBJECTS = """
with recursive members as (
  select distinct d.classid, d.objid from pg_depend d where d.objid >= 16384 and d.deptype <> 'e'
  union select 'pg_class'::regclass, oid from pg_class where oid >= 16384 and relnamespace <> 'pg_toast'::regnamespace
  union select 'pg_proc'::regclass, oid from pg_proc where oid >= 16384
  union select 'pg_type'::regclass, oid from pg_type where oid >= 16384
  union select 'pg_namespace'::regclass, oid from pg_namespace where oid >= 16384
  union select 'pg_extension'::regclass, oid from pg_extension where oid >= 16384
)
select distinct o.type, o.identity from members m, pg_identify_object(m.classid, m.objid, 0) o
where not exists (select 1 from pg_depend e where (e.classid, e.objid) = (m.classid, m.objid) and e.deptype in ('e', 'i'))
  and coalesce(o.schema, '') not like 'pg\\_%'
  and o.type not in ('function of access method', 'operator of access method')  -- their class is named
"""
_PARTS = {  # PostgreSQL's words for what belongs to a fact of ours
    "index": {Kind.INDEX, Kind.PRIMARY_KEY, Kind.UNIQUE, Kind.EXCLUDE},
    "table constraint": {Kind.PRIMARY_KEY, Kind.UNIQUE, Kind.CHECK, Kind.EXCLUDE, Kind.FOREIGN_KEY},
    "domain constraint": {Kind.DOMAIN},
    "default value": {Kind.DEFAULT, Kind.COLUMN, Kind.VIEW_DEFAULT},
    "type": {Kind.ENUM, Kind.DOMAIN, Kind.COMPOSITE, Kind.RANGE, Kind.TABLE, Kind.VIEW},
    "composite type": {Kind.COMPOSITE},
    "procedure": {Kind.FUNCTION},
    "statistics object": {Kind.STATISTICS},
    "publication relation": {Kind.PUBLICATION},
    "publication namespace": {Kind.PUBLICATION},
    "default acl": {Kind.DEFAULT_PRIVILEGES},
}


async def test_each_kind_of_object_is_known_or_named(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("set client_min_messages = error;" + R + EVERYTHING)
        catalog = await read_catalog(connection)
        objects = [(row[0], row[1]) for row in await connection.fetch(_OBJECTS)]
    finally:
        await connection.close()
    kinds = {key.kind for key in catalog.facts}
    named = {found.kind for found in catalog.unmodelled}
    missed = [
        (type_, identity)
        for type_, identity in objects
        if not kinds & _PARTS.get(type_, set())
        and type_ not in {kind.value for kind in kinds}
        and type_.replace("server", "foreign server") not in named
        and type_ not in named
    ]
    assert len(objects) > 50
    assert missed == []
    assert set(Kind) - kinds == set()
