"""Retention policies as the configuration says them: what is read, what is refused and how."""

import tomllib
from datetime import timedelta

import pytest

from chatkeep.errors import ConfigError
from chatkeep.personal.retention import Policy, check, duration, policies, with_expiring, written
from chatkeep.settings import Settings


def read(text: str) -> tuple[Policy, ...]:
    return policies(tomllib.loads(text)["retention"], "chatkeep.toml")


def test_policies_come_from_the_configuration(tmp_path):
    (tmp_path / "chatkeep.toml").write_text(
        '[[retention]]\nwhat = "chats"\nolder_than = "365d"\n'
        '[[retention]]\nwhat = "chats"\nof = "admins"\nolder_than = "never"\n'
        '[[retention]]\nwhat = "messages"\nrole = "tool"\nolder_than = "36h"\n'
    )
    found = policies(Settings.load(tmp_path).retention)
    assert found == (
        Policy("chats", timedelta(days=365)),
        Policy("chats", None, of="admins"),
        Policy("messages", timedelta(hours=36), role="tool"),
    )
    assert [policy.label for policy in found] == ["chats", "chats of admins", "messages by tool"]
    assert [policy.age for policy in found] == ["365d", "never", "36h"]


def test_policies_stand_in_pyproject_too(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[[tool.chatkeep.retention]]\nwhat = "trash"\nolder_than = "30d"\n'
    )
    assert policies(Settings.load(tmp_path).retention) == (Policy("trash", timedelta(days=30)),)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('what = "chats"', "entry 2: `older_than` is missing"),
        ('what = "chats"\nolder_than = "1y"', "entry 2: `older_than` is no time"),
        ('what = "chats"\nolder_than = "30m"', "a unit, h, d or w"),
        ('what = "chats"\nolder_than = "-3d"', "`older_than` is no time"),
        ('what = "chats"\nolder_than = 30', "`older_than` is no time"),
        ('what = "chats"\nolder_than = "0d"', "older_than is zero: everything would go"),
        ('what = "trash"\nolder_than = "99999d"', "not between 0 and 36500 days"),
        ('what = "chat"\nolder_than = "1d"', "`what` is none that is known"),
        ('what = ["chats"]\nolder_than = "1d"', "`what` is none that is known"),
        ('older_than = "1d"', "`what` is none that is known"),
        ('what = "chats"\nrole = "tool"\nolder_than = "1d"', "`role` is for messages only"),
        ('what = "messages"\nrole = "robot"\nolder_than = "1d"', "Known are user, assistant"),
        ('what = "sessions"\nof = "admins"\nolder_than = "1d"', "`of` is for chats"),
        ('what = "chats"\nolder_then = "1d"', "unknown key `older_then`"),
        ('what = "chats"\nat_most = 3', "`at_most` is for sessions only"),
        ('what = "sessions"\nat_most = 0', "`at_most` is not a whole number from 1 to 1000"),
        ('what = "sessions"\nat_most = true', "`at_most` is not a whole number"),
        ('what = "sessions"\nat_most = "3"', "`at_most` is not a whole number"),
        ('what = "sessions"\nat_most = 3\nolder_than = "1d"', "are two policies"),
        ('what = "sessions"\nat_most = 3\nof = "users"', "`of` is for chats"),
    ],
)
def test_a_wrong_entry_is_refused_by_its_number(entry: str, message: str):
    text = f'[[retention]]\nwhat = "temporary"\nolder_than = "1d"\n[[retention]]\n{entry}\n'
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith("chatkeep.toml, retention entry 2: ")
    assert message in str(caught.value)


def test_a_table_instead_of_a_list_is_refused(tmp_path):
    (tmp_path / "chatkeep.toml").write_text('[retention]\nwhat = "chats"\n')
    with pytest.raises(ConfigError, match=r"Write \[\[retention\]\]"):
        Settings.load(tmp_path)


def test_two_about_the_same_rows_are_refused():
    two = [Policy("chats", timedelta(days=n), of="users") for n in (1, 2)]
    with pytest.raises(ConfigError, match="Two retention policies are about chats of users"):
        check(two)
    assert len(check([two[0], Policy("chats", timedelta(days=1))])) == 2


def test_how_many_sessions_a_user_keeps_stands_beside_how_long():
    text = '[[retention]]\nwhat = "sessions"\nat_most = 3\n'
    (most,) = read(text)
    assert (most.label, most.age) == ("sessions beyond 3 of a user", "never")
    assert with_expiring((most,), ("sessions",)) == (most, Policy("sessions", timedelta()))
    assert len(read(text + '[[retention]]\nwhat = "sessions"\nolder_than = "7d"\n')) == 2
    with pytest.raises(ConfigError, match="about how many sessions a user has"):
        read(text + text.replace("3", "4"))


@pytest.mark.parametrize(
    ("text", "hours"), [("36h", 36), ("2w", 336), ("365d", 8760), ("0d", 0), ("0h", 0)]
)
def test_durations(text: str, hours: int):
    assert duration(text) == timedelta(hours=hours)
    assert duration(written(timedelta(hours=hours))) == timedelta(hours=hours)


def test_what_expires_is_added_where_there_is_a_table_and_no_policy():
    given = (Policy("sessions", timedelta(days=7)),)
    tables = ("sessions", "search_cache", "chats")
    assert with_expiring(given, tables) == (*given, Policy("search_cache", timedelta()))
