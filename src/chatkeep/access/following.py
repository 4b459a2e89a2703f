"""Reading an answer while it is written."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

from chatkeep.access.answer_flushing import PASSING, PATIENCE
from chatkeep.access.answer_queries import AnswerQueries, Seen
from chatkeep.access.answer_writers import DEAD_AFTER, Writers
from chatkeep.engine.run import Runner
from chatkeep.errors import MessageNotFoundError
from chatkeep.records.answers import AnswerPiece

UNTOLD = 5.0  # seconds after which a reader looks although nothing was told: a word may be lost
_QUICK = 0.1  # between two looks where nothing is told; it doubles while there is nothing new
_SLOW = 1.0


class Follower:
    """Reads one answer from an offset to its end."""

    def __init__(
        self, runner: Runner, queries: AnswerQueries, scope: Mapping[str, object], message_id: str
    ) -> None:
        self._runner = runner
        self._queries = queries
        self._scope = scope
        self._message_id = message_id
        self._writers = Writers(runner, queries, scope)

    async def pieces(self, offset: int) -> AsyncGenerator[AnswerPiece]:
        """Give what is there from an offset on, and then what comes, up to the end.

        Nothing is kept here: a reader who is slow gets more at once, the next time.
        """
        bell = self._writers.background.bell
        pause = _QUICK
        with bell.ear(self._queries.channel, self._message_id) as ear:
            while True:
                ear.forget()  # before the look: what comes after it rings again
                seen = await self._seen(offset)
                if seen.status != "streaming" or seen.text:
                    yield AnswerPiece(offset, seen.text, seen.status)
                    offset += len(seen.text)
                    pause = _QUICK
                if seen.status != "streaming":
                    return
                if seen.silence is not None and seen.silence > DEAD_AFTER.total_seconds():
                    try:
                        await self._writers.interrupt(seen.chat_id, DEAD_AFTER)
                    except PASSING:
                        await ear.wait(_SLOW)  # a reader need not hear of it: it looks again
                elif bell.is_listening:
                    await ear.wait(UNTOLD)
                else:
                    await ear.wait(pause)
                    pause = min(2 * pause, _SLOW)

    async def _seen(self, offset: int) -> Seen:
        """Look; where the database does not answer, for half a minute again and again."""
        values = {**self._scope, "id": self._message_id, "offset": offset}
        give_up, pause = asyncio.get_running_loop().time() + PATIENCE, _QUICK
        while True:
            try:
                seen = await self._queries.see.first(self._runner, values)
            except PASSING:
                if asyncio.get_running_loop().time() > give_up:
                    raise
            else:
                break
            await asyncio.sleep(pause)
            pause = min(2 * pause, _SLOW)
        if seen is None:
            raise MessageNotFoundError("No such message.")
        if seen.status == "streaming" and seen.silence is None:
            return seen._replace(status="interrupted")  # nobody writes it: a copy, or an import
        return seen
