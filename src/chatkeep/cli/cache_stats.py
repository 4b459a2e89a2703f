"""`chatkeep cache stats`."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from chatkeep.cli.places import database_url, print_json, schema_object
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.text import Text

    from chatkeep.records.search_stats import PopularSearch, SearchCounts, SearchStats

_AGO = re.compile(r"([1-9][0-9]{0,4})([dw])")
_BAR = 30  # characters of the longest bar
_PARTS = (("hits", "green"), ("stale", "yellow"), ("misses", "blue"), ("failures", "red"))
_HEAD = f"{'searches':>12}{'cached':>8}{'mean ms':>11}{'max ms':>11}"
_LONGEST = 60  # characters of a query


def _since(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    """Read a number of days or weeks, today included, a date, or `all`."""
    if value is None or value == "all":
        return None
    match = _AGO.fullmatch(value)
    try:
        if match:
            days = int(match[1]) * (7 if match[2] == "w" else 1)
            return datetime.now(UTC) - timedelta(days=days - 1)
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise click.BadParameter("write days or weeks as in 7d or 8w, a date as in 2026-11-21, or all.")


@click.command()
@click.option(
    "--since",
    default="7d",
    show_default=True,
    metavar="7d|DATE|all",
    callback=_since,
    help="The last days or weeks, today included, or from a date on; days are those of UTC.",
)
@click.option("--provider", help="Only its searches.")
@click.option("--group", "user_group", help="Only searches of this group of users.")
@click.option(
    "--top",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="So many searches and groups in a ranking.",
)
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option(
    "--json", "as_json", is_flag=True, help="Report as JSON, also what is popular by day."
)
def stats(
    since: datetime | None,
    provider: str | None,
    user_group: str | None,
    top: int,
    url: str | None,
    *,
    as_json: bool,
) -> None:
    """Say how searches were answered, what that saved, and what is searched for."""
    import asyncio

    from chatkeep.cache.options import SearchCacheOptions
    from chatkeep.database import Database
    from chatkeep.personal.registry import schema_of

    settings = Settings.load(url=url)
    schema = schema_of(schema_object(settings))

    async def run(address: str) -> "SearchStats":
        async with Database(
            schema,
            address,
            statement_timeout=timedelta(minutes=10),
            search_cache=SearchCacheOptions(redis_url=""),  # what was counted is not there
        ) as db:
            return await db.search_cache.stats(
                since=since, provider=provider, user_group=user_group, top=top
            )

    with database_url(settings) as address:
        found = asyncio.run(run(address))
    if as_json:
        print_json(found.to_dict())
    elif found.calls:
        _print(found)
    else:
        click.echo(f"No searches were counted{_span(found)}.")


def _print(found: "SearchStats") -> None:
    rate = f"{found.hit_rate:.1%}" if found.hit_rate is not None else "none"
    click.echo(f"{_calls(found.calls)}{_span(found)}, {rate} answered by the cache.")
    click.echo(f"At least {_fetches(found.saved)} saved. Latency {_latency(found)}.")
    click.echo(
        f"{found.hits:,} hits, {found.stale:,} stale, {found.misses:,} misses, {found.failed:,} "
        f"failed, {found.known_failures:,} not tried again; {found.no_results:,} found nothing."
    )
    _table("Days (UTC)", [(f"{day.day}", day, _first(day.queries)) for day in found.days])
    _table("Tiers", [(tier.tier, tier, "") for tier in found.tiers])
    groups = [(_shown(each.user_group) or "-", each, _first(each.queries)) for each in found.groups]
    if len(groups) > 1 or groups[0][0] != "-":
        _table("Groups", groups)
    _ranking("Searched for most", [(query, query.calls) for query in found.queries])
    none = [(query, query.no_results) for query in found.without_results]
    _ranking("Found nothing", none)


def _table(title: str, lines: "Sequence[tuple[str, SearchCounts, str]]") -> None:
    """Print a line for each; in a terminal with a bar of its outcomes."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    most = max(counts.calls for _, counts, _ in lines)
    width = max(len(title), *(len(name) + 2 for name, _, _ in lines))
    head = Text(f"{title:<{width}}")
    click.echo()
    if console.is_terminal:
        legend = Text("  ").append("█ hit ", "green").append("█ stale ", "yellow")
        legend.append("█ fetched ", "blue").append("█ failed", "red")
        legend.pad_right(_BAR + len(_PARTS) + 2 - len(legend))
        head.append(legend)
    has_queries = any(query for _, _, query in lines)
    _put(console, head.append(f"{_HEAD}  most frequent" if has_queries else _HEAD))
    for name, counts, query in lines:
        line = Text(f"{f'  {name}':<{width}}")
        if console.is_terminal:
            line.append("  ").append(_bar(counts, most))
        rate, mean = counts.hit_rate or 0, counts.mean_ms or 0
        line.append(f"{counts.calls:>12,}{rate:>8.1%}{mean:>11,.1f}{counts.max_ms:>11,.1f}")
        _put(console, line.append(f"  {query}" if query else ""))


def _put(console: "Console", line: "Text") -> None:
    """Print a line: cut off at the terminal's edge, whole where there is none."""
    if console.is_terminal:
        console.print(line, no_wrap=True, overflow="ellipsis")
    else:
        click.echo(line.plain)


def _bar(counts: "SearchCounts", most: int) -> "Text":
    """Give a bar of what was fresh, stale, fetched and failed; what there was shows."""
    from rich.text import Text

    numbers = {
        "hits": counts.hits,
        "stale": counts.stale,
        "misses": counts.misses,
        "failures": counts.failed + counts.known_failures,
    }
    bar, so_far, drawn = Text(), 0, 0
    for name, colour in _PARTS:
        so_far += numbers[name]
        until = max(round(so_far / most * _BAR), drawn + bool(numbers[name]))
        bar.append("█" * (until - drawn), colour)
        drawn = until
    bar.pad_right(max(_BAR + len(_PARTS) - drawn, 0))
    return bar


def _ranking(title: str, lines: "Sequence[tuple[PopularSearch, int]]") -> None:
    if not lines:
        return
    click.echo(f"\n{title}")
    for query, number in lines:
        click.echo(
            f"{number:>10,}  {_named(query)}  ({_shown(f'{query.provider}, {query.locale}')})"
        )


def _first(queries: "Sequence[PopularSearch]") -> str:
    return _named(queries[0]) if queries else ""


def _named(query: "PopularSearch") -> str:
    """Give its text, or the beginning of its key where texts are not recorded."""
    return query.key[:16] if query.query is None else _shown(query.query)


def _shown(text: str) -> str:
    """Give a text that somebody wrote as one line that does nothing to a terminal."""
    line = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _latency(counts: "SearchCounts") -> str:
    return f"{counts.mean_ms or 0:,.1f} ms mean, {counts.max_ms:,.1f} ms at most"


def _calls(number: int) -> str:
    return "1 search" if number == 1 else f"{number:,} searches"


def _fetches(number: int) -> str:
    return "1 fetch was" if number == 1 else f"{number:,} fetches were"


def _span(found: "SearchStats") -> str:
    return f" since {found.since}" if found.since else ""
