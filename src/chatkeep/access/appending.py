"""The statements that add messages to a chat: one message, or many in one array for each column.

Each does everything at once: it locks the chat, checks what the caller expects of it, moves its
head, revision and last activity, and inserts. The insert is fed by the chat's update, so the order
of `seq` within a chat is the order of the commits.
"""

from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    case,
    column,
    exists,
    func,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.selectable import FromClause, TableValuedAlias
from sqlalchemy.types import TypeEngine

from chatkeep.access.rows import Rows, Where, element_type
from chatkeep.engine.query import Query
from chatkeep.records.deepsearch import Chat, Message

_IS_PLACED = bindparam("is_placed", type_=Boolean())


class Form(NamedTuple):
    """What a call asks for beside the messages; each form is a statement of its own.

    Attributes:
        names: Columns of the messages.
        has_expected: Only if the chat has the revision that the caller expects.
        has_ids: Only if no message has one of the ids: the caller gave them, and may try again.
        has_parents: The messages follow others than the one before; these must be in the chat.
        is_beside: The first one stands beside another message, which must be there, and follow
            the same one still. What they follow may be in the trash.
    """

    names: tuple[str, ...]
    has_expected: bool = False
    has_ids: bool = False
    has_parents: bool = False
    is_beside: bool = False


class AppendQueries:
    """The statements, by form; in a user's scope or (`is_scoped=False`) on all users' chats.

    With `only_if` nothing is added to a chat for which that condition does not hold.
    """

    def __init__(
        self,
        messages: Rows[Message],
        chats: Rows[Chat],
        *,
        is_scoped: bool,
        only_if: Where | None = None,
    ) -> None:
        self._only_if = [] if only_if is None else [only_if]
        self._rows = messages
        self._chat = chats
        self._is_scoped = is_scoped
        self._one: dict[Form, Query[Message]] = {}
        self._many: dict[Form, Query[Message]] = {}

    def one(self, form: Form) -> Query[Message]:
        """Insert one message. What `many` does, without arrays: they cost more than the message."""
        query = self._one.get(form)
        if query is None:
            query = self._one[form] = self._rows.query("append_one", self.one_clause(form))
        return query

    def one_clause(self, form: Form) -> ReturningInsert[Any]:
        """Give the statement that inserts one message before it is compiled."""
        moved = self._moved(form, is_one=True)
        given = self._rows.parameters(dict.fromkeys(form.names))
        parent = self._first_parent() if form.has_parents else moved.c["parent_id"]
        source = select(moved.c["id"], moved.c["user_id"], parent, *given.values())
        return self._insert(form, source)

    def many(self, form: Form) -> Query[Message]:
        """Insert messages in their order; the first follows the head, unless `is_placed`."""
        query = self._many.get(form)
        if query is None:
            moved, given = self._moved(form, is_one=False), self._given(form)
            follows: ColumnElement[bool] = given.c["position"] == 1
            if form.has_parents:
                follows = and_(follows, ~_IS_PLACED)
            parent = case((follows, moved.c["parent_id"]), else_=given.c["parent_id"])
            types = self._rows.table.c
            values = (_stored(given.c[name], types[name].type) for name in form.names)
            source = (
                select(moved.c["id"], moved.c["user_id"], parent, *values)
                .select_from(moved.join(given, column("true", is_literal=True)))
                .order_by(given.c["position"])
            )
            query = self._many[form] = self._rows.query("append", self._insert(form, source))
        return query

    def _given(self, form: Form) -> TableValuedAlias:
        table, names = self._rows.table, (*form.names, "parent_id")
        types = {name: element_type(table.c[name].type) for name in names}
        arrays = [bindparam(name, type_=ARRAY(types[name])) for name in names]
        columns = [column(name, types[name]) for name in names]
        return (
            func.unnest(*arrays)
            .table_valued(*columns, with_ordinality="position")
            .render_derived(name="given")
        )

    def _insert(self, form: Form, source: Select[*tuple[Any, ...]]) -> ReturningInsert[Any]:
        columns = ["chat_id", "user_id", "parent_id", *form.names]
        clause = insert(self._rows.table).from_select(columns, source)
        return clause.returning(*self._rows.columns)

    def _moved(self, form: Form, *, is_one: bool) -> CTE:
        """Lock the chat, then move it; gives what the first message follows.

        The lock comes first and in a step of its own: what it gives is the chat as it is then, and
        not as it was when the statement began.
        """
        chat, held = self._chat.table, self._held(form)
        values: dict[str, Any] = {
            "head": bindparam("head", type_=chat.c["head"].type),
            "revision": chat.c["revision"] + 1,
        }
        if form.has_parents:
            turns = held.c["parent_id"].is_distinct_from(self._first_parent())
            if not is_one:
                turns = or_(and_(_IS_PLACED, turns), bindparam("is_branching", type_=Boolean()))
            values["is_branched"] = or_(chat.c["is_branched"], turns)
        return (
            update(chat)
            .where(chat.c["user_id"] == held.c["user_id"], chat.c["id"] == held.c["id"])
            .where(*self._follows(form, held))
            .values({**values, **self._chat.touch()})
            .returning(chat.c["id"], chat.c["user_id"], held.c["parent_id"])
            .cte("moved")
        )

    def _beside(self, chat: FromClause) -> list[ColumnElement[bool]]:
        message = self._rows.table
        return [
            message.c["user_id"] == chat.c["user_id"],
            message.c["chat_id"] == chat.c["id"],
            message.c["id"] == bindparam("beside", type_=message.c["id"].type),
            message.c["parent_id"].is_not_distinct_from(self._first_parent()),
            self._rows.live,
        ]

    def _follows(self, form: Form, held: CTE) -> list[ColumnElement[bool]]:
        """Say that what is followed is there, as it is once the chat is locked."""
        message = self._rows.table
        if form.is_beside:  # a parent that was gone before is one that other programs removed
            is_parent = message.c["id"] == self._first_parent()
            if self._is_scoped:
                is_parent = and_(owned(message), is_parent)
            seen = select(func.count()).select_from(message)
            seen = seen.where(message.c["user_id"] == held.c["user_id"], is_parent)
            return [_number(there(message, held, is_parent)) == seen.scalar_subquery()]
        if form.has_parents:
            parents = bindparam("parents", type_=ARRAY(Text()))
            are_parents = and_(message.c["id"] == any_(parents), self._rows.live)
            if self._is_scoped:
                are_parents = and_(owned(message), are_parents)
            return [_number(there(message, held, are_parents)) == func.cardinality(parents)]
        return []

    def _first_parent(self) -> ColumnElement[Any]:
        return bindparam("first_parent_id", type_=self._rows.table.c["parent_id"].type)

    def _held(self, form: Form) -> CTE:
        chat, message = self._chat.table, self._rows.table
        last = (
            select(message.c["id"])
            .where(message.c["user_id"] == chat.c["user_id"])
            .where(message.c["chat_id"] == chat.c["id"], self._rows.live)
            .order_by(message.c["seq"].desc())
            .limit(1)
            .scalar_subquery()
        )
        # Writers that do not know the head leave none, and no revision. Where we wrote there is none
        # when all that the chat showed is gone: what was last may have gone while this one waited.
        is_known = or_(chat.c["is_branched"], chat.c["revision"] > column("0", is_literal=True))
        parent = case((is_known, chat.c["head"]), else_=func.coalesce(chat.c["head"], last)).label(
            "parent_id"
        )
        conditions = [the_chat(self._chat, is_scoped=self._is_scoped), *self._only_if]
        if form.has_expected:
            expected = bindparam("expected_revision", type_=BigInteger())
            conditions.append(chat.c["revision"] == expected)
        if form.has_ids:
            ids = bindparam("ids", type_=ARRAY(Text()))
            same = exists().where(message.c["user_id"] == chat.c["user_id"])
            # An id of another user's message is refused by the primary key.
            conditions.append(~same.where(message.c["id"] == any_(ids)))
        if form.is_beside:
            conditions.append(exists().where(*self._beside(chat)))
        clause = select(chat.c["id"], chat.c["user_id"], parent).where(*conditions)
        return clause.with_for_update(of=chat, key_share=True).cte("held")


