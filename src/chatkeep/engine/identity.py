"""As whom statements run: the login role, or the application role on behalf of one user.

Everything is said for one transaction only, so nothing is left on a connection that a pooler lends
to somebody else next.
"""

from dataclasses import dataclass

from chatkeep.engine.compile import control_statement
from chatkeep.engine.observe import Observers
from chatkeep.engine.translate import DRIVER_ERRORS, Meanings, translate
from chatkeep.engine.wire import Wire
from chatkeep.errors import DatabaseError, InvalidInputError, SchemaMismatchError

SETTING = "chatkeep.user_id"
"""What policies compare with; empty or missing shows nothing."""

_BEFORE = "chatkeep.role"  # the role to go back to: the connection may have one of its own
_IS_LOGIN = f"coalesce(current_setting('{SETTING}', true), '') = ''"
_LOGIN = f"CASE WHEN {_IS_LOGIN} THEN current_setting('role') ELSE current_setting('{_BEFORE}') END"
_BACK = f"SELECT set_config('role', {_LOGIN}, true), set_config('{SETTING}', '', true)"
_MISSING_ROLE = frozenset({"22023", "42704"})


@dataclass(frozen=True, slots=True)
class Identity:
    """The application role on behalf of one user.

    Attributes:
        role: Name of the role in PostgreSQL.
        user_id: Whose rows it sees.
    """

    role: str
    user_id: str

    def begin(self) -> str:
        """Give the words that begin a transaction as this one."""
        return _begin(f'"{self.role.replace(_QUOTE, _QUOTE * 2)}"', _text(self.user_id))

    def become(self) -> str:
        """Give the words that make an open transaction go on as this one, whoever it was."""
        return _become(_text(self.role), _text(self.user_id))


UNKNOWN = Identity("", "")
"""Of a transaction where a change of identity broke off, or was taken back with a savepoint."""

_QUOTE = '"'


def _begin(role: str, user_id: str) -> str:
    return f"BEGIN; SET LOCAL ROLE {role}; SET LOCAL {SETTING} = {user_id}"


def _become(role: str, user_id: str) -> str:
    return (
        f"SELECT set_config('{_BEFORE}', {_LOGIN}, true), set_config('role', {role}, true), "
        f"set_config('{SETTING}', {user_id}, true)"
    )


_TOLD_BEGIN = _begin("$1", "$2")
_TOLD_BECOME = _become("$1", "$2")


class Watched:
    """What a change of identity needs to know: who watches, and what errors mean."""

    __slots__ = ("meanings", "observers")

    def __init__(self, observers: Observers, meanings: Meanings) -> None:
        self.observers = observers
        self.meanings = meanings


async def begin_as(wire: Wire, identity: Identity, watched: Watched) -> None:
    """Begin a transaction as this identity, in one round trip.

    Raises:
        SchemaMismatchError: There is no such role.
        StatementError: The login role may not become it.
        DatabaseError: Another of its kinds.
    """
    try:
        await word(wire, identity.begin(), ("begin", _TOLD_BEGIN), watched)
    except (DatabaseError, InvalidInputError) as exc:
        raise _refused(exc, identity) from exc


async def become(wire: Wire, identity: Identity | None, watched: Watched) -> None:
    """Go on as this identity inside an open transaction; None is the login role.

    Raises:
        SchemaMismatchError: There is no such role.
        StatementError: The login role may not become it.
        DatabaseError: Another of its kinds.
    """
    if identity is None:
        await word(wire, _BACK, ("set role", _BACK), watched)
        return
    try:
        await word(wire, identity.become(), ("set role", _TOLD_BECOME), watched)
    except (DatabaseError, InvalidInputError) as exc:
        raise _refused(exc, identity) from exc


async def word(wire: Wire, sql: str, told: tuple[str, str], watched: Watched) -> None:
    """Send a word of a transaction.

    Args:
        wire: Where.
        sql: What to send.
        told: Its name, and the SQL to show, which repeats no value.
        watched: Who is told.

    Raises:
        DatabaseError: One of its kinds.
    """
    name, shown = told
    if not watched.observers.active:
        await _send(wire, sql, name, watched)
        return
    with watched.observers.watch(control_statement(name, shown), control=True):
        await _send(wire, sql, name, watched)


async def _send(wire: Wire, sql: str, name: str, watched: Watched) -> None:
    try:
        await wire.execute(sql)
    except DRIVER_ERRORS as exc:
        raise translate(exc, name, watched.meanings) from exc


def _refused(
    exc: DatabaseError | InvalidInputError, identity: Identity
) -> DatabaseError | InvalidInputError:
    state: object = getattr(exc.__cause__, "sqlstate", None)
    if state in _MISSING_ROLE:
        return SchemaMismatchError(
            f'The database\'s server has no role "{identity.role}", under which the calls of a '
            "user's scope run.",
            hint="Run `chatkeep generate && chatkeep migrate`, which makes it.",
        )
    if state == "42501":
        exc.hint = f'Let somebody who may: GRANT "{identity.role}" TO the role of this connection.'
    return exc


def _text(text: str) -> str:
    """Quote a text so that it is the same whatever `standard_conforming_strings` says."""
    quoted = text.replace("'", "''")
    return f"E'{quoted.replace(_SLASH, _SLASH * 2)}'" if _SLASH in text else f"'{quoted}'"


_SLASH = "\\"
