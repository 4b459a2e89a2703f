"""OpenTelemetry: spans and the histogram as the conventions for databases have them."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import db_attributes as young
from opentelemetry.semconv.attributes import db_attributes, error_attributes, server_attributes
from opentelemetry.semconv.metrics import db_metrics
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import bindparam, func, insert, literal_column, select, text, update

from chatkeep import (
    Chat,
    ConfigError,
    Database,
    DatabaseTimeoutError,
    EmailTakenError,
    NewMessage,
    NewUser,
    Observation,
)
from chatkeep.access.scope import UserScope
from chatkeep.engine.address import Address
from chatkeep.engine.subject import Subject
from chatkeep.integrations import opentelemetry as ours
from chatkeep.integrations.opentelemetry import instrument
from chatkeep.integrations.sql_text import without_literals
from chatkeep.presets import deepsearch

SECRET = "s3cr3t-value"


class Telemetry:
    """An SDK of its own, whose spans and metrics stay in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self.reader])
        self.tracer = self.tracer_provider.get_tracer("tests")

    @property
    def providers(self) -> dict[str, Any]:
        return {"tracer_provider": self.tracer_provider, "meter_provider": self.meter_provider}

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def metrics(self) -> list[Any]:
        data = self.reader.get_metrics_data()
        if data is None:
            return []
        return [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]

    def points(self) -> list[HistogramDataPoint]:
        return [point for metric in self.metrics() for point in metric.data.data_points]


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    made = Telemetry()
    yield made
    made.tracer_provider.shutdown()
    made.meter_provider.shutdown()


@pytest.fixture
def watched(db: Database, telemetry: Telemetry) -> Iterator[Database]:
    with instrument(db, **telemetry.providers):
        yield db


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_span_has_what_the_conventions_ask_for(
    watched: Database, mine: UserScope, chat: Chat, telemetry: Telemetry
) -> None:
    telemetry.exporter.clear()
    await mine.chats.list()
    (span,) = telemetry.spans
    assert span.name == "chats.list"
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    found = attributes(span)
    query = found.pop("db.query.text")
    assert query.startswith("SELECT x_chat.id")
    assert "$1" in query
    address, namespace = found.pop("server.address"), found.pop("db.namespace")
    assert address.startswith("/")  # the folder of a Unix socket
    assert namespace
    assert found == {
        "db.system.name": "postgresql",
        "db.operation.name": "SELECT",
        "db.collection.name": "x_chat",
        "db.query.summary": "chats.list",
        "db.response.returned_rows": 1,
    }
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "chatkeep"


def test_the_names_are_those_of_the_conventions() -> None:
    stable = {
        value
        for module in (db_attributes, error_attributes, server_attributes)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str)
    }
    told = Observation(
        "select", 0.1, 1, error=ValueError(), sqlstate="22000", sql="SELECT 1",
        address=Address("db", 6000, "app"),
    )  # fmt: skip
    found = ours._attributes(replace(told, subject=Subject("SELECT", ("t",))))
    assert len(found) == 9
    assert set(found) | {"db.query.text"} <= stable
    assert young.DB_RESPONSE_RETURNED_ROWS == "db.response.returned_rows"
    assert db_metrics.DB_CLIENT_OPERATION_DURATION == "db.client.operation.duration"


async def test_spans_are_children_of_the_callers_own(
    watched: Database, mine: UserScope, telemetry: Telemetry
) -> None:
    telemetry.exporter.clear()

    async def request(number: int) -> None:
        with telemetry.tracer.start_as_current_span(f"request {number}"):
            await mine.chats.count()
            await asyncio.sleep(0)
            await mine.chats.list()

    await asyncio.gather(*(request(number) for number in range(5)))
    requests = {s.context.span_id: s for s in telemetry.spans if s.name.startswith("request")}
    children = [span for span in telemetry.spans if span.name.startswith("chats.")]
    assert len(requests) == 5
    assert len(children) == 10
    for parent_id, parent in requests.items():
        own = [span for span in children if span.parent and span.parent.span_id == parent_id]
        assert sorted(span.name for span in own) == ["chats.count", "chats.list"]
        for span in own:
            assert span.context.trace_id == parent.context.trace_id
            assert parent.start_time is not None
            assert parent.end_time is not None
            assert span.start_time is not None
            assert span.end_time is not None
            # The start is the wall clock's end less the time by the clock that never jumps.
            assert parent.start_time - 1_000_000 <= span.start_time
            assert span.start_time < span.end_time <= parent.end_time


async def test_without_a_current_span_a_span_is_a_root(
    watched: Database, telemetry: Telemetry
) -> None:
    await watched.users.count()
    (span,) = telemetry.spans
    assert span.parent is None


async def test_times_are_those_of_the_statement(watched: Database, telemetry: Telemetry) -> None:
    before = time.time_ns()
    await watched.scalar(select(func.pg_sleep(0.2)))
    after = time.time_ns()
    (span,) = telemetry.spans
    assert span.start_time is not None
    assert span.end_time is not None
    assert before - 1_000_000 <= span.start_time
    assert span.end_time <= after
    assert span.end_time - span.start_time >= 190_000_000


