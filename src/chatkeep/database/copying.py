"""Rows of any kind on their way into a table by COPY."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from inspect import iscoroutinefunction
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, cast

from sqlalchemy import Table

from chatkeep.database.sending import Refused, Send, sender_of
from chatkeep.engine.copy import Feed, Target, copy_rows
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.transaction import TransactionRunner
from chatkeep.errors import ConfigError, InvalidInputError
from chatkeep.inputs.base import Input
from chatkeep.records.base import Record

Rows = Iterable[object] | AsyncIterable[object]
Pick = Callable[[object, int], Sequence[object]]
"""Gives a row's values in the order of the columns; the number is for errors."""

_NO_ROW = object()


async def copy_into(
    runner: PoolRunner | TransactionRunner,
    table: Table[Any],
    rows: Rows,
    columns: Sequence[str] | None,
    progress: Callable[[int], object] | None,
) -> int:
    """Store rows in one COPY; see `Queries.copy`."""
    _check_arguments(table, columns, progress)
    async with _opened(rows) as (whole, first):
        if first is None:
            if progress is not None:
                progress(0)
            return 0
        names, pick = _reading(table, first[0], columns)
        sends = [(name, sender_of(table.c[name].type)) for name in names]
        target = Target(table.schema, table.name, tuple(table.c[name].name for name in names))
        return await copy_rows(runner, target, Feed(whole, _converter(pick, sends), progress))


@asynccontextmanager
async def _opened(rows: Rows) -> AsyncGenerator[tuple[Rows, tuple[object] | None]]:
    """Lend the rows, whole, and the first of them, from which their kind is read.

    An asynchronous source is closed at the end, however that comes: it may hold a connection.
    """
    if not isinstance(rows, AsyncIterable):
        yield _look_at_first(rows)
        return
    async with AsyncExitStack() as stack:
        later = aiter(rows)
        close = getattr(later, "aclose", None)
        if close is not None:
            stack.push_async_callback(close)
        first = await anext(later, _NO_ROW)
        if first is _NO_ROW:
            yield (), None
        else:
            yield await stack.enter_async_context(aclosing(_with_first(first, later))), (first,)


def _look_at_first(rows: Iterable[object]) -> tuple[Rows, tuple[object] | None]:
    if isinstance(rows, str | bytes | Mapping):
        raise InvalidInputError(f"copy takes rows, not a {type(rows).__name__}.", field="rows")
    iterator: Iterator[object] = iter(rows)
    for row in iterator:
        return chain((row,), iterator), (row,)
    return (), None


async def _with_first(first: object, later: AsyncIterator[object]) -> AsyncGenerator[object]:
    yield first
    async for row in later:
        yield row


def _check_arguments(table: object, columns: Sequence[str] | None, progress: object) -> None:
    if not isinstance(table, Table):
        raise ConfigError(f"copy stores rows in a table, not in a {type(table).__name__}.")
    if iscoroutinefunction(progress):
        raise ConfigError("copy calls progress between two rows: it cannot be awaited.")
    if columns is None:
        return
    if isinstance(columns, str) or not columns or len(set(columns)) != len(columns):
        raise ConfigError("copy: columns= takes the names of columns, at least one, each once.")
    for name in columns:
        if name not in table.c:
            raise ConfigError(f'copy: the table "{table.name}" has no column {name}.')


def _converter(pick: Pick, sends: list[tuple[str, Send]]) -> Pick:
    just_sends = [send for _, send in sends]

    def convert(row: object, number: int) -> Sequence[object]:
        values = pick(row, number)
        try:
            return [send(value) for send, value in zip(just_sends, values, strict=True)]
        except Refused:
            pass
        for (name, send), value in zip(sends, values, strict=True):
            try:
                send(value)
            except Refused as exc:
                problem = f"copy: row {number}, column {name}: {exc}."
                raise InvalidInputError(problem, field=name) from exc
        raise AssertionError  # not reached: one of them refused its value a moment ago

    return convert


