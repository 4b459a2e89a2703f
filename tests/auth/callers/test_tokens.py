"""Tokens of JOSE's and Better Auth's caches: opened in the libraries' form, in no other."""

import base64
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth.callers.making import (
    AUTH_JS,
    SECRET,
    auth_js,
    claims,
    compact,
    jwe_of,
    jws,
    next_auth,
    session_data,
    signed,
    url64,
)
from chatkeep import ConfigError
from chatkeep.auth.auth_js_cookies import is_jwt, open_token
from chatkeep.auth.better_auth_cookies import cached_session, signed_token
from chatkeep.auth.claims import check_times, without_secrets
from chatkeep.auth.jose import derived_key, open_jws
from chatkeep.auth.refusals import RefusedError

SECRETS = (SECRET.encode(),)
TOLERANCE = timedelta(seconds=15)
HS256 = {"alg": "HS256"}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def opened(value: str) -> dict[str, Any]:
    return open_token("auth.js-jwt", AUTH_JS, value, SECRETS)


def refused(reason: str) -> Any:
    return pytest.raises(RefusedError, match=f"^{reason}$")


def parts_of(value: str, **changed: str) -> str:
    names = ["header", "key", "vector", "text", "tag"]
    return ".".join({**dict(zip(names, value.split("."), strict=True)), **changed}.values())


