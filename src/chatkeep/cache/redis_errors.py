"""What may go wrong with Redis. Neither leaves the cache: a request never fails of it."""


class RedisAwayError(Exception):
    """Nobody answered in time, or nobody was asked, because the breaker is open."""

    def __init__(self) -> None:
        super().__init__("Redis is away")


class RedisRefusedError(Exception):
    """Redis answered that it does not do this.

    Attributes:
        code: First word of its answer, such as OOM, READONLY or WRONGTYPE.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"Redis refused: {code}")
        self.code = code