async def test_an_error_of_postgresql_has_its_code_and_no_value(
    watched: Database, telemetry: Telemetry
) -> None:
    new = NewUser(email=f"{SECRET}@example.com", name=SECRET)
    await watched.users.create(new)
    with pytest.raises(EmailTakenError):
        await watched.users.create(NewUser(email=new.email))
    span = telemetry.spans[-1]
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "Another user has this e-mail address."
    found = attributes(span)
    assert found["db.response.status_code"] == found["error.type"] == "23505"
    assert "db.response.returned_rows" not in found
    assert list(span.events) == []  # recording exceptions as events is not recommended any more
    assert all(SECRET not in span.to_json() for span in telemetry.spans)
    assert SECRET not in repr(telemetry.metrics())


async def test_a_time_out_is_an_error_without_a_code(
    url: str, schema: deepsearch.Schema, telemetry: Telemetry
) -> None:
    short = timedelta(seconds=0.3)
    db = Database(schema, url, statement_timeout=short)
    with instrument(db, **telemetry.providers):  # before it is open
        async with db:
            with pytest.raises(DatabaseTimeoutError):
                await db.scalar(select(func.pg_sleep(30)))
    span = telemetry.spans[-1]
    assert span.status.status_code is StatusCode.ERROR
    assert attributes(span)["error.type"] == "chatkeep.errors.DatabaseTimeoutError"
    assert "db.response.status_code" not in attributes(span)
    assert attributes(span)["server.address"].startswith("/")


async def test_a_cancelled_statement_is_an_error(watched: Database, telemetry: Telemetry) -> None:
    task = asyncio.create_task(watched.scalar(select(func.pg_sleep(30))))
    async with asyncio.timeout(20):
        asleep = text("state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid()")
        sleepers = select(literal_column("1")).select_from(text("pg_stat_activity")).where(asleep)
        while not await watched.first(sleepers):
            await asyncio.sleep(0.01)
    telemetry.exporter.clear()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (span,) = telemetry.spans
    assert span.status.status_code is StatusCode.ERROR
    assert attributes(span)["error.type"] == "asyncio.exceptions.CancelledError"


async def test_words_of_transactions_have_spans(
    watched: Database, mine: UserScope, telemetry: Telemetry
) -> None:
    telemetry.exporter.clear()
    async with watched.transaction() as outer, outer.transaction() as tx:
        await tx.as_user(mine.user_id).chats.create(title="A")
    names = ["BEGIN", "SAVEPOINT", "chats.create", "RELEASE", "COMMIT"]
    assert [span.name for span in telemetry.spans] == names
    begin = attributes(telemetry.spans[0])
    assert begin["db.operation.name"] == begin["db.query.summary"] == begin["db.query.text"]
    assert begin["db.operation.name"] == "BEGIN"
    assert not {"db.collection.name", "db.response.returned_rows"} & begin.keys()


async def test_one_name_only_where_there_is_one(
    watched: Database, mine: UserScope, chat: Chat, telemetry: Telemetry
) -> None:
    telemetry.exporter.clear()
    message = NewMessage(role="user", content=SECRET)
    await mine.messages.append(chat.id, message, NewMessage(role="user", content="x"))
    (span,) = telemetry.spans
    assert span.name == "messages.append"  # it updates the chat and inserts the message
    assert not {"db.collection.name", "db.operation.name"} & attributes(span).keys()


async def test_own_statements_are_named_after_what_they_do(
    watched: Database, schema: deepsearch.Schema, telemetry: Telemetry
) -> None:
    users, chats = schema.users, schema.chats
    await watched.all(select(users.c.id))
    joined = select(users.c.id).join(chats, chats.c.user_id == users.c.id)
    await watched.prepare(joined.where(users.c.email == bindparam("e"))).all(e=SECRET)
    await watched.all(insert(users).values(id="1", email=f"{SECRET}@b").returning(users.c.id))
    names = ["SELECT x_user", "SELECT x_user x_chat", "INSERT x_user"]
    assert [span.name for span in telemetry.spans] == names
    assert [attributes(span)["db.query.summary"] for span in telemetry.spans] == names
    assert all(SECRET not in span.to_json() for span in telemetry.spans)


async def test_rows_that_were_written_are_not_rows_that_came(
    watched: Database, schema: deepsearch.Schema, telemetry: Telemetry
) -> None:
    users = schema.users
    await watched.copy(users, [{"id": "1", "email": "a@b"}, {"id": "2", "email": "c@d"}])
    await watched.execute(update(users).values(name="x"))
    await watched.all(update(users).values(name="y").returning(users.c.id))
    by_name = {span.name: attributes(span) for span in telemetry.spans[:2]}
    assert by_name.keys() == {"COPY x_user", "UPDATE x_user"}
    assert all("db.response.returned_rows" not in found for found in by_name.values())
    assert attributes(telemetry.spans[2])["db.response.returned_rows"] == 2


