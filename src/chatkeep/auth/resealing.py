"""`reseal`: the stored tokens, sealed with the newest key in batches while the application is up.

    report = await reseal(schema, url)                     # keys of CHATKEEP_TOKEN_KEYS
    report = await reseal(schema, url, opens=True)         # the way back, to plain text

It walks through the accounts by their key. Each account is changed only if its tokens are still
those that were read, so a refresh that comes meanwhile is never overwritten; an account that
somebody holds is passed over and tried again. What is done stays done: a run that was stopped goes
on where it is needed when it is called again.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from chatkeep.auth.account_table import TOKENS, AccountTable, account_table
from chatkeep.auth.better_auth_tokens import PATTERN, is_better_auths
from chatkeep.auth.reseal_report import ResealReport
from chatkeep.auth.sealing import PREFIX, Place, TokenSealing, sealed_with
from chatkeep.auth.token_keys import KEY_ID
from chatkeep.engine.translate import silence
from chatkeep.errors import ConfigError, DatabaseError, SchemaMismatchError, TokensAtRestError
from chatkeep.kit.connection import connect
from chatkeep.kit.plan.quoting import ident
from chatkeep.schema.schema import Schema

MAX_ROWS = 10_000
_TRIES = 5  # for an account that others hold or change
LOCK_MILLISECONDS = 10_000  # that a statement waits for a lock on the whole table
_PAUSE = 0.05  # seconds between two tries

Key = tuple[str, str]
Tell = Callable[[ResealReport], None]


@dataclass(frozen=True, slots=True)
class _Row:
    """An account as it was read: its key, and its tokens as they are stored."""

    key: Key
    tokens: tuple[str | None, ...] = field(repr=False)


async def reseal(
    schema: Schema[Any, Any, Any, Any],
    url: str,
    *,
    opens: bool = False,
    keys: Mapping[str, bytes] | None = None,
    rows: int = 500,
    tell: Tell | None = None,
) -> ResealReport:
    """Seal plain tokens, and those of older keys, with the newest key; or open all of them.

    Accounts that Better Auth encrypted are left alone, and what does not open as well.

    Args:
        schema: Of either preset, hardened.
        url: The database, as the owner of its tables.
        opens: Open what is sealed, to go without keys from then on.
        keys: The newest first; None reads CHATKEEP_TOKEN_KEYS.
        rows: Accounts in a batch at most, 1 to 10,000.
        tell: Is told of the report after each batch.

    Raises:
        ConfigError: There are no keys, or one cannot be used; the schema has no accounts; `rows`
            is out of bounds.
        SchemaMismatchError: The role does not see every account.
        DatabaseError: Another of its kinds; the batches before are stored.
    """
    if isinstance(rows, bool) or not 1 <= rows <= MAX_ROWS:
        raise ConfigError(f"A batch has 1 to {MAX_ROWS:,} accounts.")
    walk = _Walk(account_table(schema.tables), _sealing(keys), opens=opens, rows=rows)
    async with _connected(url) as connection:
        async with _bounded(connection):
            report = await _survey(connection, walk)
        if report.pending:
            await walk.run(connection, report, tell)
    return report


async def survey(
    schema: Schema[Any, Any, Any, Any],
    url: str,
    *,
    opens: bool = False,
    keys: Mapping[str, bytes] | None = None,
) -> ResealReport:
    """Count the stored tokens by how they are stored; nothing is changed.

    Raises:
        ConfigError: There are no keys, or one cannot be used; the schema has no accounts.
        SchemaMismatchError: The role does not see every account.
    """
    async with _connected(url) as connection, _bounded(connection):
        return await look(connection, account_table(schema.tables), _sealing(keys), opens=opens)


async def look(
    connection: asyncpg.Connection,
    accounts: AccountTable,
    sealing: TokenSealing,
    *,
    opens: bool = False,
) -> ResealReport:
    """Count the stored tokens on a connection that is there, in one statement.

    Raises:
        SchemaMismatchError: The role does not see every account.
    """
    report = await _survey(connection, _Walk(accounts, sealing, opens=opens, rows=1))
    report.is_dry_run = True
    known = set(sealing.key_ids)
    report.unreadable = Counter({key: n for key, n in report.keys.items() if key not in known})
    return report


@asynccontextmanager
async def _connected(url: str) -> AsyncGenerator[asyncpg.Connection]:
    try:
        async with connect(url, name="chatkeep auth seal-tokens", keeps=False) as connection:
            yield connection
    except DatabaseError as error:
        if error.__cause__ is not None:
            silence(error.__cause__)  # "Failing row contains ..." would tell tokens
        raise


@asynccontextmanager
async def _bounded(connection: asyncpg.Connection) -> AsyncGenerator[None]:
    """Open a short transaction that waits for nobody's ALTER TABLE for ever, whatever the defaults."""
    async with connection.transaction(isolation="read_committed"):
        await connection.execute(f"set local lock_timeout = {LOCK_MILLISECONDS}")
        yield


