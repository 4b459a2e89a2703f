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

What a search does without is NULL or empty in its statement: so there are few statements, and a
connection keeps few plans.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Function,
    Subquery,
    Table,
    Text,
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
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql.elements import quoted_name

from chatkeep.access.rows import Rows, Where
from chatkeep.access.search_clauses import (
    PLACES,
    Order,
    Selected,
    asked_row,
    hidden,
    integer,
    is_long,
    key_in,
    like,
    limit_given,
    octets,
    optional,
    order_of,
    ordered,
    place_given,
    score_of,
    sieved,
    time_of,
    top_at_given,
    unranked,
    unseen,
)
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.presets.deepsearch.searching import TEXT, lexemes
from chatkeep.records.deepsearch import Chat, Message, Role
from chatkeep.schema.naming import Naming

RANKED = 200
"""So many matches, the newest ones, are ranked by "relevance"."""
PIECE = 1500
"""Characters of a long text that leave PostgreSQL."""

_HEAD = 2000  # characters of a long text in which a term's occurrences are counted
_BEFORE = 300  # characters of a piece before the hit
_LOCATED = 2_000_000  # characters of a text in which a hit is located
_SEARCHED = 100_000  # the same, where its canonical form must be looked at
_HIGHEST = 2**62  # no rank is higher


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
        messages: Whether messages are searched.
        titles: Whether titles are.
        is_checked: Some term must be looked for in the text.
        is_narrow: A filter is set, or it is not the first page.
    """

    order: Order
    messages: bool = True
    titles: bool = True
    is_checked: bool = False
    is_narrow: bool = False


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
        self._user = unseen("user_id", self._chat.c["user_id"].type)

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
            clause = select(page.c["message_id"]).order_by(*order_of(page, "relevance"))
            shape = Shape(str, _FIELDS[:1])
            query = self._candidates[form] = _query("candidates", clause, shape)
        return query

    @cached_property
    def shown(self) -> Query[Hit]:
        """Give the statement for messages by their ids, in no order."""
        message = self._message
        ids = bindparam("ids", type_=ARRAY(Text()))
        rows = self._messages([message.c["user_id"] == self._user, message.c["id"] == any_(ids)])
        page = rows.add_columns(*unranked()).subquery("page")
        return _query("shown", self._shown(page, "newest"), Shape(Hit, _FIELDS))

    def _newest(self, form: Form) -> Selected:
        found = self._found(form, limit_given()).subquery("found")
        columns = [found.c[name] for name in _FOUND]
        return ordered(select(*columns, *unranked()), found, "newest").limit(limit_given())

    def _ranked(self, form: Form) -> Selected:
        """Give a page of the newest matches by their rank."""
        newest = self._found(form, literal(RANKED, literal_execute=True)).subquery("newest")
        asked = asked_row().subquery("asked")
        body = newest.c["body"]
        head = case((is_long(body), func.left(body, integer(_HEAD))), else_=body)
        headed = (
            select(*newest.c, collate(head, "C").label("head"), *asked.c)
            .join_from(newest, asked, true())
            .offset(integer(0))
            .subquery("headed")
        )
        top_at: ColumnElement[Any] = func.max(headed.c["created_at"]).over()
        if form.is_narrow:
            top_at = func.coalesce(top_at_given(), top_at)
        scored = select(
            *(headed.c[name] for name in _FOUND),
            score_of(headed).label("score"),
            top_at.label("top_at"),
        ).subquery("scored")
        page = select(*scored.c)
        if form.is_narrow:
            score, created_at, key = place_given("score", *PLACES)
            before = tuple_(func.coalesce(score, integer(_HIGHEST)), created_at, key)
            page = page.where(tuple_(*(scored.c[name] for name in ("score", *PLACES))) < before)
        return ordered(page, scored, "relevance").limit(limit_given())

    def _found(self, form: Form, limit: Any) -> Selected:  # noqa: ANN401 - a parameter or a number
        """Give the newest matches, of messages and of titles."""
        arms: list[Selected] = []
        if form.messages:
            arms.append(self._matching_messages(form))
        if form.titles:
            arms.append(self._matching_titles(form))
        each = [arm.limit(limit).subquery(f"arm_{n}") for n, arm in enumerate(arms)]
        if len(each) == 1:
            return select(*each[0].c)
        both = union_all(*(select(*arm.c) for arm in each)).subquery("both_arms")
        return ordered(select(*both.c), both, "newest").limit(limit)

    def _matching_messages(self, form: Form) -> Selected:
        message = self._message
        where = [*self._filters(form, message), *self._after(form, message)]
        if self._is_rls:
            text = self._canonical(message.c["content"])
            where += [message.c["user_id"] == self._user, sieved(message.c["content"])]
            where += like(text, "whole")
            return ordered(self._messages(where), None, "newest")
        where += [
            lexemes(message).op("@@", is_comparison=True)(unseen("tsquery", Text(), TSQUERY())),
            hidden(message.c["user_id"]) == bindparam("user_id", type_=Text()),
        ]
        rows = ordered(self._messages(where), None, "newest")
        if not form.is_checked:
            return rows
        # In their order, and no further than the page needs.
        candidates = rows.offset(integer(0)).subquery("candidates")
        checks = like(self._canonical(candidates.c["body"]), "checked")
        return ordered(select(*candidates.c).where(*checks), candidates, "newest")

    def _messages(self, where: Sequence[Where]) -> Selected:
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
            key_in("m", message).label("key"),
            message.c["content"].label("body"),
        ).where(message.c["deleted_at"].is_(None), message.c["chat_id"].not_in(trashed), *where)

    def _matching_titles(self, form: Form) -> Selected:
        chat = self._chat
        where = [
            chat.c["user_id"] == self._user,
            chat.c["deleted_at"].is_(None),
            *self._filters(form, chat),
            *self._after(form, chat),
            sieved(chat.c["title"]),
            *like(self._canonical(chat.c["title"]), "whole"),
        ]
        rows = select(
            cast(null(), Text()).label("message_id"),
            chat.c["id"].label("chat_id"),
            cast(null(), Text()).label("role"),
            chat.c["created_at"],
            key_in("c", chat).label("key"),
            chat.c["title"].label("body"),
        ).where(*where)
        return ordered(rows, None, "newest")

    def _filters(self, form: Form, table: Table) -> list[Where]:
        if not form.is_narrow:
            return []
        usage, created_at, is_message = self._usage, table.c["created_at"], table is self._message
        chat_id = hidden(table.c["chat_id"]) if is_message else table.c["id"]
        since, until = (optional(name, created_at.type) for name in ("since", "until"))
        conditions: list[Where] = [
            chat_id == func.coalesce(optional("chat_id", Text()), chat_id),
            created_at >= func.coalesce(since, time_of("-infinity")),
            created_at < func.coalesce(until, time_of("infinity")),
        ]
        if is_message:
            role = table.c["role"]
            model = optional("model", usage.c["model"].type)
            recorded = select(usage.c["message_id"]).where(
                usage.c["user_id"] == self._user,
                usage.c["message_id"] == table.c["id"],
                usage.c["model"] == model,
            )
            # With OFFSET it stays a look-up for each match: as a join it might come first.
            recorded = recorded.offset(integer(0)).exists()
            conditions += [
                role == func.coalesce(optional("role", role.type), role),
                or_(model.is_(None), recorded),
            ]
        return conditions

    def _after(self, form: Form, table: Table) -> list[Where]:
        if not form.is_narrow:
            return []
        created_at = table.c["created_at"]
        if form.order == "relevance":  # among what was there when the first page was made
            return [created_at <= func.coalesce(top_at_given(), time_of("infinity"))]
        key = key_in("m" if table is self._message else "c", table)
        before, before_key = place_given(*PLACES)
        before = func.coalesce(before, time_of("infinity"))
        return [tuple_(created_at, key) < tuple_(before, before_key)]

    def _shown(self, page: Subquery, order: Order) -> Selected:
        """Give a page with titles, and the text around each hit: a piece of a long text."""
        body, chat = page.c["body"], self._chat
        text = func.left(body, integer(_LOCATED))
        found = func.regexp_instr(text, bindparam("where", type_=Text()))
        located = (
            select(*page.c, case((is_long(body), found)).label("found"))
            .order_by(*order_of(page, order))
            .offset(integer(0))
            .subquery("located")
        )
        found = located.c["found"]
        begin = case(
            (found > integer(0), func.greatest(found - integer(_BEFORE), integer(1))),
            (found == integer(0), func.coalesce(self._searched(located), integer(1))),
            else_=integer(0),
        )
        placed = (
            select(*located.c, begin.label("piece_from"))
            .order_by(*order_of(located, order))
            .offset(integer(0))
            .subquery("placed")
        )
        body, place = placed.c["body"], placed.c["piece_from"]
        # One more than is shown: then there is more.
        piece = case(
            (is_long(body), func.substr(body, place, integer(PIECE + 1))), else_=body
        ).label("piece")
        made = {"chat_title": chat.c["title"], "piece": piece}
        of_chat = and_(chat.c["user_id"] == self._user, chat.c["id"] == placed.c["chat_id"])
        return (
            select(*(made[name] if name in made else placed.c[name] for name in Hit._fields))
            .join_from(placed, chat, of_chat)
            .order_by(*order_of(placed, order))
        )

    def _searched(self, located: Subquery) -> ColumnElement[int]:
        """Give where the first piece of a text begins whose canonical form has a term; NULL: none does.

        Pieces overlap by half. A letter at a cut keeps half a word from being a whole one.
        """
        body = located.c["body"]
        is_ascii = octets(body) == func.length(body)  # then the expression would have found it
        begun = (
            select(func.left(body, integer(_SEARCHED)).label("text"))
            .where(not_(is_ascii))
            .offset(integer(0))
            .correlate(located)
            .subquery("begun")
        )
        text = begun.c["text"]
        places = (
            func.generate_series(integer(1), func.length(text), integer(PIECE // 2))
            .table_valued("place")
            .render_derived("places")
        )
        place = places.c["place"]
        piece = func.substr(text, place, integer(PIECE))
        cut, whole = literal_column("'x'"), literal_column("''")
        before = case((place > integer(1), cut), else_=whole)
        after = case((place + integer(PIECE) <= func.length(text), cut), else_=whole)
        form = self._canonical(before.concat(piece).concat(after))
        # Without ORDER BY: that would look at every piece. A series comes in its order.
        found = select(place).join_from(begun, places, true())
        found = found.where(form.like(bindparam("pattern", type_=Text())))
        return found.limit(integer(1)).scalar_subquery()

    def _canonical(self, text: ColumnElement[str]) -> ColumnElement[str]:
        return Function[str](self._text, text, type_=Text())


_FOUND = ("message_id", "chat_id", "role", "created_at", "key", "body")
_FIELDS = [Field("message", name) for name in Hit._fields]


def _query(name: str, clause: Selected, shape: Shape[Any]) -> Query[Any]:
    statement = compile_statement(f"search.{name}", clause, has_keys=True)
    # The functions that it calls, the schema's own among them, change nothing.
    return Query(replace(statement, is_read=True), shape)
