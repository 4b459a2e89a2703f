"""What a keyset makes of a select and its order: the tie-breaker, and a condition for an index."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Interval,
    MetaData,
    Table,
    Text,
    Time,
    UniqueConstraint,
    and_,
    cast,
    func,
    insert,
    literal_column,
    select,
    table,
    text,
    type_coerce,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import DATERANGE, JSONB

from chatkeep.access.keyset import Keyset
from chatkeep.engine.compile import DIALECT
from chatkeep.errors import ConfigError
from chatkeep.schema.types import Json

META = MetaData()
PEOPLE = Table(
    "people",
    META,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("nick", Text),
    Column("email", Text, nullable=False, unique=True),
    Column("born", Date),
    Column("data", JSONB, nullable=False),
    Column("told", Json(int), nullable=False),
    Column("stay", DATERANGE, nullable=False),
    Column("words", ARRAY(Text), nullable=False),
)
NOTES = Table(
    "notes",
    META,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("editor_id", ForeignKey("people.id")),
    Column("title", Text, nullable=False),
    UniqueConstraint("person_id", "title"),
)
PAIRS = Table(
    "pairs",
    META,
    Column("one", Integer, primary_key=True),
    Column("two", Integer, primary_key=True),
    Column("rank", Integer, nullable=False),
    Index("some_ranks", "rank", unique=True, postgresql_where=text("rank > 5")),
)
LOOSE = Table("loose", META, Column("word", Text), Column("key", Text, unique=True))
p, n = PEOPLE.c, NOTES.c


def keys(statement: Any, order_by: Any) -> list[str]:
    return [str(key.ordered()) for key in Keyset(statement, order_by).keys]


def where(statement: Any, order_by: Any, *nulls: bool, is_back: bool = False) -> str:
    made = Keyset(statement, order_by).statement(nulls, is_back=is_back)
    sql = " ".join(str(made.compile(dialect=DIALECT)).split())
    return sql.split(" WHERE ", 1)[1].split(" ORDER BY")[0]


@pytest.mark.parametrize(
    ("order_by", "wanted"),
    [
        (p.name, ["people.name ASC", "people.id ASC"]),
        (p.name.desc(), ["people.name DESC", "people.id DESC"]),
        ([p.name.desc(), p.id], ["people.name DESC", "people.id ASC"]),
        (p.id, ["people.id ASC"]),
        ([p.name, p.email], ["people.name ASC", "people.email ASC"]),
        (p.email.desc(), ["people.email DESC"]),
        (p.nick.desc().nulls_last(), ["people.nick DESC NULLS LAST", "people.id DESC"]),
        (p.nick.asc().nulls_last(), ["people.nick ASC", "people.id ASC"]),
        (p.nick.label("called"), ["people.nick ASC", "people.id ASC"]),
    ],
)
def test_the_primary_key_breaks_ties_where_nothing_else_does(
    order_by: Any, wanted: list[str]
) -> None:
    assert keys(select(PEOPLE), order_by) == wanted


def test_of_a_key_with_several_columns_those_are_added_that_are_not_there_yet() -> None:
    assert keys(select(PAIRS), PAIRS.c.one) == ["pairs.one ASC", "pairs.two ASC"]
    # A unique index of some rows tells nothing of all.
    assert keys(select(PAIRS), PAIRS.c.rank)[1:] == ["pairs.one ASC", "pairs.two ASC"]


def test_a_join_that_finds_one_row_needs_no_key_of_that() -> None:
    to_one = select(NOTES, p.name).join(PEOPLE, p.id == n.person_id)
    assert keys(to_one, p.name) == ["people.name ASC", "notes.id ASC"]
    to_many = select(PEOPLE, n.title).join(NOTES, p.id == n.person_id)
    assert keys(to_many, p.name) == ["people.name ASC", "notes.id ASC"]
    editor = PEOPLE.alias()
    both = (
        select(NOTES, p.name, editor.c.name)
        .join(PEOPLE, p.id == n.person_id)
        .outerjoin(editor, and_(editor.c.id == n.editor_id, editor.c.name != ""))
    )
    assert keys(both, n.title) == ["notes.title ASC", "notes.id ASC"]


def test_a_join_that_finds_many_rows_needs_the_keys_of_both() -> None:
    outer = select(PEOPLE, n.title).outerjoin(NOTES, p.id == n.person_id)
    assert keys(outer, p.name) == ["people.name ASC", "people.id ASC", "notes.id ASC"]
    crossed = select(p.name, n.title).where(p.id == n.person_id)
    assert sorted(keys(crossed, p.name)[1:]) == ["notes.id ASC", "people.id ASC"]
    by_name = select(p.name, n.title).join(NOTES, p.name == n.title)
    assert sorted(keys(by_name, p.name)[1:]) == ["notes.id ASC", "people.id ASC"]
    full = select(p.name, n.title).join(NOTES, p.id == n.person_id, full=True)
    assert sorted(keys(full, p.name)[1:]) == ["notes.id ASC", "people.id ASC"]


def test_what_is_taken_as_a_whole_is_ordered_by_its_own_columns() -> None:
    grouped = select(n.person_id, func.count().label("notes")).group_by(n.person_id)
    (number,) = [column for column in grouped.selected_columns if column.name == "notes"]
    assert keys(grouped, number.desc()) == ["page.notes DESC", "page.person_id DESC"]
    distinct = select(p.name, p.nick).distinct()
    assert keys(distinct, p.nick) == ["page.nick ASC", "page.name ASC"]
    newest = select(PEOPLE).order_by(p.born.desc()).limit(10)
    assert keys(newest, p.name) == ["page.name ASC", "page.id ASC"]
    youngest = select(PEOPLE).order_by(p.born.desc()).fetch(10)
    assert keys(youngest, p.name) == ["page.name ASC", "page.id ASC"]
    either = union(select(p.name), select(n.title))
    assert keys(either, either.selected_columns[0]) == ["page.name ASC"]
    inner = select(p.id, p.name).where(p.nick.is_(None)).subquery("plain")
    assert keys(select(inner), inner.c.name) == ["plain.name ASC", "plain.id ASC"]
    ranked = func.row_number().over(order_by=p.born).label("rank")
    assert keys(select(p.id, ranked), ranked) == ["page.rank ASC", "page.id ASC"]


@pytest.mark.parametrize(
    ("statement", "order_by", "words"),
    [
        (lambda: select(LOOSE), LOOSE.c.word, "nothing tells the rows"),
        (lambda: select(LOOSE), LOOSE.c.key, "nothing tells the rows"),  # unique, but for NULLs
        (lambda: select(table("x", Column("a", Integer))), literal_column("a"), "nothing tells"),
        (lambda: union_all(select(p.name), select(n.title)), p.name, "nothing tells the rows"),
        (
            lambda: select(p.id, func.unnest(func.string_to_array(p.name, " "))),
            p.name,
            "nothing tells the rows",
        ),
        (lambda: select(p.name).group_by(p.name), p.born, "ordered by columns that it selects"),
        (lambda: select(p.name).limit(3), p.name, "ordered by columns that it selects"),
        (lambda: select(PEOPLE).order_by(p.name), p.id, "order of its own"),
        (lambda: select(text("1"), p.id), p.id, r"selects a text\(\)"),
        (lambda: insert(PEOPLE).returning(p.id), p.id, "has no pages"),
        (lambda: "select 1", p.id, "a str has no pages"),
        (lambda: select(PEOPLE), "name", "columns and expressions, not a str"),
        (lambda: select(PEOPLE), [], "order_by is empty"),
        (lambda: select(PEOPLE), None, "not a NoneType"),
        (lambda: select(PEOPLE), text("name"), "not a TextClause"),
        (lambda: select(PEOPLE), func.age(p.born), "type of age is not known"),
        (lambda: select(PEOPLE), cast(p.name, JSON), "cannot travel"),
        (lambda: select(PEOPLE), cast(p.name, ARRAY(Text)), "cannot travel"),
        (lambda: select(PEOPLE), cast(p.name, Interval), "cannot travel"),
        (lambda: select(PEOPLE), cast(p.name, Time), "cannot travel"),
    ],
)
def test_what_has_no_pages_is_refused(
    statement: Callable[[], Any], order_by: Any, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        Keyset(statement(), order_by)


A = "CAST($1::VARCHAR AS TEXT)"
B = "CAST($2::VARCHAR AS BIGINT)"


def test_one_direction_without_nulls_compares_rows() -> None:
    everyone = select(p.id)
    assert where(everyone, p.name, False, False) == f"(people.name, people.id) > ({A}, {B})"
    back = where(everyone, p.name, False, False, is_back=True)
    assert back == f"(people.name, people.id) < ({A}, {B})"
    assert where(everyone, p.id.desc(), False) == "people.id < CAST($1::VARCHAR AS BIGINT)"


def test_mixed_directions_begin_at_the_first_value() -> None:
    assert where(select(p.id), [p.name, p.id.desc()], False, False) == (
        f"people.name >= {A} AND (people.name > {A} OR people.id < {B})"
    )


def test_nulls_that_were_passed_cost_nothing() -> None:
    rows = f"(people.nick, people.id) < ({A}, {B})"
    assert where(select(p.id), p.nick.desc(), False, False) == rows
    assert where(select(p.id), p.nick, False, False, is_back=True) == rows


def test_nulls_to_come_are_an_arm_of_their_own() -> None:
    sql = str(Keyset(select(p.id), p.nick).statement((False, False)).compile(dialect=DIALECT))
    assert sql.count("UNION ALL") == 1
    assert "people.nick IS NULL" in sql
    assert " OR " not in sql
    among = where(select(p.id), p.nick, True, False)
    assert among == "people.nick IS NULL AND people.id > CAST($1::VARCHAR AS BIGINT)"


def test_an_order_without_rows_behind_a_null_gives_none() -> None:
    single = select(p.nick).distinct()
    assert where(single, p.nick, True) == "false"


@pytest.mark.parametrize(
    ("expression", "is_nullable"),
    [
        (p.name, False),
        (p.nick, True),
        (func.lower(p.name), False),
        (func.lower(p.nick), True),
        (func.coalesce(p.nick, p.name), False),
        (func.coalesce(p.nick, ""), False),
        (func.length(p.name) + 1, False),
        (func.nullif(p.name, "", type_=Text()), True),
        (cast(p.id, Text), False),
        (p.name.collate("C"), False),
        (p.nick.collate("C"), True),
        (n.title, True),
        (func.left(p.name, 2), False),
        (func.lower(func.left(p.name, 2, type_=Text())), False),
        (cast(cast(p.name, Text), Integer), False),
        (func.substring(p.name, "[0-9]+", type_=Text()), True),
        (func.regexp_substr(p.name, "[0-9]+", type_=Text()), True),
        (func.split_part(p.name, " ", 1, type_=Text()), True),
        (func.lower(p.stay, type_=Date()), True),  # of a range without a beginning
        (func.upper(p.stay, type_=Date()), True),
        (func.own.lower(p.name, type_=Text()), True),  # anything may be called so
        (p.data["a"].as_string(), True),
        (p.data["a"].as_integer(), True),
        (cast(p.data, Integer), True),
        (cast(type_coerce(p.data, Text), Integer), True),
        (cast(p.told, Integer), True),
        (cast(p.data["a"], Text), True),
        (cast(p.data.op("->>")("a"), Text), True),
        (cast(p.data.op("#>>")("{a}"), Text), True),
        (cast(p.stay, Text), True),
        (p.words[1], True),
    ],
)
def test_what_may_be_null_is_known(expression: Any, is_nullable: bool) -> None:
    statement = select(PEOPLE).outerjoin(NOTES, n.person_id == p.id)
    assert Keyset(statement, expression).keys[0].is_nullable is is_nullable
