"""The statements of the search in one user's conversations.

The index gives a user's candidates by itself: each lexeme begins with the owner's key. So that the
planner asks no other index instead or beside it, the user's and the chat's id are compared in a
collation that none has. Under row-level security PostgreSQL puts the bare condition before
everything, and the user's own rows are read one by one (`@@` may not see a row before its owner is
known). So that no search is planned anew, the planner does not see what is asked for: that is in
subqueries.

What costs is put off: texts are looked at in their canonical form where the index cannot tell, in
the order of the page, until the page is full; and of a long text only the part around the hit leaves
PostgreSQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Function,
    Integer,
    Select,
    Subquery,
    Table,
    Text,
    all_,
    and_,
    any_,
    bindparam,
    case,
    cast,
    collate,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from chatkeep.access.rows import Rows, Where
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.presets.deepsearch.searching import TEXT, lexemes
from chatkeep.records.deepsearch import Chat, Message, Role
from chatkeep.schema.naming import Naming

_Rows: TypeAlias = Select[*tuple[Any, ...]]
Order: TypeAlias = Literal["relevance", "newest"]

RANKED = 200
"""So many matches, the newest ones, are ranked by "relevance"."""
MAX_NEEDLES = 4
"""So many terms count for the rank."""
FORMS = 3
"""Each is counted as it is, with a capital, and in capitals."""
PIECE = 1500
"""Characters of a long text that leave PostgreSQL."""

_HEAD = 2000  # characters of a long text in which a term's occurrences are counted
_SHORT = 4096  # bytes of a text that goes whole
_BEFORE = 300  # characters of a piece before the hit
_LOCATED = 2_000_000  # characters of a text in which a hit is located
_PLACES = ("created_at", "key")


class Hit(NamedTuple):
    """A row of a search: what was found, its place in the list, and the text around it.

    `piece_from` counts from 1; it is 0 where the piece is the whole text.
    """

    message_id: str | None
    chat_id: str
    chat_title: str
    role: Role | None
    created_at: datetime
    key: str
    score: int
    top_at: datetime | None
    piece: str
    piece_from: int


@dataclass(frozen=True, slots=True)
class Form:
    """What of a search decides its SQL.

    Attributes:
        order: Of the page.
        filters: The filters that are set.
        messages: Whether messages are searched.
        titles: Whether titles are.
        needles: Number of terms that count for the rank.
        is_checked: Some term must be looked for in the text.
        has_excluded: There are excluded terms.
        checks_excluded: Some of these must be looked for in the text.
        has_place: It is not the first page.
    """

    order: Order
    filters: tuple[str, ...] = ()
    messages: bool = True
    titles: bool = True
    needles: int = 1
    is_checked: bool = False
    has_excluded: bool = False
    checks_excluded: bool = False
    has_place: bool = False


class SearchQueries:
    """The statements on one user's messages and titles."""

    def __init__(
        self, messages: Rows[Message], chats: Rows[Chat], usage: Table, prefix: str, *, is_rls: bool
    ) -> None:
        """Take the tables; `is_rls` where a scope runs under row-level security."""
        self._message = messages.table
        self._chat = chats.table
        self._usage = usage
        self._text = quoted_name(Naming(prefix).other(TEXT), quote=True)
        self._is_rls = is_rls
        self._pages: dict[Form, Query[Hit]] = {}
        self._candidates: dict[Form, Query[str]] = {}
        self._user = _unseen("user_id", self._chat.c["user_id"].type)

    def page(self, form: Form) -> Query[Hit]:
        """Give the statement for a page."""
        query = self._pages.get(form)
        if query is None:
            page = self._ranked(form) if form.order == "relevance" else self._newest(form)
            clause = self._shown(page.subquery("page"), form.order)
            query = self._pages[form] = _query("page", clause, Shape(Hit, _FIELDS))
        return query

    def candidates(self, form: Form) -> Query[str]:
        """Give the statement for the ids of the messages that fit, the best first."""
        query = self._candidates.get(form)
        if query is None:
            page = self._ranked(form).subquery("page")
            clause = select(page.c["message_id"]).order_by(*_order(page, "relevance"))
            shape = Shape(str, _FIELDS[:1])
            query = self._candidates[form] = _query("candidates", clause, shape)
        return query

    @cached_property
    def shown(self) -> Query[Hit]:
        """Give the statement for messages by their ids, in no order."""
        message = self._message
        ids = bindparam("ids", type_=ARRAY(Text()))
        rows = self._messages([message.c["user_id"] == self._user, message.c["id"] == any_(ids)])
        page = rows.add_columns(*_unranked()).subquery("page")
        return _query("shown", self._shown(page, "newest"), Shape(Hit, _FIELDS))

    def _newest(self, form: Form) -> _Rows:
        found = self._found(form, _limit()).subquery("found")
        columns = [found.c[name] for name in _FOUND]
        return _ordered(select(*columns, *_unranked()), found, "newest").limit(_limit())

    def _ranked(self, form: Form) -> _Rows:
        """Give a page of the newest matches by their rank."""
        newest = self._found(form, literal(RANKED, literal_execute=True)).subquery("newest")
        body = newest.c["body"]
        head = case((_is_long(body), func.left(body, _number(_HEAD))), else_=body)
        headed = (
            select(*newest.c, collate(head, "C").label("head"))
            .offset(_number(0))
            .subquery("headed")
        )
        top_at: ColumnElement[Any] = func.max(headed.c["created_at"]).over()
        if form.has_place:
            top_at = bindparam("top_at", type_=DateTime(timezone=True))
        scored = select(
            *(headed.c[name] for name in _FOUND),
            _score(headed, form.needles).label("score"),
            top_at.label("top_at"),
        ).subquery("scored")
        page = select(*scored.c)
        if form.has_place:
            place = ("score", *_PLACES)
            page = page.where(tuple_(*(scored.c[name] for name in place)) < tuple_(*_given(*place)))
        return _ordered(page, scored, "relevance").limit(_limit())

    def _found(self, form: Form, limit: Any) -> _Rows:  # noqa: ANN401 - a parameter or a number
        """Give the newest matches, of messages and of titles."""
        arms: list[_Rows] = []
        if form.messages:
            arms.append(self._matching_messages(form))
        if form.titles:
            arms.append(self._matching_titles(form))
        each = [arm.limit(limit).subquery(f"arm_{n}") for n, arm in enumerate(arms)]
        if len(each) == 1:
            return select(*each[0].c)
        both = union_all(*(select(*arm.c) for arm in each)).subquery("both_arms")
        return _ordered(select(*both.c), both, "newest").limit(limit)

    def _matching_messages(self, form: Form) -> _Rows:
        message = self._message
        where = [*self._filters(form, message), *self._after(form, message)]
        if self._is_rls:
            text = self._canonical(message.c["content"])
            where += [message.c["user_id"] == self._user, *_parts(message.c["content"])]
            where += _like(text, form, "whole")
            return _ordered(self._messages(where), None, "newest")
        where += [
            lexemes(message).op("@@", is_comparison=True)(_unseen("tsquery", Text(), TSQUERY())),
            _hidden(message.c["user_id"]) == bindparam("user_id", type_=Text()),
        ]
        rows = _ordered(self._messages(where), None, "newest")
        if not (form.is_checked or form.checks_excluded):
            return rows
        # In their order, and no further than the page needs.
        candidates = rows.offset(_number(0)).subquery("candidates")
        checks = _like(self._canonical(candidates.c["body"]), form, "checked")
        return _ordered(select(*candidates.c).where(*checks), candidates, "newest")

    def _messages(self, where: Sequence[Where]) -> _Rows:
        message, chat = self._message, self._chat
        # A chat goes into the trash before its messages do.
        trashed = select(chat.c["id"]).where(
            chat.c["user_id"] == self._user, chat.c["deleted_at"].is_not(None)
        )
        return select(
            message.c["id"].label("message_id"),
            message.c["chat_id"],
            message.c["role"],
            message.c["created_at"],
            _key("m", message).label("key"),
            message.c["content"].label("body"),
        ).where(message.c["deleted_at"].is_(None), message.c["chat_id"].not_in(trashed), *where)

    def _matching_titles(self, form: Form) -> _Rows:
        chat = self._chat
        where = [
            chat.c["user_id"] == self._user,
            chat.c["deleted_at"].is_(None),
            *self._filters(form, chat),
            *self._after(form, chat),
            *_parts(chat.c["title"]),
            *_like(self._canonical(chat.c["title"]), form, "whole"),
        ]
        rows = select(
            cast(null(), Text()).label("message_id"),
            chat.c["id"].label("chat_id"),
            cast(null(), Text()).label("role"),
            chat.c["created_at"],
            _key("c", chat).label("key"),
            chat.c["title"].label("body"),
        ).where(*where)
        return _ordered(rows, None, "newest")

    def _filters(self, form: Form, table: Table) -> list[Where]:
        usage, created_at, is_message = self._usage, table.c["created_at"], table is self._message
        chat_id = _hidden(table.c["chat_id"]) if is_message else table.c["id"]
        conditions: dict[str, Where] = {
            "chat_id": chat_id == bindparam("chat_id", type_=Text()),
            "since": created_at >= bindparam("since", type_=created_at.type),
            "until": created_at < bindparam("until", type_=created_at.type),
        }
        if is_message:
            role = table.c["role"]
            conditions["role"] = role == bindparam("role", type_=role.type)
            recorded = select(usage.c["message_id"]).where(
                usage.c["user_id"] == self._user,
                usage.c["message_id"] == table.c["id"],
                usage.c["model"] == bindparam("model", type_=usage.c["model"].type),
            )
            # With OFFSET it stays a look-up for each match: as a join it might come first.
            conditions["model"] = recorded.offset(_number(0)).exists()
        return [conditions[name] for name in form.filters]

    def _after(self, form: Form, table: Table) -> list[Where]:
        if not form.has_place:
            return []
        created_at = table.c["created_at"]
        if form.order == "relevance":  # among what was there when the first page was made
            return [created_at <= bindparam("top_at", type_=created_at.type)]
        key = _key("m" if table is self._message else "c", table)
        return [tuple_(created_at, key) < tuple_(*_given(*_PLACES))]

    def _shown(self, page: Subquery, order: Order) -> _Rows:
        """Give a page with titles, and the text around each hit: a piece of a long text."""
        body, chat = page.c["body"], self._chat
        located = func.regexp_instr(
            func.left(body, _number(_LOCATED)), bindparam("where", type_=Text())
        )
        begin = func.greatest(located - _number(_BEFORE), _number(1))
        placed = (
            select(*page.c, case((_is_long(body), begin), else_=_number(0)).label("piece_from"))
            .order_by(*_order(page, order))
            .offset(_number(0))
            .subquery("placed")
        )
        body, place = placed.c["body"], placed.c["piece_from"]
        # One more than is shown: then there is more.
        piece = case(
            (_is_long(body), func.substr(body, place, _number(PIECE + 1))), else_=body
        ).label("piece")
        made = {"chat_title": chat.c["title"], "piece": piece}
        of_chat = and_(chat.c["user_id"] == self._user, chat.c["id"] == placed.c["chat_id"])
        return (
            select(*(made[name] if name in made else placed.c[name] for name in Hit._fields))
            .join_from(placed, chat, of_chat)
            .order_by(*_order(placed, order))
        )

    def _canonical(self, text: ColumnElement[str]) -> ColumnElement[str]:
        return Function[str](self._text, text, type_=Text())


