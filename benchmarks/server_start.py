"""How long the embedded server takes to start: `python benchmarks/server_start.py [ROUNDS]`.

Cold is initdb, start and the default database; warm is a start on existing data; shared is one
more lease on a running server. Each time ends with an answered query. Compare on one machine only.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from chatkeep.server import EmbeddedServer, find_binaries


def seconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    times: dict[str, list[float]] = {"cold": [], "warm": [], "shared": [], "stop": []}
    with tempfile.TemporaryDirectory(prefix="ckb-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedServer(Path(folder) / ".chatkeep")
        for _ in range(rounds):
            times["cold"].append(seconds(server.start))
            times["shared"].append(seconds(lambda: server.acquire().close()))
            times["stop"].append(seconds(server.stop))
            times["warm"].append(seconds(server.start))
            server.reset(force=True)
    print(f"PostgreSQL {find_binaries().version}, {rounds} rounds, seconds")
    for name, values in times.items():
        print(f"{name:8} median {statistics.median(values):.3f}   worst {max(values):.3f}")


if __name__ == "__main__":
    main()
