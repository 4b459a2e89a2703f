"""Sign-in: who is calling, sessions of our own, tokens for one use, providers' tokens at rest.

    options     what an application may say about all of it
    auth        `db.auth`

Cryptography is that of `joserfc` and `cryptography` (`pip install chatkeep[auth]`), loaded when a
call needs it; our own sessions need none of it.
"""
