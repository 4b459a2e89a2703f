"""What is said of sign-in as a whole: its modules in the head of the room, its names in the docs."""

import re
from pathlib import Path

import chatkeep
import chatkeep.auth
from fixtures.console import DOCS


def test_every_module_is_named_once():
    lines = re.findall(r"^ {4,}(\w+(?:, \w+)*) {2,}\S", chatkeep.auth.__doc__ or "", re.MULTILINE)
    told = [name for line in lines for name in line.split(", ")]
    files = Path(chatkeep.auth.__path__[0]).glob("*.py")
    assert sorted(told) == sorted(file.stem for file in files if file.stem != "__init__")


def test_every_name_at_the_front_door_stands_in_a_page():
    rooms = ("chatkeep.auth.", "chatkeep.access.devices", "chatkeep.records.auth")
    names = [
        name
        for name in chatkeep.__all__
        if getattr(getattr(chatkeep, name), "__module__", "").startswith(rooms)
    ]
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    assert len(names) > 5
    assert [name for name in names if not re.search(rf"\b{name}\b", pages)] == []
