"""Spans and a histogram of every statement, by OpenTelemetry's conventions for databases.

Needs the extra: `pip install chatkeep[otel]`. What is written down is in
`docs/how-to/observability.md`; the conventions are those of
https://opentelemetry.io/docs/specs/semconv/db/, stable since version 1.33.
"""

from contextlib import ExitStack
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self, TypeAlias
from weakref import WeakSet

from chatkeep.database import Database
from chatkeep.engine.observe import Observation
from chatkeep.errors import ChatkeepError, ConfigError
from chatkeep.integrations.sql_text import without_literals

try:
    from opentelemetry import metrics, trace
except ImportError as exc:
    raise ConfigError(
        "Spans and metrics need OpenTelemetry's API, which is not installed.",
        hint="pip install 'chatkeep[otel]'",
    ) from exc

AnyDatabase: TypeAlias = Database[Any, Any, Any, Any]

_SCHEMA_URL = "https://opentelemetry.io/schemas/1.33.0"
_DEFAULT_PORT = 5432
_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)  # the conventions' own, in seconds

_instrumented: WeakSet[AnyDatabase] = WeakSet()


class Instrumentation:
    """What `instrument` gives: call it, or leave its `with` block, to take the watcher away."""

    def __init__(self, db: AnyDatabase, telemetry: "Telemetry") -> None:
        self._stack = ExitStack()
        self._stack.enter_context(db.observe(telemetry))
        _instrumented.add(db)
        self._stack.callback(_instrumented.discard, db)

    def __call__(self) -> None:
        """Write nothing down from now on; a second call does nothing."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self()


def instrument(
    db: AnyDatabase,
    *,
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
) -> Instrumentation:
    """Write a span and a duration for every statement of a database, words of transactions too.

    A span is a child of the span that was current where the call was awaited. It lasts from sending
    to the answer: waiting for a free connection is not in it. A statement that chatkeep sends again,
    since its connection broke, has a span for each time.

        with instrument(db):
            ...

        remove = instrument(db)

    Args:
        db: A database, open or not.
        tracer_provider: Where spans go; None takes the process's own.
        meter_provider: Where durations go; None takes the process's own.

    Raises:
        ConfigError: It is instrumented already: every statement would be counted twice.
    """
    if db in _instrumented:
        raise ConfigError(
            "This Database is instrumented already.",
            hint="Keep what instrument() gave, and call it first.",
        )
    release = version("chatkeep")
    tracer = trace.get_tracer("chatkeep", release, tracer_provider, _SCHEMA_URL)
    meter = metrics.get_meter("chatkeep", release, meter_provider, _SCHEMA_URL)
    return Instrumentation(db, Telemetry(tracer, meter))


class Telemetry:
    """The watcher: an observation becomes a span and an entry of the histogram."""

    def __init__(self, tracer: trace.Tracer, meter: metrics.Meter) -> None:
        self._tracer = tracer
        self._duration = meter.create_histogram(
            "db.client.operation.duration",
            unit="s",
            description="Duration of database client operations.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )

    def __call__(self, told: Observation) -> None:
        """Write one statement down."""
        attributes = _attributes(told)
        self._duration.record(told.seconds, attributes)
        # A sampler sees only what is there at the start, so everything known is.
        span = self._tracer.start_span(
            told.title,
            kind=trace.SpanKind.CLIENT,
            attributes={**attributes, "db.query.text": without_literals(told.sql)},
            start_time=told.ended - round(told.seconds * 1e9),
            record_exception=False,
        )
        if told.error is not None:
            # Only errors of ours are known to repeat no value.
            text = str(told.error) if isinstance(told.error, ChatkeepError) else None
            span.set_status(trace.StatusCode.ERROR, text)
        elif _gives_rows(told):
            span.set_attribute("db.response.returned_rows", told.rows)
        span.end(told.ended)


def _attributes(told: Observation) -> dict[str, str | int]:
    """Give what span and histogram share."""
    subject, address = told.subject, told.address
    found: dict[str, str | int | None] = {
        "db.system.name": "postgresql",
        "db.namespace": address.database,
        "db.operation.name": subject.operation or None,
        "db.collection.name": subject.tables[0] if len(subject.tables) == 1 else None,
        "db.query.summary": told.title,
        "db.response.status_code": told.sqlstate or None,
        "error.type": _error_type(told),
        "server.address": address.host,
        "server.port": None if address.port == _DEFAULT_PORT else address.port,
    }
    return {name: value for name, value in found.items() if value is not None}


def _gives_rows(told: Observation) -> bool:
    """Tell whether `rows` are those of the answer, and not those that were written."""
    writes = told.subject.operation in {"INSERT", "UPDATE", "DELETE", "COPY"}
    return not told.control and (not writes or "RETURNING" in told.sql)


def _error_type(told: Observation) -> str | None:
    """PostgreSQL's code where it gave one, or the class that the caller gets."""
    if told.error is None:
        return None
    kind = type(told.error)
    return told.sqlstate or f"{kind.__module__}.{kind.__qualname__}"
