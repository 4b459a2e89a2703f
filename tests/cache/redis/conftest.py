"""Fixtures of this folder."""

from fixtures.redis_places import monotonic, place

__all__ = ["monotonic", "place"]
