"""Partitioned tables: CREATE TABLE … PARTITION BY, ATTACH, DETACH, and what reaches partitions."""

from kit.plan.cases.case import F, pair

P = "create table p (id int not null, a text, n int) partition by range (id);"
X = "create table x partition of p for values from (1) to (10);"
Y = "create table y partition of p for values from (10) to (20);"
D = "create table d partition of p default;"
ROWS = "insert into p (id, a, n) values (1, '1', 5), (2, null, 6);"


def case(name: str, old: str, new: str, base: str = P + X):
    return pair(f"partition: {name}", base, old, new, rows=ROWS if X in base else "")


CASES = [
    case("range", "", P + X + Y + D, ""),
    case(
        "list",
        "",
        "create table l (k text, v int) partition by list (k); create table l1 partition of l for values in ('a', 'b'); create table l2 partition of l for values in (null);",
        "",
    ),
    case(
        "hash",
        "",
        "create table h (k int) partition by hash (k); create table h0 partition of h for values with (modulus 2, remainder 0); create table h1 partition of h for values with (modulus 2, remainder 1);",
        "",
    ),
    case(
        "by an expression",
        "",
        "create table e (t timestamptz, k int) partition by range (date_trunc('day', t at time zone 'UTC'), k);",
        "",
    ),
    case("new one", "", Y),
    case("default one", "", D),
    case("bound", Y, "create table y partition of p for values from (10) to (30);"),
    case(
        "attached", "create table y (id int not null, a text, n int);", Y
    ),
    case(
        "attached and altered",
        "create table y (id int not null, a varchar(9));",
        Y,
    ),
    case(
        "below another",
        "",
        "create table s partition of p for values from (30) to (40) partition by list (n); create table s1 partition of s for values in (1);",
    ),
    case(
        "two levels get a column",
        "",
        "alter table p add c int default 4 check (c > 1);",
        P
        + X
        + "create table s partition of p for values from (30) to (40) partition by list (n); create table s1 partition of s for values in (1);",
    ),
    case("column", "", "alter table p add c int not null default 3;"),
    case("column of one default more", "", "alter table p add c int default 3; alter table only x alter c set default 4;"),
    case("type", "", "alter table p alter n type bigint;"),
    case("type below a view of a part", "create view v as select n from x;", "alter table p alter n type bigint; create view v as select n from x;"),
    case("not null", "", "alter table p alter n set not null;"),
    case("not null of one part", "", "alter table x alter n set not null;"),
    case("nullable, but for one part", "alter table p alter n set not null;", "alter table x alter n set not null;"),
    case("default", "", "alter table p alter n set default 7;", P + X + Y),
    case("default of one part", "", "alter table x alter n set default 7;", P + X + Y),
    case(
        "other defaults",
        "alter table p alter n set default 7;",
        "alter table p alter n set default 8; alter table only x alter n set default 9;",
        P + X + Y,
    ),
    case(
        "not null with a new default",
        "",
        "alter table p alter a set default 'x'; update p set a = 'x' where a is null; alter table p alter a set not null;",
    ),
    case("storage and statistics", "", "alter table p alter a set storage external; alter table p alter n set statistics 9;"),
    case("generated", "", "alter table p add g int generated always as (n * 2) stored;"),
    case("check", "", "alter table p add constraint k check (n > 0);", P + X + Y),
    case("check changed", "alter table p add constraint k check (n > 0);", "alter table p add constraint k check (n > 1);"),
    case("check not valid", "alter table p add constraint k check (n > 0) not valid;", "alter table p add constraint k check (n > 0);"),
    case("check of one part", "", "alter table x add constraint k check (n > 0);"),
    case("primary key", "", "alter table p add primary key (id);", P + X + Y),
    case("primary key changed", "alter table p add primary key (id);", "alter table p alter n set not null; alter table p add primary key (id, n);"),
    case("unique", "", "alter table p add constraint u unique nulls not distinct (id, n);"),
    case("index", "", "create index i on p (n) where n > 0;", P + X + Y),
    case("index with another name below", "", "create index i on only p (n); create index xi on x (n); alter index i attach partition xi;"),
    case("index attached", "create index xi on x (n);", "create index i on only p (n); create index xi on x (n); alter index i attach partition xi;"),
    case("index of one part", "", "create index i on x (n desc);"),
    case("index of two levels", "", "create index i on p (n);", P + "create table s partition of p for values from (30) to (40) partition by list (n); create table s1 partition of s for values in (1);"),
    case("index changed", "create index i on p (n);", "create index i on p (n desc);"),
    case("new one of an indexed table", "", Y, P + X + "alter table p add primary key (id); create index i on p (n);"),
    case("attached one with an index of its own", "create table y (id int not null, a text, n int); create index mine on y (n);", "create table y (id int not null, a text, n int); create index mine on y (n); alter table p attach partition y for values from (10) to (20);", P + X + "create index i on p (n);"),
    case("foreign key", "", "alter table p add foreign key (n) references r on delete set null;", "create table r (id int primary key); " + P + "create table x partition of p for values from (1) to (10) ;"),
    case("foreign key to one", "create table r (id int);", "create table r (id int references p);", P + X + "alter table p add primary key (id);"),
    case("trigger", "", "create trigger g before insert on p for each row execute function f();", F + P + X),
    case("row security", "", "alter table p enable row level security; create policy o on p using (id > 0);"),
    case("comment", "", "comment on table x is 'x'; comment on column x.n is 'n';"),
    case("identity of the whole", "", "create table i (id bigint generated always as identity, v int) partition by range (v); create table i1 partition of i for values from (1) to (2);", ""),
    case("whole becomes a table", P + X, "create table p (id int not null, a text, n int);", "select 1;"),
]  # fmt: skip
