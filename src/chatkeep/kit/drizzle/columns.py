"""Columns of tables and views in TypeScript."""

import re
from dataclasses import dataclass, field

from chatkeep.kit.drizzle.shape import ColumnJson, CounterJson
from chatkeep.kit.drizzle.text import Taken, camel, literal, record, template
from chatkeep.kit.drizzle.types import TEXTUAL, builder, data_of, settles_mode, split_array

_QUOTED = re.compile(r"'((?:[^']|'')*)'", re.DOTALL)
_SERIALS = {"serial", "smallserial", "bigserial"}
_LIMITS = {"smallint": "32767", "integer": "2147483647"}
_LAST = "9223372036854775807"


@dataclass(slots=True)
class Module:
    """What the pieces of the file share while it is written.

    Attributes:
        taken: The names of the module.
        enums: Variable by (schema, name) of the enum.
        schemas: Variable by name of the schema.
        data: TypeScript type by spelled name of an enum or domain.
        pg: What is imported from drizzle-orm/pg-core.
        orm: What is imported from drizzle-orm.
        customs: Variable by type, of types that drizzle has no builder for.
    """

    taken: Taken
    data: dict[str, str]
    enums: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    schemas: dict[str, str] = field(default_factory=dict[str, str])
    pg: set[str] = field(default_factory=set[str])
    orm: set[str] = field(default_factory=set[str])
    customs: dict[str, str] = field(default_factory=dict[str, str])

    def use(self, name: str) -> str:
        """Import a name of drizzle-orm/pg-core and give it."""
        self.pg.add(name)
        return name

    def sql(self, text: str) -> str:
        """Give a template of SQL and import its tag."""
        self.orm.add("sql")
        return template(text)

    def of_schema(self, schema: str, function: str, method: str) -> str:
        """Give what makes an object in a schema: `pgTable`, or `appSchema.table`."""
        if schema in {"", "public"}:
            return self.use(function)
        return f"{self.schemas[schema]}.{method}"

    def custom(self, type_: str) -> str:
        """Give the variable of a type that drizzle has no builder for."""
        if type_ not in self.customs:
            self.customs[type_] = self.taken.give(camel(type_), "Type")
            self.use("customType")
        return self.customs[type_]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the schema wants of a column in TypeScript.

    Attributes:
        type: TypeScript type of its values.
        maker: Function that makes a value where the writer gives none.
        guise: Builder for whose column TypeScript shall take it.
    """

    type: str | None = None
    maker: str | None = None
    guise: str | None = None


def column_code(column: ColumnJson, module: Module, wishes: Wishes | None = None) -> str:
    """Give the builder of a column: `varchar("name", { length: 20 }).notNull()`.

    Args:
        column: The column.
        module: The file that it stands in.
        wishes: What the schema wants of it.
    """
    wishes = wishes or Wishes()
    told = wishes.type
    base, depth = split_array(column["type"])
    made = None if "typeSchema" in column else builder(base, told)
    if "typeSchema" in column:
        enum = module.enums[column["typeSchema"], base]
        call, function = f"{enum}({literal(column['name'])})", "enum"
    elif made is not None:
        options = f", {record(made.options)}" if made.options else ""
        function = made.function
        call = f"{module.use(function)}({literal(column['name'])}{options})"
    else:
        call, function = f"{module.custom(base)}({literal(column['name'])})", "custom"
    code = call + ".array()" * depth
    if wishes.guise is not None:
        as_type = f"ReturnType<typeof {module.use(wishes.guise)}<{literal(column['name'])}>>"
        code = f"({code} as unknown as {as_type})"
    if told is not None and not (depth == 0 and settles_mode(base, told)):
        code += f".$type<{told}>()"
    if "default" in column:
        textual = depth == 0 and (function == "enum" or function in TEXTUAL)
        code += _default(column["default"], module, textual=textual, is_bigint=told == "bigint")
    if wishes.maker is not None:
        code += f".$defaultFn({wishes.maker})"
    if "generated" in column:
        code += f".generatedAlwaysAs({module.sql(column['generated']['as'])})"
    if "identity" in column:
        code += _identity(column, column["identity"])
    if column["notNull"] and function not in _SERIALS:
        code += ".notNull()"
    return code + ".primaryKey()" * column["primaryKey"]


def customs_code(module: Module) -> list[str]:
    """Give the definitions of the types that drizzle has no builder for."""
    found: list[str] = []
    for type_, variable in module.customs.items():
        data = module.data.get(type_) or data_of(type_)
        found.append(
            f"const {variable} = customType<{{ data: {data} }}>"
            f"({{ dataType: () => {literal(type_)} }});\n"
        )
    return found


def counter_options(counter: CounterJson, limit: str = _LAST) -> dict[str, str]:
    """Give what differs from an ascending sequence that starts at 1, in TypeScript.

    Args:
        counter: The sequence.
        limit: The end of the values that drizzle-kit assumes.
    """
    usual = {"increment": "1", "minValue": "1", "maxValue": limit, "startWith": "1", "cache": "1"}
    given = {
        "increment": counter["increment"],
        "minValue": counter["minValue"],
        "maxValue": counter["maxValue"],
        "startWith": counter["startWith"],
        "cache": counter["cache"],
    }
    downwards = counter["increment"].startswith("-")  # drizzle-kit then assumes other ends
    options = {
        name: literal(value) for name, value in given.items() if downwards or value != usual[name]
    }
    if counter["minValue"] != "1":
        options["startWith"] = literal(counter["startWith"])
    return {**options, **({"cycle": "true"} if counter["cycle"] else {})}


def _identity(column: ColumnJson, identity: CounterJson) -> str:
    options = counter_options(identity, _LIMITS.get(column["type"], _LAST))
    options = {"name": literal(identity["name"]), **options}
    always = identity.get("type") == "always"
    return f".generated{'Always' if always else 'ByDefault'}AsIdentity({record(options)})"


def _default(value: object, module: Module, *, textual: bool, is_bigint: bool) -> str:
    if isinstance(value, bool):
        return f".default({'true' if value else 'false'})"
    if isinstance(value, int | float):
        # drizzle-kit cannot write a default of JavaScript's type bigint.
        return f".default({value}{' as never' if is_bigint else ''})"
    text = str(value)
    if textual and (match := _QUOTED.fullmatch(text)):
        return f".default({literal(match.group(1).replace(chr(39) * 2, chr(39)))})"
    return f".default({module.sql(text)})"
