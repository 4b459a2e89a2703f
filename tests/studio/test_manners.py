"""Every screen, in both themes and three widths: axe finds nothing, nothing sticks out or jumps.

The pictures are kept (build/screenshots, or CHATKEEP_SHOTS).
"""

from collections.abc import Callable
from typing import Any

import pytest

from fixtures.manners import WATCH_SHIFTS, axe, faults, shifts
from fixtures.studio_screens import SCREENS

pytestmark = pytest.mark.needs("chromium", "node")
SIZES = {360: 740, 1280: 800, 2560: 1440}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
async def test_every_screen_has_manners(
    width: int,
    theme: str,
    world: str,
    open_studio: Callable[..., Any],
    visit: Callable[..., Any],
):
    visitor = await visit(
        await open_studio(world, write=theme == "dark"),
        width=width,
        height=SIZES[width],
        theme=theme,
    )
    await visitor.context.add_init_script(WATCH_SHIFTS)
    found: list[str] = []
    for name, path in SCREENS.items():
        await visitor.go(path)
        await visitor.shot(f"{name}-{width}-{theme}")
        told = [*await axe(visitor.page), *await faults(visitor.page)]
        told += [f"jumped: {each}" for each in await shifts(visitor.page)]
        found += [f"{name}: {each}" for each in told]
    assert not found, "\n".join(found)
