"""The places are in `places.py`: the tests of tokens take them from there too."""

from auth.sessions.places import anywhere, place

__all__ = ["anywhere", "place"]
