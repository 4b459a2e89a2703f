"""The places of the tests of sessions."""

from auth.sessions.places import anywhere, place

__all__ = ["anywhere", "place"]
