"""What stands beside tables: schemas, enums, sequences, views."""

from chatkeep.kit.drizzle.columns import Module, column_code, counter_options
from chatkeep.kit.drizzle.shape import ColumnJson, SnapshotJson, ViewJson
from chatkeep.kit.drizzle.text import (
    Taken,
    array,
    block,
    camel,
    key_text,
    literal,
    pascal,
    record,
)
from chatkeep.kit.snapshot.spelling import drizzle_type


def schemas_code(snapshot: SnapshotJson, module: Module) -> list[str]:
    """Give the schemas other than `public`."""
    found: list[str] = []
    for name in snapshot["schemas"]:
        variable = module.taken.give(f"{camel(name)}Schema", "Of")
        module.schemas[name] = variable
        found.append(f"export const {variable} = {module.use('pgSchema')}({literal(name)});\n")
    return found


def enums_code(snapshot: SnapshotJson, module: Module) -> list[str]:
    """Give the enum types, each with the type of its values."""
    found: list[str] = []
    for enum in snapshot["enums"].values():
        variable = module.taken.give(f"{camel(enum['name'])}Enum", "Of")
        type_ = module.taken.give(pascal(enum["name"]), "Value")
        module.enums[enum["schema"], enum["name"]] = variable
        module.data[drizzle_type(f"{enum['schema']}.{enum['name']}")] = type_  # in views
        maker = module.of_schema(enum["schema"], "pgEnum", "enum")
        values = array(literal(value) for value in enum["values"])
        if not enum["values"]:
            values += " as unknown as [string]"  # drizzle's types want one label at least
        found.append(
            f"export const {variable} = {maker}({literal(enum['name'])}, {values});\n"
            f"export type {type_} = (typeof {variable}.enumValues)[number];\n"
        )
    return found


def sequences_code(snapshot: SnapshotJson, module: Module) -> list[str]:
    """Give the sequences that belong to no column."""
    found: list[str] = []
    for sequence in snapshot["sequences"].values():
        variable = module.taken.give(camel(sequence["name"]), "Sequence")
        maker = module.of_schema(sequence["schema"], "pgSequence", "sequence")
        options = counter_options(sequence)
        more = f", {record(options)}" if options else ""
        found.append(f"export const {variable} = {maker}({literal(sequence['name'])}{more});\n")
    return found


def views_code(snapshot: SnapshotJson, module: Module) -> list[str]:
    """Give the views, materialized or not."""
    return [_view(view, module) for view in snapshot["views"].values()]


def _view(view: ViewJson, module: Module) -> str:
    variable = module.taken.give(camel(view["name"]), "View")
    if view["materialized"]:
        maker = module.of_schema(view["schema"], "pgMaterializedView", "materializedView")
    else:
        maker = module.of_schema(view["schema"], "pgView", "view")
    keys = Taken({"_", "getSQL", "shouldOmitSQLParens"})
    columns = block([_view_column(column, keys, module) for column in view["columns"].values()])
    options = f".with({record(_options(view))})" if "with" in view else ""
    return (
        f"export const {variable} = {maker}({literal(view['name'])}, {{\n{columns}}})"
        f"{options}.as({module.sql(view['definition'])});\n"
    )


def _view_column(column: ColumnJson, keys: Taken, module: Module) -> str:
    key = keys.give(camel(column["name"]), "Column")
    return f"{key_text(key)}: {column_code(column, module)}"


def _options(view: ViewJson) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else literal(str(value))
        for name, value in view.get("with", {}).items()
    }