def the_chat(chats: Rows[Chat], *, is_scoped: bool, name: str = "chat_id") -> Where:
    """Say which chat: by the parameter `name`, and `user_id` in a scope; none in the trash."""
    chat = chats.table
    by_id = and_(chat.c["id"] == bindparam(name, type_=chat.c["id"].type), chats.live)
    if not is_scoped:
        return by_id
    return and_(chat.c["user_id"] == bindparam("user_id", type_=chat.c["user_id"].type), by_id)


def owned(message: Table) -> Where:
    """Say that messages are those of the user in the parameter `user_id`.

    A join with a chat of that user says it too, but lets the plan look messages up by id alone.
    """
    return message.c["user_id"] == bindparam("user_id", type_=message.c["user_id"].type)


def there(message: Table, held: CTE, which: Where) -> CTE:
    """Give the ids of messages of a chat that was locked before, as `held`, and lock them too.

    A look alone would see them as they were when the statement began, before it waited for the
    chat: also those that went for good meanwhile. One that another program is just removing is
    left out: it may wait for the chat in its turn.
    """
    return (
        select(message.c["id"])
        .join(held, message.c["user_id"] == held.c["user_id"])
        .where(message.c["chat_id"] == held.c["id"], which)
        .with_for_update(of=message, read=True, key_share=True, skip_locked=True)
        .cte("there")
    )


def _number(found: CTE) -> ColumnElement[int]:
    return select(func.count()).select_from(found).scalar_subquery()


def _stored(given: ColumnElement[Any], type_: TypeEngine[Any]) -> ColumnElement[Any]:
    """Give a column of `append` in its stored type: an array came as JSON, see `element_type`."""
    if not isinstance(type_, ARRAY):
        return given
    elements = func.jsonb_array_elements_text(given).column_valued("element")
    array = func.array(select(elements).scalar_subquery())
    return case((given.is_not(None), cast_to(array, type_)), else_=null())
