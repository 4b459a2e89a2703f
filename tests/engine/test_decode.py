"""Rows to records."""

import traceback
from typing import Any

import msgspec
import pytest

from chatkeep.engine.decode import Field, NestedShape, Shape
from chatkeep.errors import StoredDataError


class Point(msgspec.Struct):
    x: int
    tags: list[str] | None


READ = msgspec.json.Decoder(list[str]).decode
FIELDS = [Field("point", "x"), Field("point", "tags", READ)]


def test_field_n_is_column_n() -> None:
    assert Shape(Point, FIELDS).many([(1, '["a"]'), (2, None)]) == [Point(1, ["a"]), Point(2, None)]


def test_no_rows_are_no_records() -> None:
    assert Shape(Point, FIELDS).many([]) == []


def test_a_wrong_stored_value_names_table_and_column_and_shows_nothing() -> None:
    secret: Any = '["s3cret", 7]'
    with pytest.raises(StoredDataError, match='table "point", column "tags"') as caught:
        Shape(Point, FIELDS).one((1, secret))
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_a_parent_collects_its_children() -> None:
    class Line(msgspec.Struct):
        name: str
        points: list[Point]

    shape = NestedShape(Line, [Field("line", "name")], Shape(Point, FIELDS))
    row = ("l", [1, 2], ['["a"]', None])
    assert shape.one(row) == Line("l", [Point(1, ["a"]), Point(2, None)])
    assert shape.one(("l", None, None)) == Line("l", [])