def _sealing(keys: Mapping[str, bytes] | None) -> TokenSealing:
    sealing = TokenSealing(keys or {})
    if not sealing.key_ids:
        raise ConfigError(
            "There are no keys for tokens at rest.",
            hint='Set CHATKEEP_TOKEN_KEYS="2026a:<key>"; `openssl rand -base64 32` prints a key.',
        )
    return sealing


async def _survey(connection: asyncpg.Connection, walk: "_Walk") -> ResealReport:
    if not await connection.fetchval(walk.sees_all):
        raise SchemaMismatchError(
            "Row-level security may hide accounts from this role.",
            hint="Connect as the owner of the tables.",
        )
    newest = None if walk.opens else walk.sealing.key_ids[0]
    report = ResealReport(is_dry_run=False, opens=walk.opens, newest=newest)
    for kind, key_id, count in await connection.fetch(walk.count, PREFIX):
        if kind == "plain":
            report.plain += count
        elif kind == "better_auth":
            report.better_auth += count
        elif KEY_ID.fullmatch(key_id):
            report.keys[key_id] += count
        else:
            report.damaged += count
    return report


class _Walk:
    """One run through the accounts: its statements, and what becomes of each token."""

    def __init__(
        self, accounts: AccountTable, sealing: TokenSealing, *, opens: bool, rows: int
    ) -> None:
        self.sealing = sealing
        self.opens = opens
        self._rows = rows
        self._accounts = accounts
        table = accounts.table
        name = ident(table.schema, table.name) if table.schema else ident(table.name)
        key = ", ".join(f"t.{ident(part)}" for part in (accounts.provider, accounts.account))
        tokens = ", ".join(f"t.{column}" for column in TOKENS)
        self.sees_all = _SEES_ALL.format(table=name.replace("'", "''"))
        self.count = _COUNT.format(
            table=name,
            columns=tokens,
            values=", ".join(f"(t.{column})" for column in TOKENS),
            node=_of_better_auth(accounts),
        )
        pending = " or ".join(
            f"starts_with(t.{column}, $4)" if opens else f"not starts_with(t.{column}, $4)"
            for column in TOKENS
        )
        self._page = _PAGE.format(table=name, key=key, tokens=tokens, pending=pending)
        self._again = _AGAIN.format(table=name, key=key, tokens=tokens)
        self._store = _STORE.format(
            table=name,
            key=key,
            same=" and ".join(f"t.{c} is not distinct from g.was_{c}" for c in TOKENS),
            new=", ".join(f"{column} = g.new_{column}" for column in TOKENS),
        )

    async def run(
        self, connection: asyncpg.Connection, report: ResealReport, tell: Tell | None
    ) -> None:
        """Walk from the first account to the last."""
        prefix = PREFIX if self.opens else f"{PREFIX}{self.sealing.key_ids[0]}:"
        place: Key = ("", "")
        while True:
            async with _bounded(connection):
                found = await connection.fetch(self._page, *place, self._rows, prefix)
            if not found:
                return
            rows = [_row_of(each) for each in found]
            place = rows[-1].key
            await self._batch(connection, rows, report)
            if tell is not None:
                tell(report)

    async def _batch(
        self, connection: asyncpg.Connection, rows: Sequence[_Row], report: ResealReport
    ) -> None:
        """Change these accounts, in tries: what changed since, or is held, is read again."""
        waiting = list(rows)
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(_PAUSE)
                waiting = await self._read_again(connection, [row.key for row in waiting])
            waiting = await self._try(connection, waiting, report)
            if not waiting:
                return
        report.busy += len(waiting)

    async def _try(
        self, connection: asyncpg.Connection, rows: Sequence[_Row], report: ResealReport
    ) -> list[_Row]:
        """Change accounts; give those that changed since they were read, or are held."""
        new = {row.key: self._changed(row) for row in rows}
        todo = [row for row in rows if new[row.key] != row.tokens]
        stored: set[Key] = set()
        if todo:
            lines = ((*row.key, *row.tokens, *new[row.key]) for row in todo)
            columns = [list(column) for column in zip(*lines, strict=True)]
            async with _bounded(connection):
                done = await connection.fetch(self._store, *columns)
            stored = {(each[0], each[1]) for each in done}
        left = {row.key: row for row in todo if row.key not in stored}
        for row in rows:
            if row.key not in left:
                self._note(row, new[row.key], report)
        return list(left.values())

    async def _read_again(self, connection: asyncpg.Connection, keys: Sequence[Key]) -> list[_Row]:
        columns = [list(column) for column in zip(*keys, strict=True)]
        async with _bounded(connection):
            return [_row_of(each) for each in await connection.fetch(self._again, *columns)]

    def _changed(self, row: _Row) -> tuple[str | None, ...]:
        """Give the tokens as they are to be stored; what cannot be opened stays as it is."""
        is_node = self._accounts.is_better_auth and any(
            token is not None and is_better_auths(token) for token in row.tokens
        )
        return tuple(
            token if token is None else self._token(token, Place(column, *row.key), is_node=is_node)
            for column, token in zip(TOKENS, row.tokens, strict=True)
        )

    def _token(self, token: str, place: Place, *, is_node: bool) -> str:
        key_id = sealed_with(token)
        if key_id is None:
            return token if self.opens or is_node else self.sealing.seal(token, place)
        if not self.opens and key_id == self.sealing.key_ids[0]:
            return token
        try:
            opened = self.sealing.open(token, place)
        except TokensAtRestError:
            return token
        return opened if self.opens else self.sealing.seal(opened, place)

    def _note(self, row: _Row, new: Sequence[str | None], report: ResealReport) -> None:
        for token, now in zip(row.tokens, new, strict=True):
            key_id = None if token is None else sealed_with(token)
            if token != now:
                if key_id is None:
                    report.sealed += 1
                else:
                    (report.opened if self.opens else report.resealed)[key_id] += 1
            elif key_id and (self.opens or key_id != report.newest):
                report.unreadable[key_id] += 1


