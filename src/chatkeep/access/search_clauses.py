"""What the statements of the search are made of: parameters, conditions, orders and the rank."""

from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Subquery,
    Table,
    Text,
    all_,
    any_,
    bindparam,
    case,
    cast,
    collate,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
)
from sqlalchemy.types import TypeEngine

from chatkeep.access.rows import Where

Selected: TypeAlias = Select[*tuple[Any, ...]]
Order: TypeAlias = Literal["relevance", "newest"]

MAX_NEEDLES = 4
"""So many terms count for the rank."""
FORMS = 3
"""Each is counted as it is, with a capital, and in capitals."""
PLACES = ("created_at", "key")
"""What rows are ordered by, the newest first."""

_SHORT = 4096  # bytes of a text that goes whole


def limit_given() -> Any:  # noqa: ANN401 - a parameter
    """How many rows are asked for."""
    return bindparam("limit", type_=Integer())


def unseen(
    name: str, type_: TypeEngine[Any], as_type: TypeEngine[Any] | None = None
) -> ColumnElement[Any]:
    """Give a parameter that the planner does not look at: the plan is the same for all its values."""
    given: ColumnElement[Any] = bindparam(name, type_=type_)
    return select(given if as_type is None else cast(given, as_type)).scalar_subquery()


def hidden(column: ColumnElement[str]) -> ColumnElement[str]:
    """Give a column in a form that no index has; equal is equal in any collation."""
    return collate(column, "C")


def key_in(kind: str, table: Table) -> ColumnElement[str]:
    """Tell rows of one time apart, those of both tables."""
    return collate(literal_column(f"'{kind}'").concat(table.c["id"]), "C")


def optional(name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    """Give a parameter that may be NULL, unseen too; COALESCE says that this is meant."""
    return select(func.coalesce(bindparam(name, type_=type_), type_=type_)).scalar_subquery()


def place_given(*names: str) -> list[ColumnElement[Any]]:
    """Give the place that a page follows; NULL for the first page."""
    types = {"score": BigInteger(), "created_at": DateTime(timezone=True), "key": Text()}
    return [optional(f"place_{name}", types[name]) for name in names]


def top_at_given() -> ColumnElement[Any]:
    """The time of the newest match when the first page was made; NULL for that page."""
    return optional("top_at", DateTime(timezone=True))


def time_of(text: str) -> ColumnElement[datetime]:
    """Give a constant time."""
    return cast(literal_column(f"'{text}'"), DateTime(timezone=True))


def asked_row() -> Selected:
    """Give the forms of the terms that count for the rank as one row; NULL where there are fewer."""
    texts = [f"needle_{n}_{form}" for n in range(MAX_NEEDLES) for form in range(FORMS)]
    texts += [f"joined_{form}" for form in range(2)]
    columns = (func.coalesce(bindparam(name, type_=Text())).label(name) for name in texts)
    number = bindparam("needles", type_=Integer()).label("needles")
    return select(*columns, number).offset(integer(0))


def order_of(rows: Subquery, order: Order) -> list[ColumnElement[Any]]:
    """Give what a page is ordered by."""
    names = ("score", *PLACES) if order == "relevance" else PLACES
    return [rows.c[name].desc() for name in names]


def ordered(statement: Selected, rows: Subquery | None, order: Order) -> Selected:
    """Order by the columns of what is selected from, or of the statement itself."""
    if rows is not None:
        return statement.order_by(*order_of(rows, order))
    columns = statement.selected_columns
    return statement.order_by(*(columns[name].desc() for name in PLACES))


def unranked() -> list[ColumnElement[Any]]:
    """Give the columns of the rank where there is none."""
    return [
        integer(0).label("score"),
        cast(null(), DateTime(timezone=True)).label("top_at"),
    ]


def sieved(text: ColumnElement[str]) -> Where:
    """Leave out what cannot match, at little cost: ASCII text and other text each in its own way.

    See `Terms.parts` and `search_forms.sieves`.
    """
    letters = func.lower(collate(text, "C"))
    is_ascii = octets(text) == func.length(text)
    return case(
        (is_ascii, letters.op("LIKE", is_comparison=True)(all_(_texts("parts")))),
        else_=text.op("~", is_comparison=True)(all_(_texts("sieves"))),
    )


def like(text: ColumnElement[str], kind: Literal["whole", "checked"]) -> list[Where]:
    """Look at a text in its canonical form: for all terms, or for those that the index cannot tell."""
    found: list[Where] = []
    for name, every, is_wanted in (("wanted", all_, True), ("excluded", any_, False)):
        patterns = _texts(f"{kind}_{name}")
        none = func.cardinality(patterns) == integer(0)
        like_them = text.op("LIKE", is_comparison=True)(every(patterns))
        found.append(or_(none, like_them if is_wanted else not_(like_them)))
    return found


def _texts(name: str) -> ColumnElement[Any]:
    # The cast tells PostgreSQL that the one row is an array, not a text to compare with.
    return cast(unseen(name, ARRAY(Text())), ARRAY(Text()))


def score_of(rows: Subquery) -> ColumnElement[int]:
    """Give the rank in thousandths; `chatkeep.access.search` tells the formula.

    In whole numbers, which are exact and cheap, and so that each count stands in it once.
    """
    head = rows.c["head"]
    size = func.least(octets(rows.c["body"]), integer(20_000), type_=Integer()) + integer(1000)
    rank: ColumnElement[Any] = integer(0)
    for number in range(MAX_NEEDLES):
        forms = [rows.c[f"needle_{number}_{form}"] for form in range(FORMS)]
        bytes_of: ColumnElement[int] = integer(FORMS) * octets(head)
        for form in forms:
            bytes_of = bytes_of - octets(func.replace(head, form, literal_column("''")))
        size_of = func.nullif(octets(forms[0]), integer(0), type_=Integer())
        count = func.greatest(bytes_of // size_of, integer(1), type_=Integer())
        share = integer(1000) - (integer(1000) * size) // (integer(2000) * count + size)
        rank = rank + case((forms[0].is_(None), integer(0)), else_=share)
    rank = rank // rows.c["needles"]
    together = or_(*(func.strpos(head, rows.c[f"joined_{form}"]) > integer(0) for form in range(2)))
    is_title = rows.c["message_id"].is_(None)
    return (
        rank
        + case((together, integer(500)), else_=integer(0))
        + case((is_title, integer(1000)), else_=integer(0))
    )


def octets(text: ColumnElement[str]) -> ColumnElement[int]:
    """Give the bytes of a text, which PostgreSQL knows without reading a long one."""
    return func.octet_length(text, type_=Integer())


def is_long(body: ColumnElement[str]) -> Where:
    """Tell a text of which only a part leaves PostgreSQL."""
    return octets(body) > integer(_SHORT)


def integer(number: int) -> ColumnElement[int]:
    """Give a constant number."""
    return literal_column(str(number), Integer())
