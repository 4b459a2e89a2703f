"""The how-tos show the files of the examples, word for word: what runs is what is read."""

import re

import pytest

from auth.examples.conftest import EXAMPLES, ROOT

FENCE = re.compile(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ONLY_NEXT = "// Only Next.js reads this one."


@pytest.mark.parametrize(
    ("page", "example"),
    [
        ("next-auth-js-fastapi.md", "next_auth_js"),
        ("next-better-auth-fastapi.md", "next_better_auth"),
    ],
)
def test_each_file_of_a_page_is_that_of_the_example(page: str, example: str) -> None:
    text = (ROOT / "docs/how-to" / page).read_text(encoding="utf-8")
    shown = {title: code for _, title, code in FENCE.findall(text) if title}
    of_next = {title for title, code in shown.items() if code.startswith(ONLY_NEXT)}
    ours = {title: (EXAMPLES / example / title).read_text() for title in shown.keys() - of_next}
    assert {title: shown[title] for title in ours} == ours
    assert {"back/main.py", "back/schema.py"} < ours.keys()
    assert "next.config.ts" in of_next
    python = [title for language, title, _ in FENCE.findall(text) if language == "python"]
    assert python == ["back/schema.py", "back/main.py"]  # all that there is, and it runs
