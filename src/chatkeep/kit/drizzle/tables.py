"""Tables in TypeScript: columns, then keys, indexes, checks and policies."""

from collections.abc import Iterable, Mapping

from chatkeep.kit.drizzle.columns import Module, Wishes, column_code
from chatkeep.kit.drizzle.names import Place, TableNames, place_of
from chatkeep.kit.drizzle.shape import (
    ForeignKeyJson,
    IndexColumnJson,
    IndexJson,
    PolicyJson,
    TableJson,
)
from chatkeep.kit.drizzle.text import array, block, comment, key_text, literal, member, record

Comments = Mapping[tuple[str, ...], str]
"""Text by (schema, table) or (schema, table, column)."""


def table_code(
    table: TableJson, names: Mapping[Place, TableNames], module: Module, comments: Comments
) -> str:
    """Give the definition of a table and the types of its rows."""
    place = place_of(table)
    own = names[place]
    maker = module.of_schema(table["schema"], "pgTable", "table")
    columns = [
        f"{_comment(comments.get((*place, name)))}{key_text(own.keys[name])}: "
        f"{column_code(column, module, _wishes(own, name))}"
        for name, column in table["columns"].items()
    ]
    more = _more(table, names, module)
    text = f"export const {own.variable} = {maker}({literal(table['name'])}, {{\n{block(columns)}}}"
    if more:
        value = module.use("type PgTableExtraConfigValue").removeprefix("type ")
        text += f", (t): {value}[] => [\n{block(more)}]"
    text += ")" + ".enableRLS()" * table["isRLSEnabled"] + ";\n"
    about = comments.get(place)
    return (
        (comment(about) if about else "")
        + text
        + f"export type {own.row} = typeof {own.variable}.$inferSelect;\n"
        + f"export type {own.new} = typeof {own.variable}.$inferInsert;\n"
    )


def _wishes(own: TableNames, column: str) -> Wishes:
    return Wishes(own.types.get(column), own.makers.get(column), own.guises.get(column))


def _comment(text: str | None) -> str:
    return comment(text).replace("\n", "\n  ") if text else ""


def _more(table: TableJson, names: Mapping[Place, TableNames], module: Module) -> list[str]:
    keys = names[place_of(table)].keys
    found: list[str] = []
    for key in table["compositePrimaryKeys"].values():
        options = {"name": literal(key["name"]), "columns": _columns(keys, key["columns"])}
        found.append(f"{module.use('primaryKey')}({record(options)})")
    for unique in table["uniqueConstraints"].values():
        code = f"{module.use('unique')}({literal(unique['name'])})"
        code += f".on({_columns(keys, unique['columns'])[1:-1]})"
        found.append(code + ".nullsNotDistinct()" * unique.get("nullsNotDistinct", False))
    found += [_foreign_key(key, keys, names, module) for key in table["foreignKeys"].values()]
    found += [
        f"{module.use('check')}({literal(check['name'])}, {module.sql(check['value'])})"
        for check in table["checkConstraints"].values()
    ]
    found += [_index(index, keys, module) for index in table["indexes"].values()]
    found += [_policy(policy, module) for policy in table["policies"].values()]
    return found


def _foreign_key(
    key: ForeignKeyJson,
    keys: Mapping[str, str],
    names: Mapping[Place, TableNames],
    module: Module,
) -> str:
    target = names[key.get("schemaTo", "public"), key["tableTo"]]
    options = {
        "name": literal(key["name"]),
        "columns": _columns(keys, key["columnsFrom"]),
        "foreignColumns": array(member(target.variable, target.keys[c]) for c in key["columnsTo"]),
    }
    code = f"{module.use('foreignKey')}({record(options)})"
    for method in ("onDelete", "onUpdate"):
        if key[method] != "no action":
            code += f".{method}({literal(key[method])})"
    return code


def _index(index: IndexJson, keys: Mapping[str, str], module: Module) -> str:
    function = module.use("uniqueIndex" if index["isUnique"] else "index")
    columns = ", ".join(_index_column(column, keys, module) for column in index["columns"])
    code = f"{function}({literal(index['name'])})"
    if index["method"] == "btree":
        code += f".on({columns})"
    else:
        code += f".using({literal(index['method'])}, {columns})"
    if "where" in index:
        code += f".where({module.sql(index['where'])})"
    if index["with"]:
        code += f".with({record({name: literal(value) for name, value in index['with'].items()})})"
    return code


def _index_column(column: IndexColumnJson, keys: Mapping[str, str], module: Module) -> str:
    if column["isExpression"]:
        return module.sql(column["expression"])
    code = member("t", keys[column["expression"]])
    if not column["asc"]:
        code += ".desc()"
    if (column["nulls"] == "first") == column["asc"] or not column["asc"]:
        code += f".nulls{column['nulls'].capitalize()}()"
    if "opclass" in column:
        code += f".op({literal(column['opclass'])})"
    return code


def _policy(policy: PolicyJson, module: Module) -> str:
    options = {
        "as": literal(policy["as"].lower()),
        "for": literal(policy["for"].lower()),
        "to": array(literal(role) for role in policy["to"]),
    }
    if "using" in policy:
        options["using"] = module.sql(policy["using"])
    if "withCheck" in policy:
        options["withCheck"] = module.sql(policy["withCheck"])
    return f"{module.use('pgPolicy')}({literal(policy['name'])}, {record(options)})"


def _columns(keys: Mapping[str, str], columns: Iterable[str]) -> str:
    return array(member("t", keys[column]) for column in columns)
