"""Constraints."""

from kit.plan.cases.case import T, pair

CASES = [
    pair(
        "primary key",
        "create table t (id int not null);",
        "",
        "alter table t add primary key (id);",
    ),
    pair(
        "primary key changed",
        "create table t (a int not null, b int not null);",
        "alter table t add primary key (a);",
        "alter table t add primary key (a, b);",
    ),
    pair(
        "primary key renamed",
        "create table t (a int not null);",
        "alter table t add constraint x primary key (a);",
        "alter table t add constraint y primary key (a);",
    ),
    pair(
        "primary key below a reference",
        "",
        "create table a (x int primary key, y int unique); create table b (a int references a (x));",
        "create table a (x int not null, y int primary key); create table b (a int references a (y));",
    ),
    pair("unique", T, "", "alter table t add unique (a);"),
    pair(
        "unique nulls",
        T,
        "alter table t add constraint u unique (a);",
        "alter table t add constraint u unique nulls not distinct (a);",
    ),
    pair(
        "unique include",
        T,
        "alter table t add constraint u unique (a);",
        "alter table t add constraint u unique (a) include (n);",
    ),
    pair(
        "unique deferrable",
        T,
        "alter table t add constraint u unique (a);",
        "alter table t add constraint u unique (a) deferrable initially deferred;",
    ),
    pair(
        "unique below a reference",
        T,
        "alter table t add constraint u unique (a); create table r (a text references t (a));",
        "alter table t add constraint u unique (a) include (n); create table r (a text references t (a));",
    ),
    pair(
        "unique to index",
        T,
        "alter table t add constraint u unique (a);",
        "create unique index u on t (a);",
    ),
    pair("check", T, "", "alter table t add constraint c check (n > 0);"),
    pair(
        "check changed",
        T,
        "alter table t add constraint c check (n > 0);",
        "alter table t add constraint c check (n > 1);",
    ),
    pair(
        "check not valid",
        T,
        "alter table t add constraint c check (n > 0) not valid;",
        "alter table t add constraint c check (n > 0);",
    ),
    pair(
        "check renamed",
        T,
        "alter table t add constraint c check (n > 0);",
        "alter table t add constraint d check (n > 0);",
    ),
    pair(
        "check not enforced",
        T,
        "",
        "alter table t add constraint c check (n > 0) not enforced;",
        only18=True,
    ),
    pair("check no inherit", T, "", "alter table t add constraint c check (n > 0) no inherit;"),
    pair(
        "exclude",
        "create table t (a int, r int4range);",
        "",
        "alter table t add constraint e exclude using gist (r with &&);",
    ),
    pair(
        "exclude changed",
        "create table t (a int, r int4range);",
        "alter table t add constraint e exclude using gist (r with &&);",
        "alter table t add constraint e exclude using gist (r with &&) where (a > 0);",
    ),
    pair(
        "without overlaps",
        "create extension btree_gist; create table t (a int, r int4range);",
        "",
        "alter table t add constraint e unique (a, r without overlaps);",
        only18=True,
    ),
    pair(
        "foreign key",
        T + "create table r (t int);",
        "",
        "alter table r add foreign key (t) references t;",
    ),
    pair(
        "foreign key actions",
        T + "create table r (t int);",
        "alter table r add constraint k foreign key (t) references t;",
        "alter table r add constraint k foreign key (t) references t on delete cascade on update set null;",
    ),
    pair(
        "foreign key deferrable",
        T + "create table r (t int);",
        "alter table r add constraint k foreign key (t) references t;",
        "alter table r add constraint k foreign key (t) references t deferrable initially deferred;",
    ),
    pair(
        "foreign key not valid",
        T + "create table r (t int);",
        "alter table r add constraint k foreign key (t) references t not valid;",
        "alter table r add constraint k foreign key (t) references t;",
    ),
    pair(
        "foreign key set null of some",
        "create table t (a int, b int, primary key (a, b)); create table r (a int, b int);",
        "",
        "alter table r add foreign key (a, b) references t on delete set null (b);",
    ),
    pair(
        "foreign key match full",
        "create table t (a int, b int, primary key (a, b)); create table r (a int, b int);",
        "",
        "alter table r add foreign key (a, b) references t match full;",
    ),
    pair(
        "constraint of another kind",
        T,
        "alter table t add constraint k unique (n);",
        "alter table t add constraint k check (n > 0);",
    ),
]
