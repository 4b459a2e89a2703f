"""The base of every input, and the one place where a refusal becomes our error."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, get_args

from msgspec import Struct, structs
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from chatkeep.errors import InvalidInputError
from chatkeep.inputs.text import first_fault

if TYPE_CHECKING:
    from typing import Self

P = ParamSpec("P")
R = TypeVar("R")

_SHOWN = 5  # a body may hold any number of unknown keys


def refusal(name: str, error: ValidationError, names: Mapping[str, str]) -> InvalidInputError:
    """Turn Pydantic's error into ours: the first field that was refused, never its content.

    Args:
        name: Of the input class.
        error: What Pydantic found.
        names: JSON key to Python name, for the fields of that class and of the records in it.
    """
    found = error.errors(include_url=False, include_context=True, include_input=False)
    first = found[0]
    place = [names.get(str(part), str(part)) for part in first["loc"]]
    inner: str = first.get("ctx", {}).get("inner", "")
    field = ".".join(place) + inner or None
    others = dict.fromkeys(str(part) for fault in found[1:] for part in fault["loc"][:1])
    listed = ", ".join(names.get(part, part) for part in list(others)[:_SHOWN])
    more = f" Wrong too: {listed}." if listed else ""
    where = f"{name}.{field}" if field else name
    return InvalidInputError(
        f"{where} was refused: {_lower_first(first['msg'])}.{more}", field=field
    )


def _lower_first(text: str) -> str:
    text = text.rstrip(".")
    return text if text[:2].isupper() else text[:1].lower() + text[1:]  # JSON stays JSON


def _plainly(
    owner: "type[BaseModel]", call: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    try:
        return call(*args, **kwargs)
    except ValidationError as exc:
        raise refusal(owner.__name__, exc, _python_names(owner)) from exc


def _python_names(owner: type[BaseModel]) -> dict[str, str]:
    names = {field.alias or name: name for name, field in owner.model_fields.items()}
    waiting: list[object] = [field.annotation for field in owner.model_fields.values()]
    seen: set[type] = set()
    while waiting:
        kind = waiting.pop()
        waiting.extend(get_args(kind))
        if isinstance(kind, type) and issubclass(kind, Struct) and kind not in seen:
            seen.add(kind)
            for inner in structs.fields(kind):
                names.setdefault(inner.encode_name, inner.name)
                waiting.append(inner.type)
    return names


if TYPE_CHECKING:
    _Base = BaseModel
else:

    class _PlainErrors(type(BaseModel)):
        """Makes `NewUser(...)` raise our error, and leaves Pydantic's own path alone.

        FastAPI validates a body without calling the class, so it sees a ValidationError and
        answers 422 with the place, as for any other model. An `__init__` of ours would be called
        there too, and lose the place.
        """

        def __call__(cls, *args: object, **kwargs: object) -> object:
            try:
                return super().__call__(*args, **kwargs)
            except ValidationError as exc:
                raise refusal(cls.__name__, exc, _python_names(cls)) from exc

    class _Base(BaseModel, metaclass=_PlainErrors):
        pass


class Input(_Base):
    """Values from a caller, checked when the object is made, unchangeable afterwards.

    Takes the Python names and the JSON keys. Text with NUL or lone surrogates, which PostgreSQL
    cannot store, is refused at any depth; nothing is trimmed, cut or converted silently.

    Raises:
        InvalidInputError: `field` names what was refused; its content is never repeated.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    @field_validator("*", mode="after")
    @classmethod
    def _refuse_text_that_cannot_be_stored(cls, value: object) -> object:
        if type(value) is str and value.isascii() and "\0" not in value:
            return value  # the usual case, in a third of the time
        fault = first_fault(value)
        if fault is not None:
            raise PydanticCustomError("text", fault.problem, {"inner": fault.path})
        return value

    def given(self) -> dict[str, Any]:
        """Give the fields that the caller set, by Python name; what was left out is not there."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    if not TYPE_CHECKING:

        @classmethod
        def model_validate(cls, *args: object, **kwargs: object) -> "Self":
            """Check a dictionary; as Pydantic's, but raises InvalidInputError."""
            return _plainly(cls, super().model_validate, *args, **kwargs)

        @classmethod
        def model_validate_json(cls, *args: object, **kwargs: object) -> "Self":
            """Check JSON text; as Pydantic's, but raises InvalidInputError."""
            return _plainly(cls, super().model_validate_json, *args, **kwargs)


class Changes(Input):
    """Some new values for a row. A field that is left out stays as it is.

    None sets a nullable column to NULL; where the column cannot be NULL, None is refused.
    """
