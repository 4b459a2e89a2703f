"""SQLAlchemy Core statement to SQL text with `$n`, once, with everything a call needs beside it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, cast

import msgspec
from sqlalchemy import JSON, CompoundSelect, Enum, Select
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    Cast,
    ColumnClause,
    Grouping,
    TextClause,
)
from sqlalchemy.sql.functions import FunctionElement, coalesce
from sqlalchemy.sql.operators import (
    is_,
    is_comparison,
    is_distinct_from,
    is_not,
    is_not_distinct_from,
)
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault
from sqlalchemy.sql.sqltypes import TupleType
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeDecorator, TypeEngine

from chatkeep.engine.parameters import (
    DIALECT,
    Parameter,
    is_zoned,
    writer_of,
)
from chatkeep.engine.subject import NO_SUBJECT, Subject, subject_of
from chatkeep.errors import ConfigError, InvalidInputError
from chatkeep.schema.types import Json

# Functions that change nothing. Only a select whose functions are all among them may be sent again
# after its connection broke: of any other one, nobody knows what a second call does.
_HARMLESS = frozenset(
    {
        "array",
        "array_agg",
        "avg",
        "coalesce",
        "count",
        "current_timestamp",
        "date_trunc",
        "encode",
        "greatest",
        "json_agg",
        "json_build_array",
        "json_build_object",
        "jsonb_agg",
        "jsonb_array_elements_text",
        "jsonb_build_object",
        "least",
        "length",
        "lower",
        "max",
        "min",
        "now",
        "row",
        "row_number",
        "row_to_json",
        "statement_timestamp",
        "string_agg",
        "substr",
        "sum",
        "translate",
        "unnest",
        "upper",
    }
)


_NO_MEMBERS: Mapping[str, TypeEngine[Any]] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A compiled statement. Each is itself alone, so that connections can keep what belongs to it.

    Attributes:
        name: In reports, such as `chats.list`.
        sql: With `$1`, `$2` and so on.
        parameters: In the order of `$n`.
        plain: Their names, where each is required and goes to the driver as it is.
        is_read: It changes nothing, so it may be sent again when its connection broke.
        is_kept: It comes again: each connection keeps it prepared.
        subject: What it does to which tables, for reports.
    """

    name: str
    sql: str
    parameters: tuple[Parameter, ...]
    plain: tuple[str, ...] | None
    is_read: bool = False
    is_kept: bool = True
    subject: Subject = NO_SUBJECT

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        """Put named values into the order of `$n`.

        Raises:
            InvalidInputError: A parameter is missing, or its value cannot be sent.
        """
        arguments: list[Any]
        try:
            if self.plain is not None:
                arguments = [values[name] for name in self.plain]
            else:
                arguments = [_argument(parameter, values) for parameter in self.parameters]
        except KeyError as exc:
            name = str(exc.args[0])
            raise InvalidInputError(
                f"The statement {self.name} needs a value for its parameter {name!r}.", field=name
            ) from exc
        for index, argument in enumerate(arguments):
            # The usual values are told from others without a call: this is a part of every one.
            kind = type(argument)
            if kind is str:
                if "\0" in argument:
                    self.parameters[index].check(argument, self.name)
            elif kind is datetime:
                if argument.tzinfo is None:
                    self.parameters[index].check(argument, self.name)
            elif kind is not int:
                self.parameters[index].check(argument, self.name)
        return arguments

    def check_names(self, values: Mapping[str, object]) -> None:
        """Refuse a parameter that the statement does not have: a misspelt name would pass unseen.

        Raises:
            InvalidInputError: The statement has no such parameter.
        """
        known = {parameter.name for parameter in self.parameters}
        for name in values:
            if name not in known:
                raise InvalidInputError(
                    f"The statement {self.name} has no parameter {name!r}; "
                    f"it has: {', '.join(sorted(known)) or 'none'}.",
                    field=name,
                )


def compile_statement(
    name: str, clause: ClauseElement, *, is_kept: bool = True, has_keys: bool = False
) -> Statement:
    """Compile a Core statement for asyncpg.

    Args:
        name: In reports and errors.
        clause: The statement.
        is_kept: Whether it comes again, so that preparing it pays.
        has_keys: What it compares with is never NULL: None is refused for such a parameter.

    Raises:
        ConfigError: The clause is no statement that can be compiled to SQL with parameters, or it
            has an `IN` whose list is known only at the call.
    """
    compiled = clause.compile(dialect=DIALECT)
    if not isinstance(compiled, SQLCompiler):
        raise ConfigError(f"{name}: {type(clause).__name__} is not a statement with parameters.")
    values = compiled.params  # those of .params() included; None where only the call brings one
    if any(_is_open_list(bind, values.get(key)) for key, bind in compiled.binds.items()):
        raise ConfigError(
            f"{name}: an IN list of unknown length cannot be prepared.",
            hint="Write column == any_(bindparam(...)) with an ARRAY type instead.",
        )
    sql, names, members = str(compiled), compiled.positiontup or [], _NO_MEMBERS
    if compiled.post_compile_params or compiled.literal_execute_params:
        state = compiled.construct_expanded_state(values)
        sql, names, values = state.statement, state.positiontup or [], state.parameters
        members = _member_types(compiled, state.parameter_expansion)
    keys = _compared(clause) if has_keys else frozenset[str]()
    parameters = tuple(
        _member(key, members[key], values[key])
        if key in members
        else _parameter(compiled, key, values.get(key), is_key=key in keys)
        for key in names
    )
    is_plain = all(p.required and p.write is None for p in parameters)
    return Statement(
        name=name,
        sql=sql,
        parameters=parameters,
        plain=tuple(p.name for p in parameters) if is_plain else None,
        subject=subject_of(clause, sql),
        is_read=_is_read(clause),
        is_kept=is_kept,
    )


