"""Through PgBouncer in transaction mode: refused with a word, and nothing is left there."""

import pytest

from chatkeep.errors import MigrationError
from chatkeep.kit.folder.reading import Folder
from chatkeep.kit.migrate import dry_run, migrate
from chatkeep.kit.status import status


@pytest.mark.needs("pgbouncer")
async def test_pooler_is_told_and_the_direct_url_asked_for(
    folder_of, database_url, pgbouncer, rows
):
    folder = Folder.read(folder_of("create table a ()"))
    url = pgbouncer.url(database_url.split("@/")[1].split("?", maxsplit=1)[0])
    for work in (migrate, dry_run):
        with pytest.raises(MigrationError) as caught:
            await work(folder, url)
        assert str(caught.value) == (
            "This URL leads through a connection pooler, where a migration lock cannot be held. "
            "Give the direct URL of PostgreSQL (`--url`); many services call it the direct or "
            "non-pooling one."
        )
    assert await rows(database_url, "select 1 from pg_locks where locktype = 'advisory'") == []
    assert await rows(database_url, "select 1 from pg_namespace where nspname = 'drizzle'") == []
    assert len((await migrate(folder, database_url)).applied) == 1
    assert [line.state for line in (await status(folder, url)).lines] == ["applied"]
