"""The file `schema.ts`: everything that drizzle can say of a schema, and the names of the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Kind
from chatkeep.kit.catalog.programs import Comment
from chatkeep.kit.catalog.types import Domain
from chatkeep.kit.drizzle.columns import Module, customs_code
from chatkeep.kit.drizzle.gaps import gaps
from chatkeep.kit.drizzle.names import attributes_of, name_tables, told_by
from chatkeep.kit.drizzle.objects import enums_code, schemas_code, sequences_code, views_code
from chatkeep.kit.drizzle.relations import given_names, relations_code
from chatkeep.kit.drizzle.tables import table_code
from chatkeep.kit.drizzle.text import Taken
from chatkeep.kit.drizzle.types import data_of
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.snapshot.snapshot import snapshot
from chatkeep.kit.snapshot.spelling import drizzle_type
from chatkeep.kit.states import facts_of_tables
from chatkeep.kit.target import target_of

if TYPE_CHECKING:
    from chatkeep.kit.drizzle.shape import SnapshotJson

_IMPORTED = (
    "sql relations bigint bigserial bit boolean char check cidr customType date doublePrecision"
    " foreignKey halfvec index inet integer interval json jsonb line macaddr macaddr8 numeric"
    " pgEnum pgMaterializedView pgPolicy pgSchema pgSequence pgTable pgView point primaryKey real"
    " serial smallint smallserial sparsevec text time timestamp unique uniqueIndex uuid varchar"
    " vector PgTableExtraConfigValue t one many"
)  # names of drizzle that the file may import, or give to its functions


@dataclass(frozen=True, slots=True)
class DrizzleSchema:
    """A schema as drizzle says it.

    Attributes:
        text: The TypeScript file.
        left_out: What drizzle has no word for, each in a few words; the file's head names it too.
    """

    text: str
    left_out: tuple[str, ...]


async def drizzle_schema(schema: object, scratch: Scratch, reference: str) -> DrizzleSchema:
    """Write a schema object or MetaData as a schema of drizzle-orm.

    The schema is built on a scratch database first: names and expressions are PostgreSQL's own,
    as in the snapshots of our folders.

    Args:
        schema: What `target_of` takes.
        scratch: Server for the scratch database.
        reference: What the file's head and messages call the schema.

    Raises:
        ConfigError: It is no schema, SQLAlchemy cannot put it into SQL, or what a column says of
            its TypeScript type is not a text.
        StatementError: PostgreSQL refuses a statement of it.
        ConnectionFailedError: The scratch server cannot be reached.
    """
    target = target_of(schema, reference)
    catalog = await facts_of_tables(target.state, scratch)
    return drizzle_module(catalog, schema, reference)


def drizzle_module(catalog: Catalog, schema: object, reference: str) -> DrizzleSchema:
    """Write the facts of a database; see `drizzle_schema`."""
    target = target_of(schema, reference)
    state = cast("SnapshotJson", snapshot(catalog, full_names=target.full_names))
    data = {drizzle_type(f"{d.schema}.{d.name}"): data_of(d.base) for d in catalog.of(Domain)}
    taken = Taken()
    for name in _IMPORTED.split():
        taken.give(name, "")
    module = Module(taken, data)
    names = name_tables(state, told_by(schema, target.state.metadata), taken)
    comments = {c.target.path: c.text for c in catalog.of(Comment) if c.target.kind in _COMMENTED}
    parts = [
        *schemas_code(state, module),
        *enums_code(state, module),
        *sequences_code(state, module),
    ]
    tables = [table_code(table, names, module, comments) for table in state["tables"].values()]
    views = views_code(state, module)
    given = given_names(schema, attributes_of(schema))
    relations = relations_code(state, names, given, module)
    left_out = gaps(catalog)
    head = _head(reference, left_out) + _imports(module)
    pieces = [head, *parts, *customs_code(module), *tables, *views, *relations]
    return DrizzleSchema("\n".join(pieces), tuple(left_out))


_COMMENTED = frozenset({Kind.TABLE, Kind.COLUMN})


def _head(reference: str, left_out: Sequence[str]) -> str:
    lines = [
        f"Written by `chatkeep schema drizzle` from {reference}. Change the schema there, not here."
    ]
    if left_out:
        lines += ["", "drizzle has no word for these; chatkeep's migrations keep them:"]
        lines += [f"  {' '.join(name.split())}" for name in left_out]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines)


def _imports(module: Module) -> str:
    found = ""
    if module.orm:
        found += f'import {{ {", ".join(sorted(module.orm))} }} from "drizzle-orm";\n'
    if module.pg:
        names = sorted(module.pg, key=lambda name: name.removeprefix("type ").lower())
        lines = "".join(f"  {name},\n" for name in names)
        found += f'import {{\n{lines}}} from "drizzle-orm/pg-core";\n'
    return found
