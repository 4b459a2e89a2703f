"""The front door: one sorted list of names, each of which is there."""

import ast
from pathlib import Path

import chatkeep

SOURCE = Path(chatkeep.__file__).read_text(encoding="utf-8")


def test_all_is_sorted_and_importable():
    assert list(chatkeep.__all__) == sorted(chatkeep.__all__)
    for name in chatkeep.__all__:
        assert getattr(chatkeep, name) is not None


def test_type_checkers_see_the_names_that_python_gives():
    tree = ast.parse(SOURCE)
    block = next(
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {
        alias.asname or alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen <= set(chatkeep.__all__)
    lazy = set(chatkeep.__all__) - {name for name in vars(chatkeep) if name in chatkeep.__all__}
    assert lazy <= seen


def test_an_unknown_name_is_an_attribute_error():
    import pytest

    with pytest.raises(AttributeError, match="nonesuch"):
        chatkeep.nonesuch  # noqa: B018
