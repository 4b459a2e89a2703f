"""Keys for tokens at rest: from the options and from the environment, refused without being shown."""

import base64
import sys

import pytest

from chatkeep import AuthOptions, ConfigError, Database
from chatkeep.auth.token_keys import token_keys
from chatkeep.presets import deepsearch

OLD, NEW = bytes(range(32)), bytes(range(200, 232))


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


@pytest.fixture(autouse=True)
def _without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATKEEP_TOKEN_KEYS", raising=False)


def test_nothing_configured_is_no_keys():
    assert token_keys({}) == {}


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_an_empty_variable_is_no_keys(monkeypatch: pytest.MonkeyPatch, blank: str):
    monkeypatch.setenv("CHATKEEP_TOKEN_KEYS", blank)
    assert token_keys({}) == {}


def test_the_newest_comes_first(monkeypatch: pytest.MonkeyPatch):
    urlsafe = base64.urlsafe_b64encode(OLD).rstrip(b"=").decode()
    monkeypatch.setenv("CHATKEEP_TOKEN_KEYS", f"2026b:{text(NEW)}, \n 2026a:{urlsafe}")
    assert list(token_keys({}).items()) == [("2026b", NEW), ("2026a", OLD)]


def test_options_go_before_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CHATKEEP_TOKEN_KEYS", f"env:{text(NEW)}")
    assert token_keys({"own": OLD}) == {"own": OLD}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("a", "entry 1 is not id:key"),
        (f"a:{text(OLD)},", "entry 2 is not id:key"),
        (text(OLD), "entry 1 is not id:key"),
        (f"{text(OLD)}:a", "entry 1 is not id:key"),
        (f"a b:{text(OLD)}", "entry 1 is not id:key"),
        (f"{'a' * 33}:{text(OLD)}", "entry 1 is not id:key"),
        (f"a:{text(OLD[:31])}", "has 31 bytes, not 32"),
        (f"a:{text(OLD + b'x')}", "has 33 bytes, not 32"),
        ("a:", "has 0 bytes, not 32"),
        (f"a:{text(OLD)[:-2]}é", "is not base64"),
        (f"a:{text(OLD)},a:{text(NEW)}", '"a" occurs twice'),
        (f"a:{text(OLD)},b:{text(OLD)}", '"a" and "b" are the same key'),
    ],
)
def test_what_cannot_be_used_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, value: str, says: str
):
    monkeypatch.setenv("CHATKEEP_TOKEN_KEYS", value)
    with pytest.raises(ConfigError) as caught:
        Database(deepsearch.schema(), "postgresql://localhost/x")
    error: BaseException | None = caught.value
    assert says in str(error)
    while error is not None:
        assert text(OLD)[:20] not in f"{error} {error!r} {vars(error)}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"a": "x" * 32}, "is not of bytes"),
        ({"a": OLD[:16]}, "has 16 bytes"),
        ({"a:b": OLD}, "the id of entry 1"),
        ({"": OLD}, "the id of entry 1"),
        ({7: OLD}, "the id of entry 1"),
        ({"a": OLD, "b": OLD}, "are the same key"),
    ],
)
def test_options_that_cannot_be_used_are_refused_when_the_database_is_made(
    keys: dict[str, bytes], says: str
):
    with pytest.raises(ConfigError, match=says):
        Database(deepsearch.schema(), "postgresql://localhost/x", auth=AuthOptions(token_keys=keys))


def test_no_repr_shows_a_key():
    options = AuthOptions(token_keys={"a": OLD})
    for shown in (repr(options), repr(options.sealing), str(options.sealing)):
        assert text(OLD)[:10] not in shown
        assert repr(OLD)[2:12] not in shown


def test_without_cryptography_keys_are_refused_and_nothing_else(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    Database(deepsearch.schema(), "postgresql://localhost/x")
    with pytest.raises(ConfigError, match="not installed") as caught:
        Database(
            deepsearch.schema(), "postgresql://localhost/x", auth=AuthOptions(token_keys={"a": OLD})
        )
    assert caught.value.hint == 'pip install "chatkeep[auth]"'
