"""Rows to records."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from pydantic import TypeAdapter

from chatkeep.engine.decode import Field, JoinedShape, NestedShape, Shape
from chatkeep.errors import StoredDataError
from fixtures.chain import everything_of


class Point(msgspec.Struct):
    x: int
    tags: list[str] | None


READ = msgspec.json.Decoder(list[str]).decode
PYDANTIC = TypeAdapter(list[str]).validate_json
FIELDS = [Field("point", "x"), Field("point", "tags", READ)]


def test_field_n_is_column_n() -> None:
    assert Shape(Point, FIELDS).many([(1, '["a"]'), (2, None)]) == [Point(1, ["a"]), Point(2, None)]


def test_no_rows_are_no_records() -> None:
    assert Shape(Point, FIELDS).many([]) == []


def test_a_wrong_stored_value_names_table_and_column_and_shows_nothing() -> None:
    """Pydantic's error repeats the value, and a context that is not printed still holds it."""
    secret: Any = '"s3cret"'
    child = Shape(Point, [Field("point", "x"), Field("point", "tags", PYDANTIC)])
    line = [Field("line", "tags", PYDANTIC)]
    calls: list[Callable[[], object]] = [
        lambda: Shape(Point, FIELDS).one((1, secret)),
        lambda: child.one((1, secret)),
        lambda: child.many([(1, None), (1, secret)]),
        lambda: NestedShape(list, line, child).one((None, [1], [secret])),
        lambda: NestedShape(list, line, child).one((secret, None, None)),
        lambda: NestedShape(list, line, child).many([(secret, None, None)]),
        lambda: JoinedShape(list, line, child, 0).whole([(None, 1, secret)]),
        lambda: JoinedShape(list, line, child, 0).whole([(secret, None, None)]),
    ]
    for call in calls:
        with pytest.raises(StoredDataError, match=r'table "\w+", column "tags"') as caught:
            call()
        assert "s3cret" not in everything_of(caught.value)
        assert "reading the stored value" in everything_of(caught.value)


def test_a_parent_collects_its_children() -> None:
    class Line(msgspec.Struct):
        name: str
        points: list[Point]

    shape = NestedShape(Line, [Field("line", "name")], Shape(Point, FIELDS))
    row = ("l", [1, 2], ['["a"]', None])
    assert shape.one(row) == Line("l", [Point(1, ["a"]), Point(2, None)])
    assert shape.one(("l", None, None)) == Line("l", [])
