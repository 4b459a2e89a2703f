"""The least that a one-row query can cost here: PostgreSQL's own pgbench, in C, prepared."""

import os
import statistics
import subprocess
import tempfile
from pathlib import Path

from benchmarks.data import Size
from benchmarks.sql import USER_BY_EMAIL

from chatkeep.errors import BinariesNotFoundError
from chatkeep.server import EmbeddedServer

_SECONDS = 2
_SCRIPT = "\\set n random(0, {last})\n{sql};\n"


def floor(own: EmbeddedServer, database: str, size: Size, cores: str) -> float | None:
    """Give the median of user by e-mail in µs; None where this PostgreSQL has no pgbench."""
    postmaster = own.status().pid
    try:
        program = own.binaries().program("pgbench")
    except BinariesNotFoundError:
        return None
    if postmaster is None:
        return None
    sql = USER_BY_EMAIL.replace("$1::text", "'user' || :n || '@example.com'")
    with tempfile.TemporaryDirectory(prefix="ckb-") as folder:
        script = Path(folder) / "script.sql"
        script.write_text(_SCRIPT.format(last=size.users - 1, sql=sql), encoding="utf-8")
        line = [program, "--no-vacuum", "--protocol=prepared", f"--time={_SECONDS}", "-f", script]
        line += ["--log", f"--log-prefix={folder}/log"]
        before, parent = os.sched_getaffinity(0), os.sched_getaffinity(postmaster)
        if cores == "shared":  # both programs that start now inherit it
            one = {min(before)}
            os.sched_setaffinity(0, one)
            os.sched_setaffinity(postmaster, one)
        try:
            environment = {**os.environ, **own.client_environment(database)}
            subprocess.run(line, env=environment, capture_output=True, check=True)
        finally:
            os.sched_setaffinity(0, before)
            os.sched_setaffinity(postmaster, parent)
        (log,) = Path(folder).glob("log.*")
        return statistics.median(int(entry.split()[2]) for entry in log.open(encoding="ascii"))