async def test_a_stream_has_a_span_for_each_part(
    watched: Database, schema: deepsearch.Schema, telemetry: Telemetry
) -> None:
    users = schema.users
    await watched.copy(users, [{"id": str(n), "email": f"{n}@b"} for n in range(5)])
    telemetry.exporter.clear()
    assert len([row async for row in watched.stream(select(users.c.id), batch=2)]) == 5
    parts = [span for span in telemetry.spans if span.name == "SELECT x_user"]
    assert [attributes(span)["db.response.returned_rows"] for span in parts] == [2, 2, 1]


async def test_literals_in_the_sql_are_not_shown(watched: Database, telemetry: Telemetry) -> None:
    await watched.all(select(literal_column(f"'{SECRET}'").label("x"), literal_column("4711")))
    (span,) = telemetry.spans
    assert attributes(span)["db.query.text"] == "SELECT ? AS x, ?"


async def test_the_histogram_is_that_of_the_conventions(
    watched: Database, mine: UserScope, telemetry: Telemetry
) -> None:
    telemetry.exporter.clear()
    await mine.chats.list()
    with pytest.raises(EmailTakenError):
        await watched.users.create(NewUser(email="user@example.com"))
    (metric,) = telemetry.metrics()
    assert (metric.name, metric.unit) == ("db.client.operation.duration", "s")
    points = {point.attributes["db.query.summary"]: point for point in metric.data.data_points}
    listed = points["chats.list"]
    bounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
    assert list(listed.explicit_bounds) == bounds
    assert listed.count == 1
    span = telemetry.spans[0]
    assert span.end_time is not None
    assert span.start_time is not None
    assert abs(listed.sum - (span.end_time - span.start_time) / 1e9) < 1e-6
    assert "error.type" not in listed.attributes
    failures = [p for p in telemetry.points() if "error.type" in (p.attributes or {})]
    assert [p.attributes["error.type"] for p in failures if p.attributes] == ["23505"]
    for point in telemetry.points():
        assert "db.query.text" not in (point.attributes or {})
        assert (point.attributes or {})["db.system.name"] == "postgresql"


def test_the_port_is_told_where_it_is_not_the_usual_one(
    schema: deepsearch.Schema, telemetry: Telemetry
) -> None:
    db = Database(schema, "postgresql://localhost/x")
    told = Observation("users.count", 0.001, 1, ended=time.time_ns())
    with instrument(db, **telemetry.providers):
        for port in (5432, 6432, None):
            db._observers.tell(replace(told, address=Address("db", port, "app")))
    ports = [attributes(span).get("server.port") for span in telemetry.spans]
    assert ports == [None, 6432, None]


async def test_nothing_is_written_after_the_end(db: Database, telemetry: Telemetry) -> None:
    with instrument(db, **telemetry.providers) as remove:
        await db.users.count()
        remove()
        await db.users.count()
    remove()
    await db.users.count()
    assert [span.name for span in telemetry.spans] == ["users.count"]
    with instrument(db, **telemetry.providers):  # and it can begin again
        await db.users.count()
    assert len(telemetry.spans) == 2


async def test_twice_is_refused(watched: Database, telemetry: Telemetry) -> None:
    with pytest.raises(ConfigError, match="instrumented already"):
        instrument(watched, **telemetry.providers)


async def test_without_an_sdk_nothing_happens(db: Database) -> None:
    with instrument(db):
        assert await db.users.count() == 0


def test_without_the_extra_the_error_names_it() -> None:
    script = (
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "import chatkeep.database\n"
        "from chatkeep.errors import ConfigError\n"
        "try:\n"
        "    import chatkeep.integrations.opentelemetry\n"
        "except ConfigError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "chatkeep[otel]" in done.stdout


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("select $1::int, x2 from t1", "select $1::int, x2 from t1"),
        ("select 'a''b', E'a\\'b', 1.5e-3, 0xFF, .5 from t", "select ?, ?, ?, ?, ? from t"),
        ("""select "it's 5", 'x' from "a ""b'"\n""", """select "it's 5", ? from "a ""b'\""""),
        ("select $$a'b$$, $x$ $$ $x$, $1", "select ?, ?, $1"),
        ("select 1 -- secret\nfrom t", "select ?  \nfrom t"),
        ("select /* a /* b */ secret */ 2", "select   ?"),
        (r"select 'a\', 'secret'", "select ?, ?"),
        ("select U&'d\\0061t', b'01', x'1F', N'a'", "select ?, ?, ?, ?"),
        ("select 'never ends", "select ?"),
        ("select date '2020-01-01', interval '1 day'", "select date ?, interval ?"),
        ("limit 5 offset 1_000", "limit ? offset ?"),
    ],
)
def test_literals_become_question_marks(sql: str, shown: str) -> None:
    assert without_literals(sql) == shown
