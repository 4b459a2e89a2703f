"""Which peers there are, and how each one's process is started."""

import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks import environment, patterns


class PeerInfo(NamedTuple):
    """One peer.

    Attributes:
        name: As `--peers` takes it.
        title: What tables say.
        home: Where it runs: this project's environment, the benchmarks' one, or Node.
        module: Python module, or file of Node with its arguments.
    """

    name: str
    title: str
    home: str
    module: str


PEERS = (
    PeerInfo("asyncpg", "asyncpg, bare", "project", "asyncpg_bare"),
    PeerInfo("chatkeep", "chatkeep", "project", "chatkeep_peer"),
    PeerInfo("psycopg", "psycopg 3, bare", "bench", "psycopg_bare"),
    PeerInfo("sqlalchemy-core", "SQLAlchemy Core", "bench", "sqlalchemy_core"),
    PeerInfo("sqlalchemy-orm", "SQLAlchemy ORM", "bench", "sqlalchemy_orm"),
    PeerInfo("sqlmodel", "SQLModel", "bench", "sqlmodel_orm"),
    PeerInfo("tortoise", "Tortoise", "bench", "tortoise_orm"),
    PeerInfo("piccolo", "Piccolo", "bench", "piccolo_orm"),
    PeerInfo("django", "Django ORM", "bench", "django_orm"),
    PeerInfo("postgresjs", "postgres.js, bare", "node", "postgresjs.ts"),
    PeerInfo("drizzle-prepared", "Drizzle, prepared", "node", "drizzle_prepared.ts pg"),
    PeerInfo(
        "drizzle-prepared-js", "Drizzle, prepared (text)", "node", "drizzle_prepared.ts postgres"
    ),
    PeerInfo("drizzle", "Drizzle", "node", "drizzle.ts"),
    PeerInfo("prisma", "Prisma", "node", "prisma.ts"),
)
BY_NAME = {peer.name: peer for peer in PEERS}


def command(
    peer: PeerInfo, url: str, connections: int, *, uvloop: bool = False
) -> tuple[list[str], Path]:
    """Give the command line of a peer's process, and the folder to start it in.

    uvloop is in the benchmarks' environment alone, so chatkeep runs there too when it is wanted.
    """
    if peer.home == "node":
        file, *words = peer.module.split()
        line = ["node", "--import", "tsx", file, url, str(connections), *words]
        return line, environment.node()
    is_ours = peer.home == "project" and not uvloop
    interpreter = sys.executable if is_ours else str(environment.python())
    module = f"benchmarks.peers.{peer.module}"
    line = [interpreter, "-m", "benchmarks.worker", module, url, str(connections)]
    return line, environment.ROOT


def process_environment(*, uvloop: bool) -> dict[str, str]:
    """Give the environment variables of a peer's process."""
    words = {
        "title": patterns.TITLE,
        "first_role": patterns.FIRST_ROLE,
        "first_content": patterns.FIRST_CONTENT,
        "said": patterns.SAID,
        "ten": [patterns.said(number) for number in range(10)],
    }
    own = {
        "NODE_ENV": "production",
        "PYTHONWARNINGS": "ignore",
        "BENCH_WORDS": json.dumps(words),  # for the peers that cannot read patterns.py
    }
    if uvloop:
        own |= {"BENCH_UVLOOP": "1", "PYTHONPATH": str(environment.ROOT / "src")}
    return {**os.environ, **own}