def _reading(
    table: Table[Any], first: object, columns: Sequence[str] | None
) -> tuple[list[str], Pick]:
    """Tell from the first row which columns are stored, and how a row's values are read."""
    if isinstance(first, Input):
        return _of_inputs(table, first, columns)
    if isinstance(first, Record):
        names = list(columns or first.__struct_fields__)
        _check_fields(table, type(first), names, first.__struct_fields__)
        return names, _of_one_class(type(first), names)
    if isinstance(first, Mapping):
        keys = [str(key) for key in cast("Mapping[object, object]", first)]
        return _of_mappings(table, list(columns or keys))
    if isinstance(first, list | tuple):
        if columns is None:
            raise ConfigError(
                "copy: rows that are sequences need columns=.", hint='columns=["id", "title"]'
            )
        return list(columns), _sequences(len(columns))
    raise InvalidInputError(
        f"copy: row 1 is a {type(first).__name__}.",
        hint="Give inputs, records, mappings, or sequences with columns=.",
    )


def _of_inputs(
    table: Table[Any], first: Input, columns: Sequence[str] | None
) -> tuple[list[str], Pick]:
    """Leave to the database what the first input leaves to it, as `create` does."""
    kind = type(first)
    fields = tuple(kind.model_fields)
    _check_fields(table, kind, columns or fields, fields)
    if columns is not None:
        return list(columns), _of_one_class(kind, columns)
    defaulted = [name for name in fields if table.c[name].server_default is not None]
    left_out = [name for name in defaulted if getattr(first, name) is None]
    names = [name for name in fields if name not in left_out]
    pick = _of_one_class(kind, names)
    if not defaulted:
        return names, pick

    def pick_alike(row: object, number: int) -> Sequence[object]:
        values = pick(row, number)
        for name in defaulted:
            if (getattr(row, name) is None) is not (name in left_out):
                raise InvalidInputError(
                    f"copy: row {number} and row 1 differ in whether {name} is left to the database.",
                    hint="Name it in columns=, where None is NULL, or copy the two kinds apart.",
                    field=name,
                )
        return values

    return names, pick_alike


def _check_fields(
    table: Table[Any], kind: type, names: Sequence[str], fields: Sequence[str]
) -> None:
    for name in names:
        if name not in table.c:
            raise InvalidInputError(
                f'{kind.__name__} does not belong to the table "{table.name}", '
                f"which has no column {name}.",
                field=name,
            )
        if name not in fields:
            raise InvalidInputError(f"copy: {kind.__name__} has no field {name}.", field=name)


def _of_one_class(kind: type, names: Sequence[str]) -> Pick:
    get = attrgetter(*names)
    is_single = len(names) == 1

    def pick(row: object, number: int) -> Sequence[object]:
        if type(row) is not kind:
            raise _other_kind(row, number, kind.__name__)
        values = get(row)
        return (values,) if is_single else values

    return pick


def _of_mappings(table: Table[Any], names: list[str]) -> tuple[list[str], Pick]:
    for name in names:
        if name not in table.c:
            raise InvalidInputError(
                f'copy: row 1 has a key {name!r}, which is no column of "{table.name}".', field=name
            )
    get = itemgetter(*names)
    is_single = len(names) == 1

    def pick(row: object, number: int) -> Sequence[object]:
        if not isinstance(row, Mapping):
            raise _other_kind(row, number, "mapping")
        mapping = cast("Mapping[str, object]", row)
        if len(mapping) == len(names):
            try:
                return (get(mapping),) if is_single else get(mapping)
            except KeyError:
                pass
        raise _other_keys(mapping, number, names)

    return names, pick


def _other_keys(row: Mapping[str, object], number: int, names: list[str]) -> InvalidInputError:
    missing = [name for name in names if name not in row]
    if missing:
        return InvalidInputError(f"copy: row {number} lacks {missing[0]}.", field=missing[0])
    extra = next(str(key) for key in row if key not in names)
    return InvalidInputError(
        f"copy: row {number} has {extra}, which is not among the columns.",
        hint=f"They are: {', '.join(names)}.",
        field=extra,
    )


def _sequences(width: int) -> Pick:
    def pick(row: object, number: int) -> Sequence[object]:
        if not isinstance(row, list | tuple):
            raise _other_kind(row, number, "sequence")
        values = cast("Sequence[object]", row)
        if len(values) != width:
            raise InvalidInputError(
                f"copy: row {number} has {len(values)} values for {width} columns."
            )
        return values

    return pick


def _other_kind(row: object, number: int, kind: str) -> InvalidInputError:
    return InvalidInputError(f"copy: row {number} is a {type(row).__name__}, row 1 a {kind}.")
