"""The SQL that makes a schema on an empty database."""

from collections.abc import Sequence

from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from chatkeep.schema.schema import Extra

_DIALECT = postgresql.dialect()


def create_statements(metadata: MetaData, extras: Sequence[Extra] = ()) -> list[str]:
    """List the statements that make the tables and extras, in an order that works."""
    statements = [_trimmed(extra) for extra in extras if extra.before_tables]
    for table in metadata.sorted_tables:
        statements.append(_render(CreateTable(table)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [_render(CreateIndex(index)) for index in indexes]
    return statements + [_trimmed(extra) for extra in extras if not extra.before_tables]


def _trimmed(extra: Extra) -> str:
    return extra.create.strip().rstrip(";")


def _render(element: ExecutableDDLElement) -> str:
    lines = str(element.compile(dialect=_DIALECT)).strip().splitlines()
    return "\n".join(line.rstrip().replace("\t", "    ") for line in lines)
