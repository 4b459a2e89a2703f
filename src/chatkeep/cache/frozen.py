"""Dictionaries and lists that many callers share, so that none of them changes them for the others."""

from typing import Any, NoReturn, cast


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("What the search cache gives is shared by all callers: copy it to change it.")


class SharedDict(dict[str, Any]):
    """A dictionary that cannot be changed; `dict(it)` and `copy.deepcopy(it)` can."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __deepcopy__(self, memo: object) -> dict[str, Any]:
        return cast("dict[str, Any]", thawed(self))

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[object]]:
        return dict, (thawed(self),)


class SharedList(list[Any]):
    """A list that cannot be changed; `list(it)` and `copy.deepcopy(it)` can."""

    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __deepcopy__(self, memo: object) -> list[Any]:
        return cast("list[Any]", thawed(self))

    def __reduce__(self) -> tuple[type[list[Any]], tuple[object]]:
        return list, (thawed(self),)


EMPTY = SharedDict()


def frozen_dict(given: dict[str, Any]) -> SharedDict:
    """Give a JSON object that cannot be changed at any depth."""
    if not given:
        return EMPTY
    return SharedDict({name: _frozen(value) for name, value in given.items()})


def thawed(value: object) -> object:
    """Give a copy of JSON that can be changed."""
    if isinstance(value, dict):
        return {key: thawed(child) for key, child in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [thawed(child) for child in cast("list[object]", value)]
    return value


def _frozen(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return frozen_dict(cast("dict[str, Any]", value))
    if isinstance(value, list | tuple):
        return SharedList([_frozen(child) for child in cast("list[Any]", value)])
    return value
