"""How an error calls a database: as a person would, and never with its password."""

import pytest

from chatkeep.kit.connection import shown, where


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:geheim@db.example.com:5433/app", "db.example.com:5433/app"),
        ("postgresql://me:geheim@db.example.com/app", "db.example.com:5432/app"),
        ("postgresql://me:geheim@%2Fvar%2FRun%2Fpg/app", "/var/Run/pg:5432/app"),
        ("postgresql://%2Fvar%2Frun%2Fpg:5433/app", "/var/run/pg:5433/app"),
        ("postgresql://me:geheim@%2Fhome%2F.chatkeep%2Frun%2C/app", "/home/.chatkeep/run:5432/app"),
        ("postgresql:///app?host=/var/run/pg", "/var/run/pg:5432/app"),
        ("postgresql:///app?host=%2Fvar%2Frun%2Fpg", "/var/run/pg:5432/app"),
        ("postgresql://me@[::1]:5433/app", "[::1]:5433/app"),
        ("postgresql://me:geheim@one:1,two:2/app", "the database URL"),
        ("postgresql:///stra%C3%9Fe", "localhost:5432/straße"),
    ],
)
def test_place(url, said):
    assert where(url) == said


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:geheim@%2Fhome%2F.chatkeep%2Frun%2C/app", "app at /home/.chatkeep/run"),
        ("postgresql://me@%2Frun%2Fa%3Ab:5433/x%2Fy", "x/y at /run/a:b, port 5433"),
        ("postgresql://me:geheim@db.example.com/app", "db.example.com:5432/app"),
        ("postgresql://me:geheim@one:1,two:2/app", "the database URL"),
    ],
)
def test_title(url, said):
    assert shown(url) == said
