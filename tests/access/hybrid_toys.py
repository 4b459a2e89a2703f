"""Embeddings that can be foretold: each known word points into a direction of its own."""

from chatkeep.presets import deepsearch

DIRECTIONS = {
    **dict.fromkeys(("dog", "puppy", "hound"), 0),
    **dict.fromkeys(("tax", "fiscal", "levy"), 1),
    **dict.fromkeys(("sea", "ocean", "tide"), 2),
    **dict.fromkeys(("bread", "loaf", "baker"), 3),
}
DIMENSIONS = 5


class ToySchema(deepsearch.Schema):
    message_embeddings = deepsearch.embeddings(DIMENSIONS, model="toy")


class OtherToySchema(deepsearch.Schema):
    """The same tables, another model."""

    message_embeddings = deepsearch.embeddings(DIMENSIONS, model="another toy")


def vector_of(text: str) -> list[float]:
    vector = [0.0] * (DIMENSIONS - 1) + [0.1]  # the last one: never all zeros
    for word in text.lower().replace(".", "").split():
        if word in DIRECTIONS:
            vector[DIRECTIONS[word]] += 1
    return vector


async def toy(texts: list[str]) -> list[list[float]]:
    return [vector_of(text) for text in texts]


class Counting:
    """The toy, and what it was called with."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    async def __call__(self, texts: list[str]) -> list[list[float]]:
        self.calls.append(texts)
        return await toy(texts)