def _row_of(record: asyncpg.Record) -> _Row:
    provider, account, *tokens = record
    return _Row((provider, account), tuple(tokens))


def _of_better_auth(accounts: AccountTable) -> str:
    if not accounts.is_better_auth:
        return "false"
    return " or ".join(f"coalesce(t.{column} ~ '{PATTERN}', false)" for column in TOKENS)


# Policies hide rows from every role but the owner and those above policies.
_SEES_ALL = """
select not c.relrowsecurity or r.rolsuper or r.rolbypassrls
  or pg_catalog.pg_has_role(c.relowner, 'USAGE')
from pg_catalog.pg_class c, pg_catalog.pg_roles r
where c.oid = '{table}'::regclass and r.rolname = current_user
"""
_COUNT = """
select kind, key_id, count(*)::int8 from (
  select case when starts_with(v.token, $1) then 'sealed'
    when {node} then 'better_auth' else 'plain' end as kind,
    case when starts_with(v.token, $1) then split_part(v.token, ':', 3) else '' end as key_id
  from {table} t cross join lateral (values {values}) v (token)
  where v.token is not null
) found group by 1, 2 order by 1, 2
"""
_PAGE = """
select {key}, {tokens} from {table} t
where ({key}) > ($1, $2) and ({pending})
order by {key} limit $3
"""
_AGAIN = """
select {key}, {tokens} from {table} t
join unnest($1::text[], $2::text[]) g (provider, account) on ({key}) = (g.provider, g.account)
"""
# Nobody is waited for, and nobody waits for more than this statement.
_STORE = """
with given as (
  select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::text[]) g (provider, account, was_access_token, was_refresh_token,
    was_id_token, new_access_token, new_refresh_token, new_id_token)
), held as (
  select g.* from {table} t join given g on ({key}) = (g.provider, g.account)
  where {same}
  for no key update of t skip locked
)
update {table} t set {new} from held g
where ({key}) = (g.provider, g.account) and {same}
returning {key}
"""
