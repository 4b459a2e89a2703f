"""What is compiled is kept by what stays the same of a statement from call to call.

SQLAlchemy's own cache key tells the values of a statement from the rest, which all of its engines
look compiled statements up by. It says too little of some types: of an `Enum` the length of its
labels, of a decorated type what its `__init__` takes before the star. A statement with one of these
is looked up by its types as well, at 30 microseconds more; one without is not looked at again.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, Generic, TypeAlias, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy import ARRAY, Column, Enum, Interval, Table, TypeDecorator
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.cache_key import CacheKey
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeEngine

from chatkeep.schema.types import Json

V = TypeVar("V")

MAX_KEPT = 500  # as many as a connection keeps prepared

Binds: TypeAlias = Sequence[BindParameter[Any]]
"""The constants of a statement, in the order of SQLAlchemy's cache key."""

# The method is private, and the only way to what every engine of SQLAlchemy does at each call. Its
# result is what `SQLCompiler` publicly takes. A test compares what comes of it with a fresh
# compilation, and notices when it changes.
_generate_cache_key = methodcaller("_generate_cache_key")


@dataclass(frozen=True, slots=True)
class Form:
    """What a statement has in common with others that differ in their constants.

    Attributes:
        clause: The statement.
        key: SQLAlchemy's.
        place: What it is looked up by.
    """

    clause: ClauseElement
    key: CacheKey
    place: tuple[object, ...]

    @property
    def binds(self) -> Binds:
        """Its constants."""
        return self.key.bindparams


def form_of(statement: object) -> Form | None:
    """Give the form of a statement; None: nothing tells it apart, or a constant is no parameter."""
    if not isinstance(statement, ClauseElement):
        return None
    key: CacheKey | None = _generate_cache_key(statement)
    if key is None or key.params:  # what .params() gives is not in the binds
        return None
    lengths: list[int] = []  # the number of values of an IN stands in the SQL
    for bind in key.bindparams:
        if bind.literal_execute:
            return None
        if bind.expanding:
            values = None if bind.required else bind.effective_value
            if not _is_flat(values):
                return None
            lengths.append(len(cast("Sequence[object]", values)))
    return Form(statement, key, (key.key, *lengths))


def _is_flat(values: object) -> bool:
    return isinstance(values, list | tuple) and not any(
        isinstance(value, list | tuple) for value in cast("Sequence[object]", values)
    )


class Memory(Generic[V]):
    """What was made for forms of statements; of more than 500 the least used goes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, V | _Types] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, form: Form, *more: object) -> tuple[object, V | None]:
        """Give the place of a form, and what was put there.

        Args:
            form: Of the statement.
            more: What else tells it from others, such as the class of its rows.
        """
        place: object = (form.place, more)
        found = self._kept.get(place)
        if found is None and _has_types(form.key.key):
            self._put(place, _TYPES)
            found = _TYPES
        if isinstance(found, _Types):
            self._kept.move_to_end(place)
            place = (place, tuple(_types_of(form.clause)))
            found = self._kept.get(place)
        if found is None or isinstance(found, _Types):
            return place, None
        self._kept.move_to_end(place)
        return place, found

    def put(self, place: object, value: V) -> None:
        """Keep something for the forms of a place."""
        self._put(place, value)

    def _put(self, place: object, value: "V | _Types") -> None:
        self._kept[place] = value
        self._kept.move_to_end(place)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)


class PerOwner(Generic[V]):
    """One memory for each owner, such as a schema, while that lives."""

    def __init__(self, make: Callable[[], V]) -> None:
        self._make = make
        self._found: WeakKeyDictionary[object, V] = WeakKeyDictionary()

    def of(self, owner: object) -> V:
        """Give the memory of an owner."""
        found = self._found.get(owner)
        if found is None:
            found = self._found[owner] = self._make()
        return found


class _Types:
    """Stands where statements differ in their types alone."""


_TYPES = _Types()
_VAGUE = (Enum, TypeDecorator)  # kinds of types of which the key does not say enough


def _has_types(part: tuple[object, ...]) -> bool:
    """Whether a cache key names a class of types of which it does not say enough."""
    for item in part:
        if isinstance(item, tuple):
            if _has_types(cast("tuple[object, ...]", item)):
                return True
        elif item is not Interval and isinstance(item, type) and issubclass(item, _VAGUE):
            return True
    return False


def _types_of(clause: ClauseElement) -> Iterator[object]:
    """Give what the key does not say of the types of a statement; a table's columns have theirs."""
    for element in iterate(clause):
        table: object = element.table if isinstance(element, Column) else None
        type_ = getattr(element, "type", None)
        if isinstance(type_, TypeEngine) and not isinstance(table, Table):
            yield _told(cast("TypeEngine[Any]", type_))


def _told(type_: TypeEngine[Any]) -> object:
    if isinstance(type_, ARRAY):
        type_ = cast("ARRAY[Any]", type_).item_type  # of all dimensions
    if isinstance(type_, Json):
        return (type_.shape, type_.binary)
    if type(type_) is Enum:
        return (
            *(type_.name, type_.schema, type_.native_enum, type_.enum_class),
            *(type_.validate_strings, tuple(type_.enums)),
        )
    if isinstance(type_, Interval) or not isinstance(type_, _VAGUE):
        return None
    return type_  # itself: nobody knows what it is made of