_FOUND = ("message_id", "chat_id", "role", "created_at", "key", "body")
_FIELDS = [Field("message", name) for name in Hit._fields]


def _query(name: str, clause: _Rows, shape: Shape[Any]) -> Query[Any]:
    statement = compile_statement(f"search.{name}", clause, has_keys=True)
    # The functions that it calls, the schema's own among them, change nothing.
    return Query(replace(statement, is_read=True), shape)


def _limit() -> Any:  # noqa: ANN401 - a parameter
    return bindparam("limit", type_=Integer())


def _unseen(
    name: str, type_: TypeEngine[Any], as_type: TypeEngine[Any] | None = None
) -> ColumnElement[Any]:
    """Give a parameter that the planner does not look at: the plan is the same for all its values."""
    given: ColumnElement[Any] = bindparam(name, type_=type_)
    return select(given if as_type is None else cast(given, as_type)).scalar_subquery()


def _hidden(column: ColumnElement[str]) -> ColumnElement[str]:
    """Give a column in a form that no index has; equal is equal in any collation."""
    return collate(column, "C")


def _key(kind: str, table: Table) -> ColumnElement[str]:
    """Tell rows of one time apart, those of both tables."""
    return collate(literal_column(f"'{kind}'").concat(table.c["id"]), "C")


