"""Publications, replica identity, clustering, rules and event triggers."""

from kit.plan.cases.case import T, pair

U = T + "create table u (id int primary key, v text, w int);"
EF = "create function ef() returns event_trigger language plpgsql as 'begin end';"


def case(name: str, old: str, new: str, base: str = U):
    return pair(name, base, old, new)


CASES = [
    case("publication", "", "create publication pub for table t;"),
    case("publication of all", "", "create publication pub for all tables;"),
    case("publication of nothing", "", "create publication pub;"),
    case("publication of a schema", "", "create publication pub for tables in schema public;"),
    case("publication of columns and rows", "", "create publication pub for table t (id, a), table u where (id > 5);"),
    case("publication with another table", "create publication pub for table t;", "create publication pub for table t, u;"),
    case("publication options", "create publication pub for table t;", "create publication pub for table t with (publish = 'insert', publish_via_partition_root = true);"),
    case("publication from some to all", "create publication pub for table t;", "create publication pub for all tables;"),
    case("publication of a table that goes", "create table z (id int); create publication pub for table t, z;", "create publication pub for table t;"),
    case("publication of a column with a new type", "create publication pub for table u where (w > 5);", "alter table u alter w type bigint; create publication pub for table u where (w > 5);"),
    case("publication comment", "", "comment on publication pub is 'p';", U + "create publication pub;"),
    pair("publication of generated columns", U, "", "create publication pub for table t with (publish_generated_columns = stored);", only18=True),
    case("replica identity full", "", "alter table t replica identity full;"),
    case("replica identity nothing", "alter table t replica identity full;", "alter table t replica identity nothing;"),
    case("replica identity of a key", "", "alter table t replica identity using index t_pkey;"),
    case("replica identity of an index", "", "create unique index i on t (id); alter table t replica identity using index i;"),
    case("replica identity of another index", "alter table t replica identity using index t_pkey;", "create unique index i on t (id); alter table t replica identity using index i;"),
    case("replica identity of an index made anew", "create unique index i on t (id); alter table t replica identity using index i;", "create unique index i on t (id) include (a); alter table t replica identity using index i;"),
    case("replica identity of a new table", "", "create table z (id int primary key); alter table z replica identity using index z_pkey;"),
    case("clustered", "", "alter table t cluster on t_pkey;"),
    case("clustered by another", "create index i on t (a); alter table t cluster on i;", "create index i on t (a); alter table t cluster on t_pkey;"),
    case("rule", "", "create rule r as on delete to t do instead nothing;"),
    case("rule with a condition", "", "create rule r as on update to t where old.n <> new.n do also insert into u values (new.id);"),
    case("rule changed", "create rule r as on delete to t do instead nothing;", "create rule r as on delete to t do also delete from u;"),
    case("rule disabled", "create rule r as on delete to t do instead nothing;", "create rule r as on delete to t do instead nothing; alter table t disable rule r;"),
    case("rule of a view", "", "create rule r as on insert to v do instead insert into t values (new.id);", U + "create view v as select id from t;"),
    case("rule below a new type", "create rule r as on delete to u do also delete from t where n = old.w;", "alter table u alter w type bigint; create rule r as on delete to u do also delete from t where n = old.w;"),
    case("rule comment", "", "comment on rule r on t is 'r';", U + "create rule r as on delete to t do instead nothing;"),
    case("event trigger", "", "create event trigger e on ddl_command_end execute function ef();", U + EF),
    case("event trigger with tags", "create event trigger e on ddl_command_start execute function ef();", "create event trigger e on ddl_command_start when tag in ('CREATE TABLE', 'DROP TABLE') execute function ef();", U + EF),
    case("event trigger disabled", "", "alter event trigger e disable;", U + EF + "create event trigger e on sql_drop execute function ef();"),
    case("event trigger and its function", "", EF + "create event trigger e on sql_drop execute function ef();"),
]  # fmt: skip
