"""The studio opens in a real browser."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.needs("chromium")


async def test_a_visitor_comes_in_by_the_printed_address(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    site = await open_studio(world)
    visitor = await visit(site)
    assert await visitor.page.title() == "Overview · chatkeep studio"
    await visitor.shot("overview")
