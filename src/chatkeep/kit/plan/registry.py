"""Which writer writes which kind."""

from chatkeep.kit.catalog.fact import Kind
from chatkeep.kit.plan.kinds import (
    columns,
    comments,
    constraints,
    indexes,
    programs,
    sequences,
    tables,
    types,
)
from chatkeep.kit.plan.writer import AnyWriter

WRITERS: dict[Kind, AnyWriter] = {
    Kind.SCHEMA: types.SCHEMA,
    Kind.EXTENSION: types.EXTENSION,
    Kind.ENUM: types.ENUM,
    Kind.DOMAIN: types.DOMAIN,
    Kind.COMPOSITE: types.COMPOSITE,
    Kind.SEQUENCE: sequences.SEQUENCE,
    Kind.SEQUENCE_OWNER: sequences.SEQUENCE_OWNER,
    Kind.TABLE: tables.TABLE,
    Kind.COLUMN: columns.COLUMN,
    Kind.DEFAULT: columns.DEFAULT,
    Kind.PRIMARY_KEY: constraints.PRIMARY_KEY,
    Kind.UNIQUE: constraints.UNIQUE,
    Kind.CHECK: constraints.CHECK,
    Kind.EXCLUDE: constraints.EXCLUDE,
    Kind.FOREIGN_KEY: constraints.FOREIGN_KEY,
    Kind.INDEX: indexes.INDEX,
    Kind.STATISTICS: indexes.STATISTICS,
    Kind.FUNCTION: programs.FUNCTION,
    Kind.VIEW: programs.VIEW,
    Kind.MATERIALIZED_VIEW: programs.MATERIALIZED_VIEW,
    Kind.TRIGGER: programs.TRIGGER,
    Kind.POLICY: programs.POLICY,
    Kind.COMMENT: comments.COMMENT,
}
