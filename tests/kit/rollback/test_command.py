"""`chatkeep rollback` as a command."""

import json
import os
import subprocess
import sys

import pytest
from sqlalchemy import Column, Text

from kit.rollback.conftest import name, users


@pytest.fixture
def chatkeep(project, tmp_path):
    (tmp_path / "chatkeep.toml").write_text('migrations = "drizzle"\n')

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "chatkeep", "rollback", *words],
            cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
            env={**os.environ, "DATABASE_URL": project.url},
        )  # fmt: skip

    return run


def test_two_ways_to_say_how_far_are_wrong_usage(chatkeep):
    run = chatkeep("--to", "0000", "--steps", "1")
    assert (run.returncode, run.stdout) == (2, "")
    assert "give one of them" in run.stderr
    assert chatkeep("--steps", "0").returncode == 2


async def test_reports_as_json(project, chatkeep):
    await project.up(users())
    second = await project.up(users(name(), Column("bio", Text)))
    await project.run("insert into x_user values (1, 'Ada', null)")
    refused = chatkeep("--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["code"] == "rows_in_the_way"
    assert "Ada" not in refused.stdout + refused.stderr
    dry = chatkeep("--dry-run", "--json")
    assert dry.returncode == 0
    tag = project.folder.migrations[1].tag
    losses = [
        {"what": "column public.x_user.bio with its values", "rows": 0},
        {"what": "column public.x_user.name with its values", "rows": 1},
    ]
    document = json.loads(dry.stdout)
    assert sorted(document["loses"][tag], key=lambda loss: loss["what"]) == losses
    assert [row["tag"] for row in document["would_revert"]] == [tag]
    assert 'DROP COLUMN "name"' in document["would_revert"][0]["sent"]
    assert project.dump() == second
    done = chatkeep("--accept-data-loss", "--json")
    assert [row["tag"] for row in json.loads(done.stdout)["reverted"]] == [tag]
    assert json.loads(done.stdout)["left"] == 1
    assert project.dump() != second
