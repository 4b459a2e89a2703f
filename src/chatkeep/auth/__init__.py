"""Sign-in: who is calling, sessions of our own, tokens for one use, providers' tokens at rest.

    options     what an application may say about all of it
    auth        `db.auth`
    callers     whose session a request's cookies prove
        cookies, cookie_secrets                 found by name; the secrets that verify them
        auth_js_cookies, better_auth_cookies    the libraries' formats
        jose, claims, refusals                  what they share; why not

Cryptography is that of `joserfc` and `cryptography` (`pip install chatkeep[auth]`), loaded when a
call needs it; our own sessions need none of it.
"""
