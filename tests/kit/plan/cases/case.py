"""What a case is, and the pieces that many of them share."""

from dataclasses import dataclass

T = "create table t (id integer primary key, a text, n integer);"
ST = "create type st as enum ('a', 'b', 'c');"
F = "create function f() returns trigger language plpgsql as 'begin return new; end';"
R = "".join(
    f"do $$ begin create role {name}; exception when duplicate_object then null; end $$;"
    for name in ("reader", "writer")
)
ROWS = "insert into t (id, a, n) values (1, '1', 5), (2, null, 6);"


@dataclass(frozen=True)
class Case:
    """One change: a name, SQL of both sides, rows for the first, and where it can be run."""

    name: str
    old: str
    new: str
    only18: bool = False
    rows: str = ""
    only17: bool = False

    def runs_on(self, version: str) -> bool:
        return int(version) >= (18 if self.only18 else 17 if self.only17 else 0)


def pair(
    name: str, base: str, old: str, new: str, *, only18: bool = False, rows: str | None = None
) -> Case:
    """What both sides have, what only the first has, what only the second."""
    filled = ROWS if rows is None and T in base + old else rows or ""
    return Case(name, f"{base}\n{old}", f"{base}\n{new}", only18, filled)


def type_(name: str, old: str, new: str) -> Case:
    return Case(
        f"type {name}", f"create table t (id int, c {old});", f"create table t (id int, c {new});"
    )


def index(name: str, sql: str, old: str = "") -> Case:
    return pair(f"index {name}", T + "create index other on t (n);", old, sql)
