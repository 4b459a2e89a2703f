"""The list of commands in main.py says the same as the commands themselves."""

import importlib

import click
import pytest
from click.testing import CliRunner

from chatkeep.cli.main import COMMANDS, cli
from chatkeep.errors import InvalidUrlError
from chatkeep.kit.applying import lock


@pytest.mark.parametrize("name", COMMANDS)
def test_line_of_help_is_the_commands_own(name: str):
    module, attribute, line = COMMANDS[name]
    command: click.Command = getattr(importlib.import_module(module), attribute)
    assert command.get_short_help_str(limit=200) == line


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help(name: str):
    done = CliRunner().invoke(cli, [name, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output


def test_an_unknown_command_is_wrong_usage():
    done = CliRunner().invoke(cli, ["nonesuch"])
    assert done.exit_code == 2
    assert "nonesuch" in done.output


def test_an_error_of_ours_is_one_line_and_exit_1(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "mysql://user:hidden@host/x")
    done = CliRunner().invoke(cli, ["status"])
    assert done.exit_code == 1
    assert done.stderr.startswith("chatkeep: The database URL is not a PostgreSQL one")
    assert len(done.stderr.splitlines()) == 1
    assert "hidden" not in done.stderr


def test_debug_shows_where_the_error_came_from(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "mysql://host/x")
    done = CliRunner().invoke(cli, ["--debug", "status"])
    assert isinstance(done.exception, InvalidUrlError)


def test_a_command_waits_for_another_as_long_as_the_kit_does():
    waits: dict[str, object] = {}
    for name, (module, attribute, _) in COMMANDS.items():
        command: click.Command = getattr(importlib.import_module(module), attribute)
        for option in command.params:
            if option.name == "lock_wait":
                waits[name] = option.default
    assert waits == dict.fromkeys(("migrate", "rollback", "baseline"), lock.WAIT)
