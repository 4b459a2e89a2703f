"""Nearest messages of one user among everybody's: each compared, or by the HNSW index.

    ./dev run python -m benchmarks.hybrid postgresql://… [--messages 200000]

The database is emptied. It needs pgvector. A quarter of the messages is one user's, a fortieth
another one's, a four-hundredth a third one's; the rest is users of 100. A vector is the sum of six
of 400 random ones, of which each user has some, and a little noise. Times are those of whole calls.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import asyncpg

from chatkeep import Database
from chatkeep.access.embedding_queries import EmbeddingQueries, embedding_queries
from chatkeep.access.hybrid import CANDIDATES, apart
from chatkeep.access.rows import Rows
from chatkeep.database.creation import create_tables
from chatkeep.engine.compile import control_statement
from chatkeep.engine.run import Runner
from chatkeep.presets import deepsearch
from chatkeep.records.deepsearch import Message

QUESTIONS = 20
DIMENSIONS = 384
# The index does not go on until it has enough of the user's own: what a plain WHERE user_id = gives.
PLAIN = control_statement("plain", "SELECT set_config('hnsw.iterative_scan', 'off', true)")

FILL = f"""
CREATE UNLOGGED TABLE owner AS
SELECT n, CASE WHEN n % 4 = 0 THEN 'quarter' WHEN n % 40 = 1 THEN 'fortieth'
          WHEN n % 400 = 2 THEN 'some' ELSE 'user' || n / 105 END AS id
FROM generate_series(1, $messages) n;
CREATE UNLOGGED TABLE base AS
SELECT n, (SELECT array_agg(random() - 0.5) FROM generate_series(1, {DIMENSIONS} + n * 0))::vector AS v
FROM generate_series(0, 399) n;
INSERT INTO x_user (id, email) SELECT DISTINCT id, id || '@example.com' FROM owner;
INSERT INTO x_chat (id, user_id, title) SELECT 'chat_' || id, id, 'Chat' FROM x_user;
INSERT INTO x_message (id, chat_id, user_id, role, content)
SELECT 'msg_' || n, 'chat_' || id, id, 'user', repeat('so many words ', 30) || n FROM owner;
INSERT INTO x_message_embedding (user_id, message_id, model, content_hash, embedding)
SELECT o.id, 'msg_' || o.n, 'benchmark', '', (
    SELECT sum(v) FROM base WHERE base.n IN (
        SELECT (abs(hashtext(o.id)) + floor(random() * 40)::int + k * 53) % 400
        FROM generate_series(1, 6 + o.n * 0) k)
) + (SELECT array_agg((random() - 0.5) * 0.5) FROM generate_series(1, {DIMENSIONS} + o.n * 0))::vector
FROM owner o ORDER BY hashint4(o.n);
DROP TABLE owner, base;
"""

Ask = Callable[[dict[str, object]], Awaitable[list[str]]]


class BenchmarkSchema(deepsearch.Schema):
    """The preset with embeddings."""

    message_embeddings = deepsearch.embeddings(DIMENSIONS, model="benchmark")


async def load(schema: BenchmarkSchema, url: str, messages: int) -> None:
    """Fill an empty database; indexes come last."""
    connection = await asyncpg.connect(url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await create_tables(schema, url)
    indexes = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef ~ 'USING (hnsw|gin)'"
    )
    for name, _ in indexes:
        await connection.execute(f"DROP INDEX {name}")
    await connection.execute(FILL.replace("$messages", str(messages)), timeout=3600)
    await connection.execute("SET maintenance_work_mem = '1GB'")
    for name, definition in indexes:
        start = time.perf_counter()
        await connection.execute(definition, timeout=3600)
        print(f"{name}: built in {time.perf_counter() - start:.0f} s", flush=True)
    await connection.execute("VACUUM ANALYZE", timeout=3600)
    size = await connection.fetchval(
        "SELECT pg_size_pretty(pg_relation_size('x_message_embedding_embedding_idx'))"
    )
    print(f"the HNSW index takes {size}")
    await connection.close()


async def measure(schema: BenchmarkSchema, url: str) -> None:
    """Print a row for each user and way."""
    rows = Rows("messages", schema.messages, Message)
    queries = embedding_queries(schema, rows, is_scoped=True)
    connection = await asyncpg.connect(url)
    print("| messages of the user | way | median, ms | p95, ms | of the nearest 200 |")
    print("|---|---|---|---|---|")
    async with Database(schema, url) as db:
        runner = db.as_user("quarter").ground[0]
        for user in ("user3", "some", "fortieth", "quarter"):
            own = "FROM x_message_embedding WHERE user_id = $1"
            count = await connection.fetchval(f"SELECT count(*) {own}", user)
            vectors = await connection.fetch(
                f"SELECT embedding::text {own} ORDER BY md5(message_id) LIMIT {QUESTIONS}", user
            )
            truth: list[set[str]] = []
            for way, ask in ways(queries, runner).items():
                seconds: list[float] = []
                found: list[set[str]] = []
                for (vector,) in vectors:
                    start = time.perf_counter()
                    values = {"user_id": user, "vector": vector, "limit": CANDIDATES}
                    found.append(set(await ask(values)))
                    seconds.append(time.perf_counter() - start)
                truth = truth or found
                share = statistics.mean(
                    len(a & b) / len(b) for a, b in zip(found, truth, strict=True)
                )
                median, p95 = statistics.median(seconds), sorted(seconds)[-2]
                print(f"| {count} | {way} | {median * 1e3:.1f} | {p95 * 1e3:.1f} | {share:.0%} |")
    await connection.close()


def ways(queries: EmbeddingQueries, runner: Runner) -> dict[str, Ask]:
    """Give what is compared; the first one is exact."""

    async def each(values: dict[str, object]) -> list[str]:
        return await queries.nearest.all(runner, values)

    async def indexed(values: dict[str, object]) -> list[str]:
        async with apart(runner) as inside:
            await queries.settings.first(inside, {})
            return await queries.nearest_indexed.all(inside, values)

    async def plain(values: dict[str, object]) -> list[str]:
        async with apart(runner) as inside:
            await queries.settings.first(inside, {})
            await inside.fetch(PLAIN, [])
            return await queries.nearest_indexed.all(inside, values)

    return {"each compared": each, "the index, as chatkeep asks it": indexed, "plain index": plain}


def main() -> None:
    """Read the words of the command line, load and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--loaded", action="store_true", help="measure what a run before loaded")
    words = parser.parse_args()
    schema = BenchmarkSchema("x_")
    if not words.loaded:
        asyncio.run(load(schema, words.url, words.messages))
    asyncio.run(measure(schema, words.url))


if __name__ == "__main__":
    main()
