"""What compares signatures takes the same time wherever they differ; no clock is asked here.

The times themselves: `benchmarks/auth_timing.py`.
"""

import ast
import hmac
from pathlib import Path

import pytest

import chatkeep.auth
from auth.golden import Golden
from auth.table.conftest import World, protected
from auth.table.mutations import decoded, encoded

SOURCES = sorted(Path(chatkeep.auth.__path__[0]).glob("*.py"))
# Settings, sizes: nothing that a caller sent.
PLAIN = {"secret == _EVERYBODYS"}
TOLD = ("signature", "digest", "hmac", "tag", "secret", "sealed")

KINDS = {
    "auth.js jwt": True,
    "next-auth jwt": False,  # AES-GCM: OpenSSL compares the tag, in CRYPTO_memcmp
    "better-auth signed": True,
    "better-auth compact cache": True,
    "better-auth jwt cache": True,
    "better-auth jwe cache": True,
}


def changed(golden: Golden, place: float) -> dict[str, str]:
    """The cookie with a letter of its signature changed, at a place from 0 to 1."""
    (name,) = protected(golden)
    value = golden.cookies[name]
    if golden.case.kind != "compact":
        start = value.rindex(".") + 1
        end = len(value) - (5 if "%" in value else 2)  # %3D ends one; the last letter has few bits
        return {**golden.cookies, name: replaced(value, start, end, place)}
    text = (decoded(value) or b"").decode()
    start = text.rindex('"signature":"') + len('"signature":"')
    return {**golden.cookies, name: encoded(replaced(text, start, start + 41, place).encode())}


def replaced(value: str, start: int, end: int, place: float) -> str:
    at = start + round(place * (end - start))
    while value[at] == "%" or "%" in value[at - 2 : at]:
        at -= 1
    letter = "A" if value[at] != "A" else "B"
    return value[:at] + letter + value[at + 1 :]


@pytest.mark.needs("node")
@pytest.mark.parametrize("name", KINDS)
async def test_whole_signatures_are_compared(
    name: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    golden = world.golden[name]
    seen: list[tuple[int, int, bool]] = []
    compare = hmac.compare_digest

    def spy(one: bytes | str, other: bytes | str) -> bool:
        same = compare(one, other)
        seen.append((len(one), len(other), same))
        return same

    async with world.alone(golden) as db:
        monkeypatch.setattr(hmac, "compare_digest", spy)
        for place in (0.0, 0.5, 1.0):
            seen.clear()
            assert await db.auth.session_from_cookies(changed(golden, place)) is None
            differing = [pair[:2] for pair in seen if not pair[2]]
            assert bool(differing) == KINDS[name]
            assert all(one == other for one, other in differing)


@pytest.mark.needs("node")
@pytest.mark.parametrize("name", ["auth.js jwt", "next-auth jwt"])
async def test_tag_that_is_cut_short_is_refused(name: str, world: World) -> None:
    """A tag of AES-GCM of 4 bytes is found by trying; the standard's have 16."""
    golden = world.golden[name]
    ((cookie, value),) = golden.cookies.items()
    front, tag = value.rsplit(".", 1)
    async with world.alone(golden) as db:
        for length in range(len(tag)):
            given = {cookie: f"{front}.{tag[:length]}"}
            assert await db.auth.session_from_cookies(given) is None, length


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_secret_is_compared_by_equality(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare) and any(
            isinstance(operation, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for operation in node.ops
        ):
            for side in (node.left, *node.comparators):
                named = side.attr if isinstance(side, ast.Attribute) else getattr(side, "id", "")
                is_size = named.endswith("_size")
                if any(word in named for word in TOLD) and not is_size:
                    assert ast.unparse(node) in PLAIN
