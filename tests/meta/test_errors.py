"""The error tree: every class is drawn, has a code of its own, and is exported or findable."""

import inspect

from chatkeep import errors


def classes() -> list[type[errors.ChatkeepError]]:
    return [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, errors.ChatkeepError)
    ]


def test_the_drawing_names_every_class():
    assert errors.__doc__ is not None
    missing = [cls.__name__ for cls in classes() if cls.__name__ not in errors.__doc__]
    assert not missing


def test_codes_are_unique():
    codes = [cls.code for cls in classes()]
    assert sorted(codes) == sorted(set(codes))


def test_builtin_bases_are_the_ones_a_reader_would_catch():
    for cls in classes():
        if issubclass(cls, errors.NotFoundError):
            assert issubclass(cls, LookupError)
        if issubclass(cls, errors.InvalidInputError):
            assert issubclass(cls, ValueError)
        if "Timeout" in cls.__name__ or cls is errors.MigrationLockError:
            assert issubclass(cls, TimeoutError)


def test_hint_follows_the_message():
    error = errors.ChatkeepError("It broke.", hint="Mend it.")
    assert str(error) == "It broke. Mend it."
    assert error.hint == "Mend it."
