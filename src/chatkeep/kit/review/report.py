"""A review as text for people, and as Markdown for a pull request."""

from collections.abc import Iterator, Sequence

from chatkeep.kit.review import modes
from chatkeep.kit.review.finding import Finding, Measured, Review, Reviewed, Severity

_STRONG = {modes.name(lock) for lock in range(modes.SHARE, modes.ACCESS_EXCLUSIVE + 1)}


def as_plain(review: Review) -> str:
    """Give the review for a terminal: what each statement does, and what to do about it."""
    lines: list[str] = []
    for each in review.migrations:
        lines += _text_of(each)
    if not review.migrations:
        lines.append("Nothing is pending, so there is nothing to review.")
    lines += [f"Note: {note}" for note in review.notes]
    lines.append(summary(review))
    return "\n".join(lines)


def summary(review: Review) -> str:
    """Give the outcome in one line."""
    amount = len(review.migrations)
    counts = {s: sum(each.count(s) for each in review.migrations) for s in Severity}
    accepted = sum(found.acknowledged is not None for found in review.findings)
    parts = [_plural(counts[s], str(s)) for s in Severity]
    parts += [f"{accepted} acknowledged"] if accepted else []
    return f"{_plural(amount, 'migration')} reviewed: {', '.join(parts)}."


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _text_of(each: Reviewed) -> Iterator[str]:
    yield each.file + ("" if each.is_transactional else " (without a transaction)")
    for statement in each.statements:
        yield f"  {statement.line}: {_first_line(statement.sql)}"
        if does := _does(statement):
            yield f"      {does}"
    for found in each.findings:
        yield ""
        yield f"  {_head(found)}"
        yield f"      {found.message}"
        if found.acknowledged is not None:
            yield f"      Acknowledged: {found.acknowledged}"
        else:
            yield from _advice(found)
    yield ""


def _head(found: Finding) -> str:
    place = f"{found.file}:{found.line}"
    also = f" (squawk: {', '.join(found.also)})" if found.also else ""
    return f"{found.severity} {found.rule}: {found.subject} at {place}{also}"


def _advice(found: Finding) -> Iterator[str]:
    if found.safe:
        yield f"      Safe: {found.safe}"
    if found.page:
        yield f"      See {found.page}"


def _does(statement: Measured) -> str:
    """Say what a statement does, in a line; weak locks are left out."""
    locks = [f"locks {t} ({lock})" for t, lock in statement.locks.items() if lock in _STRONG]
    for verb, tables in (
        ("rewrites", statement.rewrites),
        ("scans", statement.scans),
        ("changes rows of", statement.writes),
    ):
        locks += [f"{verb} {', '.join(tables)}"] if tables else []
    held = [table for table in statement.held if table not in statement.locks]
    still = ", ".join(held) if len(held) < 3 else f"{len(held)} other tables"
    locks += [f"{still} still locked"] if held else []
    return ", ".join(locks)


def _first_line(sql: str) -> str:
    line, _, rest = sql.partition("\n")
    return line[:100] + (" …" if rest or len(line) > 100 else "")


def as_markdown(review: Review) -> str:
    """Give the review for a pull request: tables, with the SQL folded away."""
    outcome = "refused" if review.fails else "accepted"
    lines = [f"## Review of migrations: {outcome}", "", summary(review), ""]
    for each in review.migrations:
        lines += _markdown_of(each)
    if review.sizes:
        lines += ["### Tables concerned", "", "| table | size |", "|---|---|"]
        lines += [f"| {_cell(name)} | {size} |" for name, size in review.sizes.items()]
        lines.append("")
    lines += [f"> {note}" for note in review.notes]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_of(each: Reviewed) -> Iterator[str]:
    yield f"### `{each.file}`"
    yield ""
    if not each.is_transactional:
        yield "Runs without a transaction, statement by statement."
        yield ""
    if each.findings:
        yield "| | rule | about | line | what happens | safe form |"
        yield "|---|---|---|---|---|---|"
        for found in each.findings:
            yield _row(found)
    else:
        yield "Nothing found."
    yield ""
    yield from _measurements(each.statements)


def _row(found: Finding) -> str:
    severity = f"**{found.severity}**" if found.fails else str(found.severity)
    message, safe = found.message, found.safe
    if found.acknowledged is not None:
        severity, safe = f"~~{found.severity}~~", f"Acknowledged: {found.acknowledged}"
    rule = f"[{found.rule}]({found.page})" if found.page else found.rule
    rule += "".join(f" (squawk: {name})" for name in found.also)
    cells = [_cell(found.subject), str(found.line), _cell(message), _cell(safe)]
    return f"| {severity} | {rule} | {' | '.join(cells)} |"


def _measurements(statements: Sequence[Measured]) -> Iterator[str]:
    if not statements:
        return
    yield f"<details><summary>{_plural(len(statements), 'statement')}, measured</summary>"
    yield ""
    yield "| line | locks | rewrites | scans | changes rows of |"
    yield "|---|---|---|---|---|"
    for statement in statements:
        locks = ", ".join(f"{table}: {lock}" for table, lock in statement.locks.items())
        cells = [
            locks,
            *(", ".join(each) for each in (statement.rewrites, statement.scans, statement.writes)),
        ]
        yield f"| {statement.line} | {' | '.join(_cell(cell) for cell in cells)} |"
    yield ""
    text = "\n".join(f"-- line {s.line}\n{s.sql};" for s in statements)
    fence = "`" * max(3, _longest_run(text) + 1)
    yield f"{fence}sql"
    yield text
    yield fence
    yield ""
    yield "</details>"
    yield ""


def _longest_run(text: str) -> int:
    longest = run = 0
    for sign in text:
        run = run + 1 if sign == "`" else 0
        longest = max(longest, run)
    return longest


def _cell(text: str) -> str:
    """Keep a table whole: no bars, no line breaks, no tags of HTML."""
    flat = " ".join(text.split())
    for sign, other in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|")):
        flat = flat.replace(sign, other)
    return flat
