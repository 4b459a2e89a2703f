"""The conversations of everybody in a database, each into the account of the same e-mail here."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

from chatkeep.errors import ConfigError
from chatkeep.exchange.formats import find_format
from chatkeep.exchange.importing import (
    KEPT_ERRORS,
    AnySurface,
    ImportOptions,
    ImportReport,
    Progress,
    import_conversations,
)
from chatkeep.exchange.model import Account


@dataclass(slots=True)
class EverybodyReport(ImportReport):
    """What an import of everybody did; what `ImportReport` says is the sum.

    Attributes:
        users: How many people of the source have an account here.
        unmatched: Those who have none. Nothing of theirs was imported.
    """

    users: int = 0
    unmatched: list[Account] = field(default_factory=list[Account])

    def as_json(self) -> dict[str, Any]:
        """Give the report for programs; of who has no account here, the id there."""
        unmatched = [{"id": one.id, "conversations": one.conversations} for one in self.unmatched]
        return {**ImportReport.as_json(self), "users": self.users, "unmatched": unmatched}


async def import_everybody(
    db: AnySurface,
    source: str,
    format: str,  # noqa: A002 - as in `--format`
    options: ImportOptions | None = None,
) -> EverybodyReport:
    """Bring the conversations of all people in a database into their accounts here.

    Somebody there is who has the same e-mail here, letter case aside. The addresses of the source
    decide: import from one that you trust to have verified them. Accounts are not made; make
    those that the report misses and import again, which stores only what is missing.

    Args:
        db: An open database.
        source: URL or path of the other database.
        format: One of `chatkeep.exchange.FORMATS` whose sources hold many people's conversations.
        options: See there; `account` is not for this.

    Raises:
        BadRecordError: A record is broken, and is not to be skipped; says where it stands.
        ExchangeError: The source cannot be opened or is of another format.
        ConfigError: There is no such format, its sources are one person's, or an account was named.
        DatabaseError: One of its kinds.
    """
    given = options or ImportOptions()
    accounts_of = find_format(format).accounts
    if accounts_of is None:
        raise ConfigError(
            f"The sources of the format {format!r} are one person's.",
            hint="Say whose the conversations become: `--user`.",
        )
    if given.account is not None:
        raise ConfigError("Everybody's conversations are meant: name no account.")
    report, started, done = EverybodyReport(), time.perf_counter(), 0
    accounts = await accounts_of(source)
    size = sum(account.conversations for account in accounts)
    for account in accounts:
        user_id = await _user_id(db, account.email)
        if user_id is None:
            report.unmatched.append(account)
        else:
            told = _telling(given, report, done, size)
            report.users += 1
            here = replace(given, account=account.id, on_progress=told)
            _add(report, await import_conversations(db, user_id, source, format, here))
        done += account.conversations
    report.seconds = time.perf_counter() - started
    return report


async def _user_id(db: AnySurface, email: str | None) -> str | None:
    if email is None or "@" not in email:
        return None
    user = await db.users.find_by_email(email)
    return None if user is None else user.id


def _telling(options: ImportOptions, report: EverybodyReport, done: int, size: int) -> Any:  # noqa: ANN401 - a callback or None
    tell = options.on_progress
    if tell is None:
        return None

    def on_progress(progress: Progress) -> None:
        together = replace(report, errors=list(report.errors))
        _add(together, progress.report)
        tell(Progress(done + progress.done, size, together))

    return on_progress


def _add(report: EverybodyReport, one: ImportReport) -> None:
    report.conversations += one.conversations
    report.messages += one.messages
    report.there_already += one.there_already
    report.empty += one.empty
    report.skipped += one.skipped
    report.errors += one.errors[: max(0, KEPT_ERRORS - len(report.errors))]
