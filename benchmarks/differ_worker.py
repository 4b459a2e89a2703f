"""Alembic and migra, in an environment of their own: SQL from one database to another.

Reads lines of JSON `{"tool", "old", "new"}` and answers each with `{"sql"}` or `{"error"}`.
"""

import io
import json
import sys

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from migra import Migration
from sqlalchemy import MetaData, create_engine, inspect
from sqlbag import S

ALL = {"compare_type": True, "compare_server_default": True, "include_schemas": True}


def alembic(old: str, new: str, **options: object) -> str:
    """What autogenerate finds, with the new database's tables as the models."""
    before, after = create_engine(_psycopg2(old)), create_engine(_psycopg2(new))
    models = MetaData()
    schemas = [None]
    if options:
        names = inspect(after).get_schema_names()
        schemas += [name for name in names if name not in {"public", "information_schema"}]
    for schema in schemas:
        models.reflect(after, schema=schema)
    with before.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={**options, "target_metadata": models}
        )
        script = produce_migrations(context, models)
        render_python_code(script.upgrade_ops)  # what cannot be written down is refused here
    text = io.StringIO()
    writer = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": text}
    )
    operations = Operations(writer)
    _invoke(script.upgrade_ops, operations)
    after.dispose()
    before.dispose()
    return text.getvalue()


def _invoke(container: ops.OpContainer, operations: Operations) -> None:
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            _invoke(operation, operations)
        else:
            operations.invoke(operation)


def migra(old: str, new: str) -> str:
    """What migra writes, drops allowed."""
    with S(_psycopg2(old)) as before, S(_psycopg2(new)) as after:
        found = Migration(before, after)
        found.set_safety(False)
        found.add_all_changes(privileges=True)
        return str(found.sql)


def _psycopg2(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg2://")


TOOLS = {
    "Alembic": alembic,
    "Alembic, every option": lambda old, new: alembic(old, new, **ALL),
    "migra": migra,
}


for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = {"sql": TOOLS[asked["tool"]](asked["old"], asked["new"])}
    except Exception as exc:  # noqa: BLE001 - whatever stops a tool is its answer
        answer = {"error": f"{type(exc).__name__}: {exc}"[:200]}
    print(json.dumps(answer), flush=True)