class TestEncrypted:
    def test_right_ones(self) -> None:
        said = claims(name="Ada")
        assert opened(auth_js(said)) == said
        assert opened(auth_js(said, kid="any", typ="JWT")) == said
        assert open_token("next-auth-jwt", "any", next_auth(said), SECRETS) == said
        assert open_token("auth.js-jwt", AUTH_JS, auth_js(said), (b"x" * 32, *SECRETS)) == said

    def test_other_secret(self) -> None:
        with refused("bad_signature"):
            opened(auth_js(claims(), secret="another" * 6))
        with refused("no_secret"):
            open_token("auth.js-jwt", AUTH_JS, auth_js(claims()), ())

    def test_name_of_the_cookie_is_in_the_key(self) -> None:
        with refused("bad_signature"):
            opened(auth_js(claims(), name=f"__Secure-{AUTH_JS}"))

    def test_one_library_is_not_another(self) -> None:
        with refused("malformed"):
            opened(next_auth(claims()))
        with refused("malformed"):
            open_token("next-auth-jwt", AUTH_JS, auth_js(claims()), SECRETS)

    @pytest.mark.parametrize(
        "header",
        [
            {"zip": "DEF"},
            {"enc": "A256GCM"},
            {"enc": "A128CBC-HS256"},
            {"cty": "JWT"},
            {"jku": "https://example.com"},
            {"p2c": 1_000_000_000},
            {"kid": "x" * 1000},
        ],
    )
    def test_other_headers(self, header: dict[str, Any]) -> None:
        """Also where the key is right and the tag authentic: an algorithm is no choice of theirs."""
        with refused("malformed"):
            opened(auth_js(claims(), **header))

    def test_bomb_is_not_opened(self) -> None:
        """What would become 100 MB is refused by its header."""
        bomb = auth_js(b'{"x":"' + b" " * 10**8 + b'"}', zip="DEF")
        assert len(bomb) < 200_000
        with refused("malformed"):
            opened(bomb)

    @pytest.mark.parametrize(
        "header",
        [
            {"alg": "none", "enc": "A256CBC-HS512"},
            {"alg": "A256KW", "enc": "A256CBC-HS512"},
            {"alg": "PBES2-HS256+A128KW", "enc": "A256CBC-HS512"},
            {"alg": "dir"},
            {"alg": ["dir"], "enc": "A256CBC-HS512"},
            {"enc": "A256CBC-HS512"},
            {"alg": "dir", "enc": "A256CBC-HS512", "crit": ["b64"], "b64": False},
            {},
            [],
            "dir",
            None,
        ],
    )
    def test_headers_that_were_exchanged(self, header: object) -> None:
        given = url64(json.dumps(header).encode())
        with refused("malformed"):
            opened(parts_of(auth_js(claims()), header=given))

    def test_parts(self) -> None:
        right = auth_js(claims())
        for wrong in (
            parts_of(right, key="AAAA"),
            parts_of(right, vector=""),
            parts_of(right, vector="AAAA"),
            parts_of(right, tag=right.rpartition(".")[2][:-11]),  # 24 of 32 bytes
            parts_of(right, tag=""),
            parts_of(right, header=""),
            parts_of(right, text="*"),
            f"{right}.",
            f".{right}",
            right.rpartition(".")[0],
            "....",
            "",
        ):
            with refused("malformed"):
                opened(wrong)
        for wrong in (parts_of(right, text=""), parts_of(right, vector="A" * 22)):
            with refused("bad_signature"):
                opened(wrong)

    def test_base64_in_another_way(self) -> None:
        """The last letter has bits that mean nothing, and a lenient decoder skips foreign signs."""
        right = auth_js(claims())
        tag = right.rpartition(".")[2]
        same = [
            tag[:-1] + letter
            for letter in LETTERS
            if base64.urlsafe_b64decode(tag[:-1] + letter + "=")
            == base64.urlsafe_b64decode(tag + "=")
        ]
        assert len(same) == 4
        for other in [*same, tag + "=", tag[:5] + "~" + tag[5:], tag + "\n"]:
            if other != tag:
                with refused("malformed"):
                    opened(parts_of(right, tag=other))

    @pytest.mark.parametrize("plain", [b"[]", b"", b"1", b"{", b'"x"', b"\xff", b"[" * 20_000])
    def test_claims_that_are_none(self, plain: bytes) -> None:
        with refused("malformed"):
            opened(auth_js(plain))

    def test_packages_that_are_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Said as what it is: not as a session that nobody has."""
        derived_key.cache_clear()
        monkeypatch.setitem(sys.modules, "joserfc.jwk", None)
        with pytest.raises(ConfigError, match=r"pip install 'chatkeep\[auth\]'"):
            opened(auth_js(claims()))

    def test_told_from_tokens_of_the_database(self) -> None:
        assert is_jwt(auth_js(claims()))
        assert is_jwt(next_auth(claims()))
        for token in ("0f5c5d7e-1b1e-4d0e-8d5e-1b1e4d0e8d5e", "eyJ", "a.b.c.d.e", "eyJ.a.b"):
            assert not is_jwt(token)


class TestSigned:
    def test_right_one(self) -> None:
        assert open_jws(jws({"a": 1}, HS256), SECRETS) == {"a": 1}

    @pytest.mark.parametrize(
        ("header", "digest"),
        [
            ({"alg": "none"}, "sha256"),
            ({"alg": "None"}, "sha256"),
            ({"alg": "HS384"}, "sha384"),
            ({"alg": "HS512"}, "sha512"),
            ({"alg": "RS256"}, "sha256"),
            ({"alg": "HS256", "b64": False, "crit": ["b64"]}, "sha256"),
            ({"alg": "HS256", "jwk": {}}, "sha256"),
            ({}, "sha256"),
        ],
    )
    def test_other_headers(self, header: dict[str, Any], digest: str) -> None:
        with refused("malformed"):
            open_jws(jws(claims(), header, digest), SECRETS)

    def test_wrong_signatures(self) -> None:
        right = jws(claims(), HS256)
        signed_part, _, signature = right.rpartition(".")
        with refused("bad_signature"):
            open_jws(right, (b"y" * 32,))
        for wrong in (f"{signed_part}.", f"{signed_part}.{signature[:-3]}"):
            with refused("bad_signature"):
                open_jws(wrong, SECRETS)

    def test_cookie(self) -> None:
        assert signed_token(signed("tok.en"), SECRETS) == "tok.en"
        assert signed_token(signed("t"), (b"x" * 32, *SECRETS)) == "t"
        with refused("no_secret"):
            signed_token(signed("t"), ())
        for wrong in ("", ".", "t", "t.", signed(""), signed("t")[:-1], signed("t") + "="):
            with refused("malformed"):
                signed_token(wrong, SECRETS)
        for wrong in ("u" + signed("t"), signed("t", "z" * 32), "t." + "A" * 43 + "="):
            with refused("bad_signature"):
                signed_token(wrong, SECRETS)

    def test_signature_in_another_way(self) -> None:
        right = signed("token")
        same = [
            right[:-2] + letter + "="
            for letter in LETTERS.replace("-_", "+/")
            if base64.b64decode(right[-44:-2] + letter + "=") == base64.b64decode(right[-44:])
        ]
        assert len(same) == 4
        for other in same:
            if other != right:
                with refused("bad_signature"):
                    signed_token(other, SECRETS)


def cached(value: str, token: str = "t1") -> Any:
    return cached_session(value, token, SECRETS, TOLERANCE)


def jwe_cache(said: dict[str, Any]) -> str:
    info = "BetterAuth.js Generated Encryption Key"
    header = {"alg": "dir", "enc": "A256CBC-HS512"}
    return jwe_of(said, salt="better-auth-session", info=info, header=header)


class TestCache:
    def test_each_form(self) -> None:
        data = session_data()
        for value in (
            compact(data),
            jws({**claims(), **data}, HS256),
            jwe_cache({**claims(), **data}),
        ):
            found = cached(value)
            assert (found.user_id, found.session_id) == ("u1", "s1")
            assert found.expires == datetime(2099, 1, 1, tzinfo=UTC)
            expected = {"name": "Ada", "email": "ada@example.com", "picture": None}
            assert found.claims == expected

    @pytest.mark.parametrize(
        "name", ["Zoë", 'a"b\\c', "\u2028", "😀", "</script>", "\x00", '},"expiresAt":1']
    )
    def test_texts_of_all_kinds(self, name: str) -> None:
        """The text is taken as it came: no other writer's escapes are sure to be the same."""
        data = session_data()
        data["user"] |= {"name": name, "tiny": 1e-7}
        for ensure_ascii in (False, True):
            found = cached(compact(data, ensure_ascii=ensure_ascii))
            assert found.claims["name"] == name

    def test_half_a_letter(self) -> None:
        data = session_data()
        data["user"]["name"] = "\ud83d"
        with refused("malformed"):
            cached(compact(data, ensure_ascii=True))

    def test_other_orders(self) -> None:
        """Only what the library writes: another order of the members is somebody else's work."""
        text = base64.urlsafe_b64decode(compact(session_data()) + "==").decode()
        members = json.loads(text)
        for other in (
            dict(reversed(list(members.items()))),
            {**members, "more": 1},
            {"session": members["session"], "signature": members["signature"]},
        ):
            with refused("malformed"):
                cached(url64(json.dumps(other, separators=(",", ":")).encode()))
        with refused("malformed"):
            cached(url64(json.dumps(members).encode()))  # with spaces

    def test_ended(self) -> None:
        now = int(time.time() * 1000)
        assert cached(compact(session_data(), now - 5_000))
        with refused("expired"):
            cached(compact(session_data(), now - 20_000))
        with refused("expired"):
            cached(compact(session_data(expiresAt="2020-01-01T00:00:00.000Z")))
        with refused("expired"):
            cached(jws({**claims(exp=1), **session_data()}, HS256))
        with refused("malformed"):
            cached(jws({"iat": 1, **session_data()}, HS256))

    def test_of_another_session(self) -> None:
        with refused("other_session"):
            cached(compact(session_data("t2")))
        with refused("other_session"):
            cached(compact(session_data("té")))

    @pytest.mark.parametrize(
        "change",
        [
            {"userId": "u2"},
            {"userId": None},
            {"token": None},
            {"token": 5},
            {"id": None},
            {"id": ""},
            {"expiresAt": None},
            {"expiresAt": 5},
            {"expiresAt": "soon"},
            {"expiresAt": "2099-01-01T00:00:00"},
        ],
    )
    def test_sessions_that_are_none(self, change: dict[str, Any]) -> None:
        with refused("malformed"):
            cached(compact(session_data(**change)))

    @pytest.mark.parametrize("name", ["session", "user"])
    @pytest.mark.parametrize("value", [None, [], "x"])
    def test_parts_that_are_none(self, name: str, value: object) -> None:
        with refused("malformed"):
            cached(compact({**session_data(), name: value}))


