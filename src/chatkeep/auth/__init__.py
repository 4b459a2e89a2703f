"""Sign-in: who is calling, sessions of our own, tokens for one use, providers' tokens at rest.

    options     what an application may say about all of it
    auth        `db.auth`
    callers     whose session a request's cookies prove
        cookies, cookie_secrets                 found by name; the secrets that verify them
        auth_js_cookies, better_auth_cookies    the libraries' formats
        jose, claims, refusals                  what they share; why not
    provider_tokens                             a user's tokens of a provider
        account_table, provider_token_queries   where they are in either preset
        sealing, token_keys                     sealed at rest, and with which keys
        better_auth_tokens                      Better Auth's own encryption of them
        resealing, reseal_report                what is stored already, sealed in batches

Cryptography is that of `joserfc`, `cryptography` and `pynacl` (`pip install chatkeep[auth]`), loaded when a
call needs it; our own sessions need none of it.
"""
