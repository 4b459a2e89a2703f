"""More databases on one embedded server."""

import asyncpg
import pytest

from chatkeep.errors import ServerError, ServerNotRunningError


async def test_a_database_is_made_once(server):
    with server.acquire():
        url = server.create_database("second_1")
        assert server.create_database("second_1") == url == server.url("second_1")
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("select current_database()") == "second_1"
        await connection.close()


@pytest.mark.parametrize("name", ["", "1st", "Second", 'a"; drop', "a-b", "a" * 64])
def test_a_name_that_would_need_quotes_is_refused(server, name):
    with pytest.raises(ServerError, match="lower-case letters"):
        server.create_database(name)


def test_a_server_that_is_down_is_told(server):
    with pytest.raises(ServerNotRunningError, match="chatkeep db start"):
        server.create_database("second")
    server.acquire().close()
    server.stop()
    with pytest.raises(ServerNotRunningError, match="chatkeep db start"):
        server.create_database("second")
