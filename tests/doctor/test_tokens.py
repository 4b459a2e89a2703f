"""Providers' tokens in plain text where they are to be sealed."""

import base64
import sys
from pathlib import Path

import pytest

from chatkeep import Database, NewAccount, NewUser
from chatkeep.doctor import Severity
from chatkeep.presets import maps
from doctor.conftest import Admit
from doctor.test_order import shell

KEYS = f"a:{base64.b64encode(bytes(range(32))).decode()}"


async def test_plain_tokens_are_found_where_keys_are_set_and_sealed_by_the_command(
    admit: Admit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("CHATKEEP_TOKEN_KEYS", raising=False)
    patient = await admit()
    async with Database(patient.schema, patient.url) as db:
        user = await db.users.create(NewUser(email="ada@example.com"))
        await db.accounts.create(
            NewAccount(
                user_id=user.id,
                type="oauth",
                provider="google",
                provider_account_id="1",
                access_token="s3cr3t",
            )
        )
    assert await patient.find("plain-tokens") == []
    monkeypatch.setenv("CHATKEEP_TOKEN_KEYS", KEYS)
    found = await patient.find_one("plain-tokens")
    assert (found.severity, found.about) == (Severity.WARNING, 'table "x_account"')
    assert found.message.startswith("One token is in plain text")
    assert (found.mend, found.mend_with) == ("chatkeep auth seal-tokens", "shell")
    assert "s3cr3t" not in str(found)

    (tmp_path / "chatkeep.toml").write_text('schema = "doctor_tokens_schema:schema"\n')
    (tmp_path / "doctor_tokens_schema.py").write_text(
        'from chatkeep.presets import deepsearch\nschema = deepsearch.schema(prefix="x_")\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "doctor_tokens_schema", raising=False)
    monkeypatch.setenv("DATABASE_URL", patient.url)
    await shell(found.mend)
    assert await patient.find("plain-tokens") == []


async def test_tokens_whose_key_is_not_there_are_found(
    admit: Admit, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CHATKEEP_TOKEN_KEYS", KEYS)
    patient = await admit()
    async with Database(patient.schema, patient.url) as db:
        user = await db.users.create(NewUser(email="ada@example.com"))
        await db.accounts.create(
            NewAccount(
                user_id=user.id,
                type="oauth",
                provider="google",
                provider_account_id="1",
                access_token="s3cr3t",
                refresh_token="s3cr3t",
            )
        )
    assert await patient.find("missing-token-key") == []
    monkeypatch.setenv("CHATKEEP_TOKEN_KEYS", f"b:{base64.b64encode(bytes(32)).decode()}")
    found = await patient.find_one("missing-token-key")
    assert (found.severity, found.about) == (Severity.WARNING, 'table "x_account"')
    assert found.message.startswith('2 tokens are sealed with the key "a", which')
    assert (found.mend, found.mend_with) == ("chatkeep auth seal-tokens --dry-run", "shell")
    monkeypatch.delenv("CHATKEEP_TOKEN_KEYS")
    assert await patient.find("missing-token-key") == []


async def test_keys_that_cannot_be_used_leave_it_unseen(
    admit: Admit, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CHATKEEP_TOKEN_KEYS", "a:AAAA")
    patient = await admit()
    report = await patient.report(only=("plain-tokens",))
    assert "has 3 bytes, not 32" in report.unseen[0].reason


@pytest.mark.parametrize("tables", [True, False])
async def test_nothing_is_found_where_nothing_is(
    admit: Admit, monkeypatch: pytest.MonkeyPatch, *, tables: bool
):
    monkeypatch.setenv("CHATKEEP_TOKEN_KEYS", KEYS)
    patient = await admit(maps.schema(), tables=tables)
    assert await patient.find("plain-tokens") == []
