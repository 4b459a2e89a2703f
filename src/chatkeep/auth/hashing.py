"""Secrets that we give away: made of 256 random bits, and kept as their SHA-256."""

import base64
import hashlib

from chatkeep.ids import new_session_token

PREFIX = "sha256:"


def new_secret() -> str:
    """Make a secret: 256 bits of the system's generator, 43 letters safe in a cookie and a URL."""
    return new_session_token()


def kept(secret: str) -> str:
    """Give what is stored of a secret: who reads the table cannot use what stands there.

    The point at its end is for Better Auth's `bearer` plugin, which signs by itself whatever comes
    without a point, and would take what is stored for a token.
    """
    digest = hashlib.sha256(secret.encode()).digest()
    return f"{PREFIX}{base64.urlsafe_b64encode(digest)[:-1].decode()}."  # without its one "="


def id_of(stored: str) -> str:
    """Give the id of a session: SHA-256 in hex of the token that stands in the table."""
    return hashlib.sha256(stored.encode("utf-8", "surrogatepass")).hexdigest()
