"""The very texts that a migration sends: `migrate` runs them, a dry run prints them."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from chatkeep.kit.applying import books
from chatkeep.kit.applying.forms import BATCH, is_transactional, needs_no_transaction
from chatkeep.kit.applying.limits import LIFTED, RESTORED, Limits
from chatkeep.kit.applying.sqlscan import is_blank, split
from chatkeep.kit.folder.directives import directives
from chatkeep.kit.folder.reading import Migration
from chatkeep.kit.folder.tokens import tokens

AFTER = "reset session authorization;\nreset all;\n"
"""A SET in one file must not change the meaning of the next."""

_HEAD = 8  # tokens
_OWN_LIMITS = {"LOCK_TIMEOUT", "STATEMENT_TIMEOUT"}


@dataclass(frozen=True, slots=True)
class Step:
    """What is sent at once, and where it stands in the file.

    Attributes:
        number: Counted from 1.
        line: Where its text begins, from 1; comments before it belong to it.
    """

    number: int
    sql: str
    line: int
    words: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """Its first words and names, up to the first literal or parenthesis."""
        code = islice((token for token in tokens(self.sql) if token.is_code), _HEAD)
        named = list(
            takewhile(lambda t: t.kind == "word" or t.text == "." or t.text.startswith('"'), code)
        )
        text = self.sql[named[0].start : named[-1].end] if named else ""
        return " ".join(text.split())

    @property
    def is_batch(self) -> bool:
        """Whether it runs in batches."""
        return any(directive.word == BATCH for directive in directives(self.sql))

    @property
    def is_bare(self) -> bool:
        """Whether PostgreSQL refuses it inside a transaction."""
        return needs_no_transaction(self.sql)

    @property
    def is_setting(self) -> bool:
        """Whether it changes the session, and must be said again when a later run goes on."""
        return self.words[:1] in {("SET",), ("RESET",)} and self.words[1:2] not in {
            ("LOCAL",),
            ("CONSTRAINTS",),
            ("TRANSACTION",),
        }


def pieces(migration: Migration) -> tuple[Step, ...]:
    """Give what a migration in one transaction sends: what stands between drizzle's markers."""
    steps: list[Step] = []
    line = 1
    for number, piece in enumerate(migration.statements, start=1):
        steps.append(Step(number, piece, line))
        line += piece.count("\n")
    return tuple(steps)


def statements(migration: Migration) -> tuple[Step, ...]:
    """Give the single statements of a migration that runs without a transaction."""
    found: list[Step] = []
    for piece in pieces(migration):
        line, counted = piece.line, 0  # on from statement to statement: a file may hold thousands
        for part in split(piece.sql):
            line += piece.sql.count("\n", counted, part.start)
            counted = part.start
            found.append(Step(len(found) + 1, part.sql, line, part.words))
    return tuple(found)


def hash_of_texts(steps: Sequence[Step]) -> str:
    """Give the SHA-256 of statements, by which a later run knows those that are done."""
    texts = "\0".join(step.sql.strip() for step in steps)
    return hashlib.sha256(texts.encode()).hexdigest()


def own_limits(steps: Sequence[Step]) -> set[str]:
    """Give the time-outs that these statements set for the session themselves."""
    return {
        word for step in steps if step.is_setting for word in step.words[1:] if word in _OWN_LIMITS
    }


@dataclass(frozen=True, slots=True)
class Script:
    """How one migration is sent.

    Attributes:
        ledger: What there is of our own ledger.
        project: Whose it is, see `project_of`.
    """

    migration: Migration
    limits: Limits
    ledger: books.Ledger
    project: str | None

    @property
    def running(self) -> books.Running:
        """The ledger's row while it runs without a transaction."""
        return books.Running(self.migration, self.project)

    def begin(self, own: Collection[str] = ()) -> str:
        """Give the statements that open a transaction."""
        return f"begin;\n{self.limits.settings(local=True, own=own)}"

    def end(self) -> str:
        """Give the statements that end the transaction of a whole migration."""
        role = ""
        if any(
            _changes_role(part.words) for text in self.migration.statements for part in split(text)
        ):
            role = "reset session authorization;\nreset role;\n"
        note = books.note_applied(self.migration, ledger=self.ledger, project=self.project)
        return f"{role}{note}\ncommit;\n{AFTER}"

    def dry(self) -> Iterator[str]:
        """Give what a run from the first statement sends."""
        name = self.migration.label
        if is_transactional(self.migration):
            yield f"-- {name}: in one transaction\n{self.begin()}"
            for piece in pieces(self.migration):
                if not is_blank(piece.sql):
                    yield _ended(piece.sql)
            yield self.end()
            return
        yield f"-- {name}: without a transaction, one statement after the other\n"
        yield from self.dry_steps(0)

    def dry_steps(self, done: int) -> Iterator[str]:
        """Give what a run sends behind the statements that are done."""
        steps = statements(self.migration)
        if done == 0:
            yield f"{self.running.begin(len(steps))};\n"
        for step in steps[done:]:
            yield f"-- statement {step.number} of {len(steps)}\n"
            yield self._dry_step(step, steps[: step.number])
        yield f"begin;\n{self.running.finish()}\ncommit;\n{AFTER}"

    def _dry_step(self, step: Step, until: Sequence[Step]) -> str:
        own = own_limits(until)
        if step.is_batch:
            head = f"-- in batches; each notes in its transaction how far it came:\n{self.attempt(step)}"
            return f"{head}{_ended(step.sql)}{self.noted(until, bare=True)}"
        if step.is_bare:
            head = self.before_bare(step, own)
            return f"{head}{_ended(step.sql)}{self.after_bare(until, own)}"
        return f"{self.begin(own)}{_ended(step.sql)}{self.noted(until)}commit;\n"

    def noted(self, until: Sequence[Step], *, bare: bool = False) -> str:
        """Give the statement that notes the last of these as done."""
        since = "attempted_at" if bare else "transaction_timestamp()"
        return f"{self.running.done(len(until), hash_of_texts(until), since)};\n"

    def attempt(self, step: Step) -> str:
        """Give the statement that notes that a step is about to be sent."""
        return f"{self.running.attempt(step.number)};\n"

    def before_bare(self, step: Step, own: Collection[str]) -> str:
        """Give what is sent before a statement that runs in no transaction."""
        return f"{self.attempt(step)}{self.bare_limits(step, own)}"

    def bare_limits(self, step: Step, own: Collection[str]) -> str:
        """Give the time-outs of a statement that runs in no transaction."""
        if own:
            return ""  # who writes time-outs into a file means them
        return LIFTED if "CONCURRENTLY" in step.words else self.limits.settings(local=False)

    def after_bare(self, until: Sequence[Step], own: Collection[str]) -> str:
        """Give what is sent when it is through."""
        return f"{self.noted(until, bare=True)}{'' if own else RESTORED}"


def _changes_role(words: Sequence[str]) -> bool:
    return words[:1] == ("SET",) and bool({"ROLE", "AUTHORIZATION"} & set(words[1:4]))


def _ended(sql: str) -> str:
    text = sql.strip()
    last = text.rsplit("\n", 1)[-1]
    # A comment at the end would swallow the semicolon.
    return f"{text}\n" if text.endswith(";") and "--" not in last else f"{text}\n;\n"