def _given(*names: str) -> list[ColumnElement[Any]]:
    types = {"score": BigInteger(), "created_at": DateTime(timezone=True), "key": Text()}
    return [bindparam(f"place_{name}", type_=types[name]) for name in names]


def _order(rows: Subquery, order: Order) -> list[ColumnElement[Any]]:
    names = ("score", *_PLACES) if order == "relevance" else _PLACES
    return [rows.c[name].desc() for name in names]


def _ordered(statement: _Rows, rows: Subquery | None, order: Order) -> _Rows:
    """Order by the columns of what is selected from, or of the statement itself."""
    if rows is not None:
        return statement.order_by(*_order(rows, order))
    columns = statement.selected_columns
    return statement.order_by(*(columns[name].desc() for name in _PLACES))


def _unranked() -> list[ColumnElement[Any]]:
    return [
        _number(0).label("score"),
        cast(null(), DateTime(timezone=True)).label("top_at"),
    ]


def _parts(text: ColumnElement[str]) -> list[Where]:
    """Leave out what cannot match, at little cost: ASCII text without the letters of the terms."""
    letters = func.lower(collate(text, "C"))
    parts = bindparam("parts", type_=ARRAY(Text()))
    return [
        or_(
            letters.op("LIKE", is_comparison=True)(all_(parts)),
            _length(text) != func.length(text),
        )
    ]