class TestClaims:
    def test_times(self) -> None:
        now = time.time()
        for said in (
            {"exp": now + 1},
            {"exp": now - 10},
            {"exp": int(now) + 60, "iat": now + 10, "nbf": now + 10},
        ):
            assert check_times(said, TOLERANCE) == datetime.fromtimestamp(said["exp"], UTC)
        for said in ({"exp": now - 16}, {"exp": 0}, {"exp": -1e10}):
            with refused("expired"):
                check_times(said, TOLERANCE)
        with refused("expired"):
            check_times({"exp": now - 1}, timedelta())
        for name in ("nbf", "iat"):
            with refused("not_yet_valid"):
                check_times({"exp": now + 60, name: now + 30}, TOLERANCE)

    @pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
    @pytest.mark.parametrize(
        "value", ["5", True, [], {}, 1e300, -1e300, 10**400, float("inf"), float("nan")]
    )
    def test_times_that_are_none(self, name: str, value: object) -> None:
        with refused("malformed"):
            check_times({"exp": time.time() + 60, name: value}, TOLERANCE)

    def test_without_an_end(self) -> None:
        for said in ({}, {"exp": None}, {"iat": 1}):
            with refused("malformed"):
                check_times(said, TOLERANCE)

    def test_without_secrets(self) -> None:
        mark = "MARKED"
        said: dict[str, Any] = {
            **claims(),
            "name": "Ada",
            "role": "admin",
            "keyboard": "de",
            "monkey": 1,
            "tokenizer": "bpe",
            "accessToken": mark,
            "access_token": mark,
            "id_token": mark,
            "refreshToken": mark,
            "idToken": {"raw": mark},
            "apiKey": mark,
            "api_key": mark,
            "APIKey": mark,
            "APIKEY": mark,
            "Password": mark,
            "clientSecret": mark,
            "oauth": {"provider": "x", "accessToken": mark, "deep": [{"token": mark, "a": 1}]},
        }
        shown = without_secrets(said)
        assert mark not in repr(shown)
        assert shown == {
            "name": "Ada",
            "role": "admin",
            "keyboard": "de",
            "monkey": 1,
            "tokenizer": "bpe",
            "oauth": {"provider": "x", "deep": [{"a": 1}]},
        }
        assert said["oauth"]["accessToken"] == mark  # what was given is as it was
