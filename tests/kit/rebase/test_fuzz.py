"""Random branches, merged by git: what comes out of `rebase` is both, and runs."""

import os
import random

import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.folder.soundness import folder_findings
from chatkeep.kit.migrate import migrate
from chatkeep.kit.rebase import Options, rebase
from chatkeep.kit.states import facts_of_migrations

FULL = os.environ.get("CHATKEEP_FULL") == "1"
SEEDS = range(200 if FULL else 4)


def grow(repo, chance: random.Random, branch: str, count: int) -> list[str]:
    """Write migrations whose statements need each other, but nothing of another branch."""
    written: list[str] = []
    for number in range(count):
        if written and chance.random() < 0.5:
            sql = f"alter table {branch}_{chance.choice(written)} add c{number} int;"
        else:
            sql = f"create table {branch}_{number} (id int primary key);"
            written.append(str(number))
        name = chance.choice(["change", f"{branch} {number}"])  # names may meet
        repo.add(name, sql)
    return written


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
async def test_random_branches(seed, repo, scratch, fresh_database, pg18):
    chance = random.Random(seed)
    grow(repo, chance, "main", chance.randrange(3))
    repo.git("checkout", "-q", "-b", "feature")
    grow(repo, chance, "feature", chance.randrange(1, 4))
    repo.git("checkout", "-q", "main")
    grow(repo, chance, "other", chance.randrange(1, 4))
    applied = await fresh_database(pg18)()
    first, second = chance.sample(["main", "feature"], 2)
    kept = chance.choice([first, second])
    repo.git("checkout", "-q", kept)
    mine = Folder.read(repo.folder)
    await migrate(mine, applied)
    repo.git("checkout", "-q", first)
    before = [[(m.tag, m.when, m.hash) for m in mine.migrations]]
    sides = {branch: _sqls(repo, branch) for branch in (first, second)}
    repo.git("checkout", "-q", first)
    repo.git("merge", "--no-edit", second, fails=True)
    await rebase(repo.folder, scratch, Options(kept, applied))

    folder = Folder.read(repo.folder)
    assert folder_findings(folder) == []
    kept_now = [(m.tag, m.when, m.hash) for m in folder.migrations][: len(mine.migrations)]
    assert [kept_now] == before
    shared = [sql for sql in sides[first] if sql in sides[second]]
    ours = [sql for sql in sides[second if kept == first else first] if sql not in shared]
    assert [m.sql for m in folder.migrations] == [*sides[kept], *ours]
    facts = await facts_of_migrations(folder.migrations, scratch)
    await migrate(folder, applied)
    again = await fresh_database(pg18)()
    await migrate(folder, again)
    assert await _facts(applied) == await _facts(again) == dict(facts.facts)
    repo.commit("merged")
    assert not (await rebase(repo.folder, scratch)).changed


def _sqls(repo, branch: str) -> list[str]:
    repo.git("checkout", "-q", branch)
    return [migration.sql for migration in Folder.read(repo.folder).migrations]


async def _facts(url: str) -> dict:
    from chatkeep.kit.states import facts_of_database

    return dict((await facts_of_database(url)).facts)