def _like(text: ColumnElement[str], form: Form, kind: Literal["whole", "checked"]) -> list[Where]:
    """Look at a text in its canonical form: for all terms, or for those that the index cannot tell."""
    is_whole = kind == "whole"
    found: list[Where] = []
    if form.is_checked or is_whole:
        wanted = bindparam(f"{kind}_wanted", type_=ARRAY(Text()))
        found.append(text.op("LIKE", is_comparison=True)(all_(wanted)))
    if form.has_excluded if is_whole else form.checks_excluded:
        excluded = bindparam(f"{kind}_excluded", type_=ARRAY(Text()))
        found.append(not_(text.op("LIKE", is_comparison=True)(any_(excluded))))
    return found


def _score(rows: Subquery, needles: int) -> ColumnElement[int]:
    """Give the rank in thousandths; `chatkeep.access.search` tells the formula.

    In whole numbers, which are exact and cheap, and so that each count stands in it once.
    """
    head = rows.c["head"]
    size = func.least(_length(rows.c["body"]), _number(20_000), type_=Integer()) + _number(1000)
    rank: ColumnElement[Any] = _number(0)
    for number in range(needles):
        forms = [bindparam(f"needle_{number}_{form}", type_=Text()) for form in range(FORMS)]
        bytes_of: ColumnElement[int] = _number(FORMS) * _length(head)
        for form in forms:
            bytes_of = bytes_of - _length(func.replace(head, form, literal_column("''")))
        size_of = func.nullif(_length(forms[0]), _number(0), type_=Integer())
        count = func.greatest(bytes_of // size_of, _number(1), type_=Integer())
        share = (_number(1000) * size) // (_number(2000) * count + size)
        rank = rank + _number(1000) - share
    if needles > 1:
        rank = rank // _number(needles)
        joined = [bindparam(f"joined_{form}", type_=Text()) for form in range(2)]
        together = or_(*(func.strpos(head, form) > _number(0) for form in joined))
        rank = rank + case((together, _number(500)), else_=_number(0))
    is_title = rows.c["message_id"].is_(None)
    return rank + case((is_title, _number(1000)), else_=_number(0))


def _length(text: ColumnElement[str]) -> ColumnElement[int]:
    """Give the bytes of a text, which PostgreSQL knows without reading a long one."""
    return func.octet_length(text, type_=Integer())


def _is_long(body: ColumnElement[str]) -> Where:
    return _length(body) > _number(_SHORT)


def _number(number: int) -> ColumnElement[int]:
    return literal_column(str(number), Integer())
