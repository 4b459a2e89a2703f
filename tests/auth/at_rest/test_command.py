"""`chatkeep auth seal-tokens`, as a user types it."""

import asyncio
import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner, Result

from auth.at_rest.conftest import MARK, NEW, OLD, a_user, account_of, opened
from chatkeep.cli.main import cli

Type = Callable[..., Result]


def variable(**keys: bytes) -> str:
    return ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys.items())


@pytest.fixture
def type_in(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Types `chatkeep auth seal-tokens ...` in a project of this database."""
    (tmp_path / "chatkeep.toml").write_text('schema = "seal_cli_schema:schema"\n')
    (tmp_path / "seal_cli_schema.py").write_text(
        'from chatkeep.presets import deepsearch\nschema = deepsearch.schema(prefix="x_")\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "seal_cli_schema", raising=False)
    monkeypatch.setenv("DATABASE_URL", url)

    def run(*words: str, **keys: bytes) -> Result:
        env = {"CHATKEEP_TOKEN_KEYS": variable(**keys)}
        result = CliRunner().invoke(cli, ["auth", "seal-tokens", *words], env=env)
        for key in keys.values():
            assert base64.b64encode(key).decode() not in result.output
        assert MARK not in result.output
        return result

    return run


async def in_thread(run: Type, *words: str, **keys: bytes) -> Result:
    """The command has an event loop of its own."""
    return await asyncio.to_thread(run, *words, **keys)


async def test_seal_rotate_and_open(type_in: Type, url: str, bare: asyncpg.Connection):
    async with opened(url) as db:
        await db.accounts.create(account_of(await a_user(db)))
    dry = await in_thread(type_in, "--dry-run", a=OLD)
    assert (dry.exit_code, dry.output) == (
        0,
        "plain: 2\nNothing was changed; 2 tokens are to seal.\n",
    )
    done = await in_thread(type_in, a=OLD)
    assert (done.exit_code, done.output) == (0, "plain: 2\nSealed 2 of 2 tokens.\n")
    turned = await in_thread(type_in, "--json", "--rows", "1", b=NEW, a=OLD)
    assert turned.exit_code == 0
    assert json.loads(turned.output) == {
        "dry_run": False,
        "opens": False,
        "newest": "b",
        "found": {"plain": 0, "keys": {"a": 2}, "better_auth": 0, "damaged": 0},
        "sealed": 0,
        "resealed": {"a": 2},
        "opened": {},
        "unreadable": {},
        "busy": 0,
    }
    again = await in_thread(type_in, b=NEW)
    assert again.output == "plain: 0\nsealed with b, the newest: 2\nNothing is to seal.\n"
    back = await in_thread(type_in, "--open", b=NEW)
    assert back.output == "plain: 0\nsealed with b: 2\nOpened 2 of 2 tokens.\n"
    assert await bare.fetchval("select access_token from x_account") == f"{MARK}-a"


async def test_what_is_left_makes_it_fail(type_in: Type, url: str):
    async with opened(url, {"lost": OLD}) as db:
        await db.accounts.create(account_of(await a_user(db)))
    for words in ((), ("--dry-run",), ("--open",)):
        result = await in_thread(type_in, *words, b=NEW)
        assert result.exit_code == 1
        assert "without the right key lost: 2\nGive CHATKEEP_TOKEN_KEYS the keys" in result.output
        assert "that sealed them (lost), behind the newest" in result.output
        dry = "2 tokens are to seal, and 2 of them do not open.\n"
        assert (dry in result.output) == ("--dry-run" in words)


@pytest.mark.parametrize(
    ("value", "code", "says"),
    [("", 1, "There are no keys"), ("a:AAAA", 1, "has 3 bytes, not 32")],
)
def test_without_usable_keys_it_refuses(
    type_in: Type, monkeypatch: pytest.MonkeyPatch, value: str, code: int, says: str
):
    monkeypatch.setenv("CHATKEEP_TOKEN_KEYS", value)
    result = CliRunner().invoke(cli, ["auth", "seal-tokens"])
    assert (result.exit_code, says in result.output) == (code, True)


def test_wrong_usage(type_in: Type):
    assert type_in("--rows", "0", a=OLD).exit_code == 2
    assert type_in("--key", "x", a=OLD).exit_code == 2
