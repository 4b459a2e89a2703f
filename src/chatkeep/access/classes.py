"""Classes of the caller's that rows become: their fields, and what builds them.

A dataclass or a msgspec Struct is built and nothing is checked; a Pydantic model is validated, as
its users expect.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeVar, cast, get_type_hints

import msgspec
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.dataclasses import is_pydantic_dataclass

from chatkeep.errors import ConfigError, StoredDataError

X = TypeVar("X")


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a class: its annotated type, and whether a column must fill it."""

    annotation: object
    required: bool


def parts_of(name: str, into: Any) -> dict[str, Part]:  # noqa: ANN401 - whatever was given
    """Give the fields of a class by name, in its order.

    Args:
        name: Of the statement, for errors.
        into: What should be such a class.

    Raises:
        ConfigError: It is of another kind, or an annotation names what cannot be found.
    """
    is_class = isinstance(into, type)
    if is_class and issubclass(into, BaseModel):
        return {
            field: Part(info.annotation, info.is_required())
            for field, info in into.model_fields.items()
        }
    try:
        if is_class and issubclass(into, msgspec.Struct):
            return {
                info.name: Part(info.type, info.required) for info in msgspec.structs.fields(into)
            }
        if is_class and dataclasses.is_dataclass(into):
            return _parts_of_dataclass(cast("type[Any]", into))
    except NameError as exc:
        raise ConfigError(
            f"{name}: the annotations of {into.__name__} name {exc.name}, which cannot be found.",
            hint="Define it in the same module, outside of functions.",
        ) from exc
    shown = into.__name__ if is_class else type(into).__name__
    raise ConfigError(
        f"{name}: into= takes a dataclass, a msgspec Struct or a Pydantic model, not {shown}."
    )


def _parts_of_dataclass(into: type[Any]) -> dict[str, Part]:
    hints = get_type_hints(into, include_extras=True)
    return {
        parameter.name: Part(
            hints.get(parameter.name, Any), parameter.default is inspect.Parameter.empty
        )
        for parameter in inspect.signature(into).parameters.values()
    }


def shown(annotation: object) -> str:
    """Write a type as its user would."""
    return (
        annotation.__name__ if type(annotation) is type else str(annotation).replace("typing.", "")
    )


def is_pydantic(into: type[Any]) -> bool:
    """Whether the class validates and converts what it is given."""
    return issubclass(into, BaseModel) or is_pydantic_dataclass(into)


def positional(into: type[X], names: Sequence[str]) -> Callable[..., X]:
    """Build by position where the class takes the columns so, else by name."""
    order = [
        parameter.name
        for parameter in inspect.signature(into).parameters.values()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ][: len(names)]
    if order == list(names):
        return into
    if sorted(order) == sorted(names):
        pick = itemgetter(*(names.index(field) for field in order))
        return lambda *values: into(*pick(values))
    return lambda *values: into(**dict(zip(names, values, strict=True)))


def validated(into: type[X], names: Sequence[str]) -> Callable[..., X]:
    """Build a Pydantic class by its fields' names, whatever its aliases, with its validation.

    What it gives raises StoredDataError where the class refuses a row.
    """
    validate = TypeAdapter(into).validate_python

    def make(*values: object) -> X:
        row: Mapping[str, object] = dict(zip(names, values, strict=True))
        try:
            return validate(row, by_alias=False, by_name=True)
        except ValidationError as exc:
            # What Pydantic says repeats the value: only the places go on.
            places = {".".join(str(part) for part in fault["loc"]) for fault in exc.errors()}
        raise StoredDataError(
            f"A stored row does not have the shape of {into.__name__}: "
            f"{', '.join(sorted(places)) or 'the row as a whole'}.",
            hint="Correct the row, or widen the field's type.",
        )

    return make
