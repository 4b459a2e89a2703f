"""What the head of `chatkeep.auth` says stands in it is what stands there."""

import re
from pathlib import Path

import chatkeep.auth


def test_every_module_is_named_once():
    lines = re.findall(r"^ {4,}(\w+(?:, \w+)*) {2,}\S", chatkeep.auth.__doc__ or "", re.MULTILINE)
    told = [name for line in lines for name in line.split(", ")]
    files = Path(chatkeep.auth.__path__[0]).glob("*.py")
    assert sorted(told) == sorted(file.stem for file in files if file.stem != "__init__")