def control_statement(name: str, sql: str) -> Statement:
    """Give a word of a transaction the form of a statement."""
    return Statement(name, sql, (), (), subject=Subject(name.partition(" ")[0].upper()))


def reader_of(type_: TypeEngine[Any], python_type: object) -> Callable[[Any], Any] | None:
    """Give what turns the driver's value of such a column into ours; None where it is ours already.

    JSON is decoded straight into `python_type`. The driver speaks the other types itself, but for
    those of which only SQLAlchemy knows the Python side: enums and decorated types.
    """
    if isinstance(type_, Json):
        python_type = type_.shape
    if isinstance(type_, Json | JSON):
        return msgspec.json.Decoder(cast("type[Any]", python_type)).decode
    if isinstance(type_, TypeDecorator | Enum):
        return type_.dialect_impl(DIALECT).result_processor(DIALECT, None)
    return None


def _is_read(clause: ClauseElement) -> bool:
    if not isinstance(clause, Select | CompoundSelect):
        return False
    for element in iterate(clause):
        if isinstance(element, UpdateBase | TextClause):
            return False
        if isinstance(element, FunctionElement) and element.name not in _HARMLESS:
            return False
        if isinstance(element, ColumnClause) and element.is_literal and "(" in element.name:
            return False  # SQL written by hand may call anything
    return True


def _is_open_list(bind: BindParameter[Any], value: object) -> bool:
    return bind.expanding and bind.required and value is None


_NULL_IS_MEANT = frozenset({is_, is_not, is_distinct_from, is_not_distinct_from})


def _compared(clause: ClauseElement) -> frozenset[str]:
    """Name the parameters that the statement compares something with.

    Where it says what happens to NULL (IS DISTINCT FROM, coalesce), None may be meant.
    """
    found: set[str] = set()
    meant: set[str] = set()
    for element in iterate(clause):
        if isinstance(element, BinaryExpression) and is_comparison(element.operator):
            if element.operator in _NULL_IS_MEANT:
                meant.update(_direct(element.left, element.right))
            else:
                found.update(_required(element))
        elif isinstance(element, coalesce):
            meant.update(_direct(*element.clauses))
    return frozenset(found - meant)


def _required(clause: ClauseElement) -> Iterator[str]:
    for bind in iterate(clause):
        if isinstance(bind, BindParameter) and bind.required:
            yield bind.key


def _direct(*operands: object) -> Iterator[str]:
    """Name the parameters that are operands themselves, and none inside of them."""
    for operand in operands:
        if isinstance(operand, Cast):
            yield from _direct(operand.clause)
        elif isinstance(operand, Grouping):
            yield from _direct(operand.element)
        elif isinstance(operand, BindParameter) and operand.required:
            yield operand.key


def _parameter(compiled: SQLCompiler, key: str, value: object, *, is_key: bool) -> Parameter:
    bind = compiled.binds[key]
    parameter = Parameter(
        key,
        required=bind.required and value is None,
        value=None,
        write=writer_of(bind.type),
        is_zoned=is_zoned(bind.type),
        is_key=is_key,
        make=_default_of(compiled, key),
    )
    if parameter.required or parameter.make is not None:
        return parameter
    return replace(parameter, value=parameter.written(value))


def _member(key: str, type_: TypeEngine[Any], value: object) -> Parameter:
    """Give the parameter of a member of an expanded IN list: a constant."""
    member = Parameter(key, False, None, writer_of(type_), is_zoned(type_))
    return member if value is None else replace(member, value=member.written(value))


def _member_types(
    compiled: SQLCompiler, expansions: Mapping[str, Sequence[str]]
) -> dict[str, TypeEngine[Any]]:
    found: dict[str, TypeEngine[Any]] = {}
    for name, members in expansions.items():
        type_ = compiled.binds[name].type
        types = type_.types if isinstance(type_, TupleType) else [type_]
        found.update((member, types[n % len(types)]) for n, member in enumerate(members))
    return found


def _default_of(compiled: SQLCompiler, key: str) -> Callable[[], object] | None:
    """Give what makes the value of a column that has a default of Python's."""
    found = [column.default for column in compiled.insert_prefetch if column.key == key]
    found += [column.onupdate for column in compiled.update_prefetch if column.key == key]
    for default in found:
        if isinstance(default, CallableColumnDefault):
            make = cast("Callable[[object], object]", default.arg)
            return partial(make, None)  # SQLAlchemy's wrapper passes a context on, or None
        if isinstance(default, ScalarElementColumnDefault):
            return partial(_same, default.arg)
    return None


def _same(value: object) -> object:
    return value


def _argument(parameter: Parameter, values: Mapping[str, object]) -> object:
    if parameter.name not in values:
        if parameter.required:
            raise KeyError(parameter.name)
        return parameter.value if parameter.make is None else parameter.written(parameter.make())
    return parameter.written(values[parameter.name])
