"""`chatkeep auth better-auth config`: the map that Better Auth is given, and what it is made of."""

import json
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from sqlalchemy import Column, Named, Text

from chatkeep.auth.better_auth_config import ADAPTERS, MODELS, better_auth_config
from chatkeep.cli.main import cli
from chatkeep.errors import ConfigError
from chatkeep.presets import deepsearch, maps
from chatkeep.records.maps import User
from chatkeep.schema.tables import TableDef

COMMAND = ["auth", "better-auth", "config"]


class PlanColumns(maps.UserColumns):
    """What an application added: with a default, without one, and one that may be empty."""

    theme: Named[str] = Column(Text, nullable=False, server_default="dark")
    plan: Named[str] = Column(Text, nullable=False)
    nickname: Named[str | None] = Column(Text)


class Extended(maps.Schema):
    users = maps.Schema.users.extend(PlanColumns)


class OddUser(User, kw_only=True):
    """A user whose JSON has keys of its own."""

    email_verified: bool = msgspec.field(default=False, name="email_verified")
    created_at: datetime = msgspec.field(name="created")


class Odd(maps.Schema[OddUser]):
    users = maps.Schema.users.extend(maps.UserColumns, record=OddUser)


class Torn(maps.Schema):
    accounts = TableDef("accounts", maps.VerificationColumns)


EXTENDED = Extended("x_")
SEARCH = deepsearch.schema()
SEED = maps.schema(edition="seed")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)

    def run(*words: str, schema: str = "EXTENDED"):
        return CliRunner().invoke(cli, [*COMMAND, "--schema", f"{__name__}:{schema}", *words])

    return run


def test_every_column_of_the_preset_is_told_under_better_auths_name():
    schema = maps.schema(prefix="ai-app-template_")
    made = better_auth_config(schema)
    assert [model.name for model in made.models] == list(MODELS)
    for model in made.models:
        table = schema.tables[f"{model.name}s"]
        assert model.model_name == table.name
        assert sorted(model.columns.values()) == sorted(table.columns.keys())
        assert model.fields == {k: v for k, v in model.columns.items() if k != v}
    assert made.options()["user"]["fields"]["emailVerified"] == "email_verified"


def test_drizzle_needs_no_names_since_its_keys_are_better_auths():
    made = better_auth_config(maps.schema("x_"), "drizzle")
    assert made.options() == {}
    assert made.adapter_options == {"provider": "pg", "usePlural": True, "transaction": True}
    assert "export const tables = {};" in made.module().splitlines()
    assert better_auth_config(maps.schema("x_")).adapter_options == {}


def test_a_record_with_other_keys_is_told_to_drizzle_too():
    """The keys of schema.ts follow the record's JSON."""
    assert better_auth_config(Odd(), "drizzle").options() == {
        "user": {"fields": {"emailVerified": "email_verified", "createdAt": "created"}}
    }


def test_the_command_prints_what_it_writes_and_knows_when_it_is_old(ask, tmp_path: Path):
    printed = ask()
    assert printed.exit_code == 0
    assert 'modelName: "x_users",' in printed.stdout
    assert printed.stderr.startswith("x_users.plan is required and Better Auth does not know it")
    assert "nickname" not in printed.output
    assert ask("--out", "tables.ts", "--check").exit_code == 1
    assert ask("--out", "tables.ts").stdout == "Wrote tables.ts\n"
    assert (tmp_path / "tables.ts").read_text() == printed.stdout
    assert ask("--out", "tables.ts", "--check").stdout == "tables.ts is up to date.\n"
    assert ask("--out", "tables.ts", "--adapter", "drizzle", "--check").exit_code == 1
    assert ask("--check").exit_code == 2


def test_json_says_the_same(ask):
    said = json.loads(ask("--json").stdout)
    assert said == {
        "options": better_auth_config(EXTENDED).options(),
        "adapter": {},
        "never_written": ["x_users.plan"],
        "file": None,
        "changed": False,
    }


@pytest.mark.parametrize(
    ("schema", "words"),
    [("SEARCH", "it is not the maps preset"), ("SEED", "the seed's edition, which lacks")],
)
def test_another_schema_is_refused_with_what_to_take(ask, schema: str, words: str):
    done = ask("--json", schema=schema)
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert words in said["error"]
    assert "maps" in said["hint"]


def test_a_table_that_was_replaced_is_refused_with_what_it_lacks():
    with pytest.raises(ConfigError, match="accounts lacks account_id, provider_id, user_id"):
        better_auth_config(Torn())


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_name_cannot_leave_the_comment(adapter):
    made = better_auth_config(maps.schema(), adapter, reference="a\nb();")
    assert made.module().splitlines()[0].endswith("from a b();; change that instead.")
