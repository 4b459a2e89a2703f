"""`docs/reference/session-cookies.md` says what the code does, and its example runs."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

from chatkeep.auth.cookie_secrets import MIN_LENGTH
from chatkeep.auth.cookies import MAX_HEADER, MAX_VALUE, CookieNames
from chatkeep.auth.refusals import Reason
from chatkeep.presets import deepsearch
from chatkeep.records.auth import CallerKind
from database.test_pages import blocks, run
from fixtures.servers import Databases, PgServer

PAGE = Path(__file__).parents[3].joinpath("docs/reference/session-cookies.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [
        line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| `")
    ]
    return [[cell.strip(" `|") for cell in line] for line in lines[1:]]


def test_kinds_in_their_order() -> None:
    told = [(row[0], row[1]) for row in rows("Kinds")]
    assert sorted(kind for kind, _ in told) == sorted(get_args(CallerKind))
    libraries = CookieNames({}).pick({name: "x" for _, name in told})
    order: dict[str, str] = {library: cookie.name for library, cookie in libraries.items()}
    for kind, name in told:
        assert order[kind.removesuffix("-jwt")] == name
    read = [kind for kind, _ in told if kind in order and kind != "better-auth-cache"]
    assert read == [kind for kind in order if kind != "better-auth-cache"]


def test_reasons() -> None:
    assert [row[0] for row in rows("Reasons")] == sorted(get_args(Reason))


def test_figures() -> None:
    assert f"fewer than {MIN_LENGTH} characters" in PAGE
    assert (
        f"a header of {MAX_HEADER // 1024} Ki characters, a cookie of {MAX_VALUE // 1024} Ki"
        in PAGE
    )


async def test_example_runs(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> None:
    schema = deepsearch.schema()
    url = await fresh_database(pg18).holding(schema)
    (block,) = blocks("reference/session-cookies.md")
    await run(block, {"schema": schema, "url": url})
