"""How a reverse is sent: as a migration is, with the bookkeeping turned round."""

from dataclasses import dataclass

from chatkeep.kit.applying.books import Running
from chatkeep.kit.applying.script import AFTER, Script
from chatkeep.kit.folder import Migration
from chatkeep.kit.plan.quoting import literal


@dataclass(frozen=True, slots=True)
class ReverseScript(Script):
    """The script of a reverse.

    Attributes:
        reversed_: The migration that it takes back.
        row: The id of its row in drizzle's table.
    """

    reversed_: Migration
    row: int

    @property
    def running(self) -> Running:
        """The ledger's row while it runs without a transaction."""
        return _RunningBack(self.migration, self.project, self.forget())

    def end(self) -> str:
        """Give the statements that end the transaction of a whole reverse."""
        return f"reset session authorization;\nreset role;\n{self.forget()}\ncommit;\n{AFTER}"

    def forget(self) -> str:
        """Give the statements that take the migration out of the bookkeeping."""
        text = f'delete from "drizzle"."__drizzle_migrations" where id = {self.row};'  # noqa: S608 - a number
        if self.ledger != "full":
            return text
        up = self.reversed_
        # A folder of drizzle 1.0 dates to the second what 0.31 dated to the millisecond.
        date = (
            f"created_at = {up.when}"
            if up.name is None
            else f"created_at / 1000 = {up.when // 1000}"
        )
        return (
            f'{text}\nupdate "chatkeep"."migrations" set state = \'reverted\'\n'
            f"where hash = {literal(up.hash)} and {date} "
            "and state in ('applied', 'baseline');"
        )


@dataclass(frozen=True, slots=True)
class _RunningBack(Running):
    forget: str

    def finish(self) -> str:
        """Give the statements that note the whole reverse."""
        note = self._update("state = 'reverted', applied_at = clock_timestamp()")
        return f"{self.forget}\n{note};"
