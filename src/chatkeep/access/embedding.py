"""Calling the function that makes embeddings, and looking at what it gave."""

import inspect
import math
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from chatkeep.errors import EmbeddingError, InvalidInputError

Embed: TypeAlias = Callable[[list[str]], Awaitable[Iterable[Iterable[float]]]]
"""Any async function from texts to their vectors, in the same order.

Lists of numbers, or what can be walked like them, such as a numpy array. It is called with one text
or more, none of them blank, and cuts itself what is too long for its model.
"""

# pgvector keeps 32 bits of a number, and a cosine squares it: beyond these it would have no angle.
_SHORTEST, _LONGEST = 1e-15, 1e15


def check_embed(embed: object) -> None:
    """Refuse what cannot be called, before anything is sent.

    Raises:
        InvalidInputError: It is no function.
    """
    if not callable(embed):
        raise InvalidInputError(
            f"embed is an async function from texts to vectors, not a {type(embed).__name__}.",
            field="embed",
        )


async def embedded(embed: Embed, texts: list[str], dimensions: int) -> list[str]:
    """Give the vectors of texts as PostgreSQL reads them.

    Args:
        embed: The caller's function.
        texts: At least one.
        dimensions: Numbers that each vector shall have.

    Raises:
        EmbeddingError: It raised, is not async, or gave something else than a vector for each text.
    """
    try:
        given = await _asked(embed, texts)
    except Exception as exc:
        raise _refused(
            f"raised {type(exc).__name__} for {_counted(len(texts), 'text')}",
            "The error below it says why; nothing of this batch was stored.",
        ) from exc
    try:
        vectors = [list(vector) for vector in given]
    except Exception as exc:  # whatever walking through an object of the caller's may raise
        raise _refused(
            f"gave a {type(given).__name__} that is no list of vectors",
            "It has to give one vector for each text, in their order.",
        ) from exc
    if len(vectors) != len(texts):
        raise _refused(
            f"gave {_counted(len(vectors), 'vector')} for {_counted(len(texts), 'text')}",
            "It has to give one for each text, in their order.",
        )
    return [_text(vector, place, dimensions) for place, vector in enumerate(vectors)]


async def _asked(embed: Embed, texts: list[str]) -> Iterable[Iterable[float]]:
    answer = embed(list(texts))
    if not inspect.isawaitable(answer):
        raise TypeError("embed is not an async function")
    return await answer


def _text(vector: list[float], place: int, dimensions: int) -> str:
    if len(vector) != dimensions:
        raise _refused(
            f"gave a vector of {len(vector)} numbers (text {place}), and the table holds {dimensions}",
            "Say the model's size where the schema declares its embeddings.",
        )
    try:
        numbers = tuple(map(float, vector))
    except (TypeError, ValueError, ArithmeticError):
        numbers = ()  # what the error says may repeat the value
    if not numbers:
        raise _refused(f"gave a vector with something else than numbers (text {place})")
    length = math.hypot(*numbers)
    if not _SHORTEST < length < _LONGEST:  # not true of NaN either
        raise _refused(
            f"gave a vector that points nowhere (text {place}): all zeros, NaN or infinite"
        )
    return "[" + ",".join(["%.9g"] * dimensions) % numbers + "]"


def _refused(what: str, hint: str | None = None) -> EmbeddingError:
    return EmbeddingError(f"embed {what}.", hint=hint)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
