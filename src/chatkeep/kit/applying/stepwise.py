"""A migration without a transaction: statement by statement, each noted when it is there.

What may run in a transaction runs in one together with its note, so that both are there or
neither. Of the others the ledger says beforehand that they are about to be sent: when no answer
comes, the next run looks whether the effect is there, and asks where that cannot be seen.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import asyncpg

from chatkeep.errors import MigrationEditedError, MigrationError, MigrationFailedError
from chatkeep.kit.applying import doubt
from chatkeep.kit.applying.batch import Batch, batch_of
from chatkeep.kit.applying.batches import Progress, run_batches
from chatkeep.kit.applying.events import Batched, Begun, Dropped, Ran, Recognised
from chatkeep.kit.applying.ledger import Record
from chatkeep.kit.applying.line import Line
from chatkeep.kit.applying.lock import refuse_lost
from chatkeep.kit.applying.run import NEEDS_NO_TRANSACTION, hints, line_of, place
from chatkeep.kit.applying.script import (
    AFTER,
    Script,
    Step,
    hash_of_texts,
    own_limits,
    statements,
)
from chatkeep.kit.connection import BROKEN
from chatkeep.kit.folder.tokens import tokens
from chatkeep.kit.refusal import describe, sqlstate


@dataclass(frozen=True, slots=True)
class Stepwise:
    """One such migration on its way.

    Attributes:
        steps: All of its statements.
        record: What an earlier run noted; None for the first.
    """

    line: Line
    script: Script
    steps: tuple[Step, ...]
    record: Record | None

    async def run(self, resume_after: int | None) -> float:
        """Run what is not done; give the seconds it took.

        Args:
            resume_after: The caller's word that so many statements are there; None without one.

        Raises:
            MigrationFailedError: PostgreSQL refused a statement; those before it stay. Or nobody
                can tell whether the one at which an earlier run broke off came through.
            MigrationEditedError: A statement that is done has another text now.
            MigrationLockError: A statement gave up the migration lock; it is not noted as done.
        """
        started = time.perf_counter()
        migration, connection = self.script.migration, self.line.connection
        done = self._done(resume_after)
        self.line.tell(Begun(migration, len(self.steps), transactional=False, resumed=done))
        position = self._position(done, resume_after)
        if self.record is None:
            await connection.execute(self.script.running.begin(len(self.steps)))
        else:
            done_hash = hash_of_texts(self.steps[:done])
            text = None if position is None else self.record.position
            resume = self.script.running.resume(len(self.steps), done, done_hash, text)
            await connection.execute(resume)
        for step in self.steps[:done]:
            if step.is_setting:
                await connection.execute(step.sql)
        attempted = 0
        if self.record is not None and resume_after is None:
            attempted = self.record.attempted
        for step in self.steps[done:]:
            before = position if step.number == done + 1 else None
            await self._step(step, is_in_doubt=attempted == step.number, position=before)
        await connection.execute(f"begin;\n{self.script.running.finish()}\ncommit;\n{AFTER}")
        return time.perf_counter() - started

    def _done(self, resume_after: int | None) -> int:
        if self.record is None:
            return 0
        name, done, total = self.script.migration.label, self.record.done, len(self.steps)
        same = done <= total and self.record.done_hash == hash_of_texts(self.steps[:done])
        if resume_after is not None:
            if not done <= resume_after <= total:
                raise MigrationError(
                    f"{name} cannot go on after statement {resume_after}: {done} of its {total} "
                    "statements are noted as done.",
                    hint=f"Give a number from {done} to {total}.",
                )
            return resume_after
        if done and not same:
            raise MigrationEditedError(
                f"{name} broke off after statement {done}, and one of these {done} has another "
                "text now.",
                hint="Bring their old text back; what comes behind them may change.",
            )
        return done

    def _position(self, done: int, resume_after: int | None) -> str | None:
        """Give where the next statement stands; the caller's word drops that of another.

        Raises:
            MigrationEditedError: What broke off between its batches is another statement now.
        """
        if self.record is None or self.record.position is None:
            return None
        if done < len(self.steps) and self.steps[done].is_batch:
            found = _position_of(self.record.position, done + 1, self._batch(self.steps[done]))
            if found is not None:
                return found
        if resume_after is not None:
            return None
        raise MigrationEditedError(
            f"{self.script.migration.label} broke off between the batches of statement {done + 1}, "
            "and another statement or key stands there now.",
            hint="Bring the old text back, or look which rows it has changed: `chatkeep migrate "
            f"--resume-after {done}` runs what stands there now over all rows.",
        )

    async def _step(self, step: Step, *, is_in_doubt: bool, position: str | None) -> None:
        migration, total = self.script.migration, len(self.steps)
        begun = time.perf_counter()
        if step.is_batch:
            await self._batches(step, position)
        elif step.is_bare:
            if await self._bare(step, is_in_doubt=is_in_doubt):
                self.line.tell(Recognised(migration, step.number, total))
                return
        elif is_in_doubt:  # its own commits may be there: it refused our transaction
            raise self._unclear(step)
        else:
            await self.line.watch.tried(migration, lambda: self._in_transaction(step))
        seconds = time.perf_counter() - begun
        self.line.tell(Ran(migration, step.number, total, seconds, step.head))

    async def _in_transaction(self, step: Step) -> float:
        connection, until = self.line.connection, self.steps[: step.number]
        try:
            await connection.execute(self.script.begin(own_limits(until)))
            await self.line.watch.execute(self.script.migration, step.number, step.sql)
            await self._refuse_lost()
            await self.line.watch.execute(
                self.script.migration, step.number, f"{self.script.noted(until)}commit;"
            )
        except BROKEN:
            raise
        except asyncpg.PostgresError as exc:
            await connection.execute("rollback")
            if sqlstate(exc) in NEEDS_NO_TRANSACTION:
                await self._send(step, retries=False)
                return 0.0
            raise self._failure(step, exc) from exc
        except BaseException:
            if not connection.is_closed():
                await connection.execute("rollback")
            raise
        return 0.0

    async def _bare(self, step: Step, *, is_in_doubt: bool) -> bool:
        """Run a statement that refuses a transaction; say whether it had come through before."""
        if is_in_doubt:
            verdict = await doubt.verdict(self.line.connection, step.sql)
            if verdict == "unknown":
                raise self._unclear(step)
            if verdict == "done":
                until = self.steps[: step.number]
                await self.line.connection.execute(self.script.noted(until, bare=True))
                return True
        await self._send(step, retries=True)
        return False

    async def _send(self, step: Step, *, retries: bool) -> None:
        async def once() -> float:
            await self._drop_remains(step)
            await self._once(step)
            return 0.0

        if retries:
            await self.line.watch.tried(self.script.migration, once)
        else:
            await once()  # parts of it may be committed: never twice

    async def _once(self, step: Step) -> None:
        connection, script = self.line.connection, self.script
        until = self.steps[: step.number]
        own = own_limits(until)
        instead = await doubt.replacement(connection, step.sql)
        await connection.execute(script.before_bare(step, own))
        try:
            await self.line.watch.execute(script.migration, step.number, instead or step.sql)
        except BROKEN:
            raise
        except asyncpg.PostgresError as exc:
            await connection.execute("reset lock_timeout; reset statement_timeout")
            if not step.is_bare:
                raise self._half_done(step, exc) from exc
            await self._take_back(step)
            raise self._failure(step, exc) from exc
        await self._refuse_lost()
        await connection.execute(script.after_bare(until, own))

    async def _refuse_lost(self) -> None:
        script = self.script
        await refuse_lost(self.line.connection, script.project, script.migration.label)

    async def _take_back(self, step: Step) -> None:
        """After an answer that says no: leave no INVALID index, and no doubt where there is none."""
        try:
            await self._drop_remains(step)
        except asyncpg.PostgresError:
            return  # the next run finds it
        await self.line.connection.execute(self.script.running.attempt(step.number - 1))

    async def _drop_remains(self, step: Step) -> None:
        connection, migration = self.line.connection, self.script.migration
        called = place(migration, step.number, len(self.steps))
        for index in await doubt.remains(connection, step.sql, called):
            # Always so: what is INVALID may stand on a table that is busy.
            await connection.execute("set lock_timeout = 0")
            try:
                sql = f"drop index concurrently {index}"
                await self.line.watch.execute(migration, step.number, sql)
            finally:
                if not connection.is_closed():
                    await connection.execute("reset lock_timeout")
            self.line.tell(Dropped(migration, index))

    def _batch(self, step: Step) -> Batch:
        migration = self.script.migration
        batch = batch_of(step.sql, place(migration, step.number, len(self.steps)))
        if batch is None:  # `is_batch` saw the line that `batch_of` reads
            raise MigrationError(f"{migration.label}: its batch line cannot be read.")
        return batch

    async def _batches(self, step: Step, before: str | None) -> None:
        script, connection = self.script, self.line.connection
        batch = self._batch(step)
        await connection.execute(script.attempt(step))

        async def save(position: str) -> None:
            text = json.dumps([step.number, batch.text_hash, position])
            await connection.execute(script.running.position(text))

        try:
            await run_batches(
                connection,
                batch,
                position=before,
                save=save,
                lock_timeout=script.limits.lock_timeout,
                on_progress=self._batched(step),
            )
        except BROKEN:
            raise
        except asyncpg.PostgresError as exc:
            raise self._failure(step, exc) from exc
        until = self.steps[: step.number]
        await self._refuse_lost()
        await connection.execute(script.noted(until, bare=True))

    def _batched(self, step: Step) -> Callable[[Progress], None]:
        def said(progress: Progress) -> None:
            migration, number = self.script.migration, step.number
            self.line.tell(
                Batched(migration, number, progress.done, progress.total, progress.seconds_left)
            )

        return said

    def _failure(self, step: Step, exc: asyncpg.PostgresError) -> MigrationFailedError:
        migration, total = self.script.migration, len(self.steps)
        where = place(migration, step.number, total) + line_of(step, exc)
        more = [] if step.is_batch or step.is_bare else hints(exc)
        hint = " ".join([_stay(step), *more])
        return MigrationFailedError(f"{where} failed: {describe(exc)}", hint=hint)

    def _half_done(self, step: Step, exc: asyncpg.PostgresError) -> MigrationFailedError:
        where = place(self.script.migration, step.number, len(self.steps)) + line_of(step, exc)
        return MigrationFailedError(
            f"{where} failed: {describe(exc)}",
            hint="It commits by itself: what it committed before stays. Look what is there; then "
            f"`chatkeep migrate --resume-after {step.number - 1}` runs it again, and "
            f"`--resume-after {step.number}` goes on behind it.",
        )

    def _unclear(self, step: Step) -> MigrationFailedError:
        name, number = self.script.migration.label, step.number
        head = " ".join(step.words[:3])
        return MigrationFailedError(
            f"{name}: an earlier run broke off at statement {number} of {len(self.steps)} "
            f"({head}, line {_line_of_first_word(step)}), and nobody can tell whether it came through.",
            hint=f"Look whether its effect is in the database. If it is, go on with `chatkeep "
            f"migrate --resume-after {number}`; if not, `--resume-after {number - 1}` runs it again.",
        )


def stepwise(line: Line, script: Script, record: Record | None) -> Stepwise:
    """Give the run of a migration without a transaction.

    Raises:
        MigrationError: Our ledger, which tells a later run where this one broke off, is not there.
    """
    if script.ledger != "full":
        raise MigrationError(
            f"{script.migration.label} runs without a transaction, and this role may not keep "
            "the ledger chatkeep.migrations, which tells a later run where one broke off.",
            hint="Let a role that owns it, or may create schemas, run `chatkeep migrate` once; "
            "then grant this one USAGE on schema chatkeep and SELECT, INSERT, UPDATE on the table.",
        )
    return Stepwise(line, script, statements(script.migration), record)


def _position_of(text: str, number: int, batch: Batch) -> str | None:
    """Give how far this statement came; None where the note is of another."""
    noted = cast("list[object]", json.loads(text))
    return cast("str", noted[2]) if noted[:2] == [number, batch.text_hash] else None


def _stay(step: Step) -> str:
    if step.number == 1:
        return (
            "This migration left nothing behind."
            if not step.is_batch
            else ("The batches before it stay; the next run goes on with the one that failed.")
        )
    before = "Statement 1" if step.number == 2 else f"Statements 1 to {step.number - 1}"
    stay = "stays" if step.number == 2 else "stay"
    return f"{before} of this file {stay}, and the next run goes on with statement {step.number}."


def _line_of_first_word(step: Step) -> int:
    """Give the line of the first word; comments stand before it."""
    lead = next((token.start for token in tokens(step.sql) if token.is_code), 0)
    return step.line + step.sql.count("\n", 0, lead)
