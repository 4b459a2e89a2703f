"""Policies, grants and the role are migrations like anything else."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from chatkeep import ConfigError, Database, NewUser
from chatkeep.kit.check import check
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.push import Options as PushOptions
from chatkeep.kit.push import push
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import target_of
from chatkeep.presets import deepsearch, maps
from fixtures.servers import Databases, PgServer
from security.places import OWNER, owned_database

Fresh = Callable[[PgServer], Databases]
LONG = pytest.mark.skipif(not os.environ.get("CHATKEEP_FULL"), reason="long: CHATKEEP_FULL=1")
PLAIN = deepsearch.schema(prefix="x_")
BOUND = deepsearch.schema(prefix="x_", security="rls", app_role="migrated_app")


async def fetch(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def grow(
    pg: PgServer, folder: Path, schema: object, name: str, *, safe: bool = False
) -> list[str]:
    """Generate, and give the names of what was written."""
    scratch = Scratch(pg.admin_url)
    found = await generate(folder, target_of(schema), scratch, Options(name=name, safe=safe))
    assert not found.irreversible
    return [path.name for path in found.paths]


async def standing(url: str) -> list[tuple[object, ...]]:
    return await fetch(
        url,
        "SELECT 'policy', tablename::text, policyname::text, roles::text, qual FROM pg_policies"
        " UNION ALL SELECT 'forced', relname, '', '', '' FROM pg_class"
        " WHERE relrowsecurity AND relforcerowsecurity"
        " UNION ALL SELECT 'grant', table_name, privilege_type, grantee, ''"
        " FROM information_schema.role_table_grants WHERE grantee = 'migrated_app' ORDER BY 1, 2, 3",
    )


@pytest.mark.parametrize("safe", [False, pytest.param(True, marks=LONG)], ids=["plain", "safe"])
async def test_a_plain_owner_takes_a_database_there_and_back(
    pg: PgServer, fresh_database: Fresh, tmp_path: Path, safe: bool
) -> None:
    url, folder = await owned_database(pg, fresh_database(pg)), tmp_path / "drizzle"
    await grow(pg, folder, PLAIN, "first")
    await migrate(Folder.read(folder), url)
    async with Database(PLAIN, url) as db:
        user = await db.users.create(NewUser(email="a@example.com"))
        await db.as_user(user.id).chats.create(title="kept")
    names = await grow(pg, folder, BOUND, "rls", safe=safe)
    assert len(names) == (2 if safe else 1)  # and not the stages of an upgrade
    assert (folder / names[0]).read_text().count("CREATE ROLE") == 1
    assert await grow(pg, folder, BOUND, "again") == []
    await migrate(Folder.read(folder), url)
    report = await check(Folder.read(folder), target_of(BOUND), Scratch(pg.admin_url), url=url)
    assert not report.findings
    await fetch(pg.admin_url, f'GRANT "migrated_app" TO {OWNER}')  # the scratch's superuser made it
    async with Database(BOUND, url) as db:
        mine = db.as_user(user.id)
        assert [chat.title for chat in (await mine.chats.list()).items] == ["kept"]
        assert await db.chats.count() == 1
    found = await standing(url)
    assert len([row for row in found if row[0] == "policy"]) == 2 * 12
    back = await grow(pg, folder, PLAIN, "back")
    assert "ROLE" not in (folder / back[0]).read_text()
    await migrate(Folder.read(folder), url)
    assert await standing(url) == []
    async with Database(PLAIN, url) as db:
        assert await db.as_user(user.id).chats.count() == 1


async def test_a_push_makes_it_and_finds_nothing_more(pg: PgServer, fresh_database: Fresh) -> None:
    url, scratch = await owned_database(pg, fresh_database(pg)), Scratch(pg.admin_url)
    first = await push(url, target_of(BOUND), scratch, PushOptions())
    assert [s.kind for s in first.statements].count("policy") == 2 * 12
    assert not (await push(url, target_of(BOUND), scratch, PushOptions())).statements


async def test_on_a_server_that_never_saw_the_role_the_migration_makes_it(
    pg: PgServer, fresh_database: Fresh, tmp_path: Path
) -> None:
    """What `generate` wrote runs where nobody has made the role, and the login may take it on."""
    schema = deepsearch.schema(prefix="x_", security="rls", app_role="unheard_of")
    folder, databases = tmp_path / "drizzle", fresh_database(pg)
    await grow(pg, folder, schema, "first")
    await fetch(pg.admin_url, "DROP ROLE unheard_of")
    url = await owned_database(pg, databases)
    await migrate(Folder.read(folder), url)
    async with Database(schema, url) as db:
        assert await db.as_user("nobody").chats.count() == 0
    await databases.drop()
    await fetch(pg.admin_url, "DROP ROLE unheard_of")


async def test_an_owner_that_may_make_no_roles_uses_one_that_is_there(
    pg: PgServer, fresh_database: Fresh, tmp_path: Path
) -> None:
    folder = tmp_path / "drizzle"
    await grow(pg, folder, BOUND, "first")
    await fetch(
        pg.admin_url,
        "DO $$ BEGIN CREATE ROLE humble LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    )
    await fetch(pg.admin_url, "GRANT migrated_app TO humble")
    url = await owned_database(pg, fresh_database(pg))
    name = url.rpartition("?")[0].rpartition("/")[2]
    await fetch(pg.admin_url, f'ALTER DATABASE "{name}" OWNER TO humble')
    url = re.sub("//[^@]+@", "//humble@", url)
    await migrate(Folder.read(folder), url)
    async with Database(BOUND, url) as db:
        assert await db.as_user("nobody").chats.count() == 0
        assert await db.chats.count() == 0


@LONG
async def test_the_seed_gets_there_by_the_stages(
    pg: PgServer, fresh_database: Fresh, tmp_path: Path
) -> None:
    folder, url = tmp_path / "drizzle", await owned_database(pg, fresh_database(pg))
    await grow(pg, folder, deepsearch.schema(prefix="x_", edition="seed"), "seed")
    found = await generate(folder, target_of(BOUND), Scratch(pg.admin_url), Options())
    assert len(found.paths) == 4
    await migrate(Folder.read(folder), url)
    assert len([row for row in await standing(url) if row[0] == "policy"]) == 2 * 12


async def test_the_maps_preset_has_it_too(pg18: PgServer, fresh_database: Fresh) -> None:
    schema, url = maps.schema(prefix="m_", security="rls"), await fresh_database(pg18)()
    scratch = Scratch(pg18.admin_url)
    assert (await push(url, target_of(schema), scratch, PushOptions())).statements
    policies = await fetch(url, "SELECT tablename::text, policyname::text FROM pg_policies")
    assert sorted(policies) == [
        (table, policy)
        for table in ("m_accounts", "m_sessions", "m_users")
        for policy in ("own", "trusted")
    ]


@pytest.mark.parametrize("name", ["", "none", "public", "pg_reader", "x" * 64])
def test_a_name_that_no_role_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="role"):
        deepsearch.schema(security="rls", app_role=name)


def test_a_role_without_security_is_refused() -> None:
    with pytest.raises(ConfigError, match="security"):
        deepsearch.schema(app_role="app")
    given: Any = "RLS"
    with pytest.raises(ConfigError, match="security"):
        deepsearch.schema(security=given)
