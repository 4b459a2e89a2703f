"""The test servers themselves: everything else leans on them."""

import asyncpg


async def test_pg_gives_a_server_of_the_asked_version(pg):
    connection = await asyncpg.connect(pg.admin_url)
    version = await connection.fetchval("show server_version_num")
    await connection.close()
    assert version[:2] == pg.version


async def test_database_url_is_empty_and_ours(database_url):
    connection = await asyncpg.connect(database_url)
    tables = await connection.fetchval(
        "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
    )
    await connection.close()
    assert tables == 0


async def test_fresh_database_clones_a_template(pg, fresh_database):
    new = fresh_database(pg)
    first = await new()
    connection = await asyncpg.connect(first)
    await connection.execute("create table marked (id int primary key)")
    await connection.close()
    second = await new(template=new.names[0])
    connection = await asyncpg.connect(second)
    found = await connection.fetchval("select to_regclass('marked') is not null")
    await connection.close()
    assert found
