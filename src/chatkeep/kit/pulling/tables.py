"""One table as source: the class of its columns, and the table with its constraints and indexes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import text as sql_text

from chatkeep.kit.catalog.catalog import SERIAL_LIMITS, Catalog, TableShape, default_name
from chatkeep.kit.catalog.constraints import Check, ForeignKey, PrimaryKey, Unique
from chatkeep.kit.catalog.fact import Key, Kind
from chatkeep.kit.catalog.indexes import Index, IndexColumn
from chatkeep.kit.catalog.programs import Comment
from chatkeep.kit.catalog.tables import Column, Identity, Table
from chatkeep.kit.catalog.types import Domain
from chatkeep.kit.plan.quoting import printed
from chatkeep.kit.pulling.division import Division, circular, is_serial
from chatkeep.kit.pulling.layout import Call, Item, Keyword, block, source, text, texts
from chatkeep.kit.pulling.reading import foreign_key_words, keyed_words
from chatkeep.kit.pulling.types import Known, array_of, known_type

_COLLATION = re.compile(r"pg_catalog\.(\S+)\Z")
_LIMITS = SERIAL_LIMITS
_WHOLE = tuple(SERIAL_LIMITS)


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of Python that the module has for things of the database.

    Attributes:
        tables: By (schema, table): the variable.
        classes: By (schema, table): the class of its columns.
        columns: By (schema, table, column): the attribute, which is SQLAlchemy's key as well.
        enums: By (schema, enum): the variable.
    """

    tables: Mapping[tuple[str, ...], str]
    classes: Mapping[tuple[str, ...], str]
    columns: Mapping[tuple[str, ...], str]
    enums: Mapping[tuple[str, ...], str]


def plain(value: str) -> bool:
    """Say whether `text()` of SQLAlchemy gives a text back as it is, its colons no parameters."""
    compiled = sql_text(value).compile()
    return not compiled.params and str(compiled) == value


def expression(value: str) -> Call:
    """Give SQL as an expression of SQLAlchemy."""
    if plain(value):
        return Call("sa.text", (block(value),))
    return Call("sa.literal_column", (block(value), "sa.Text"))  # a type for type checkers alone


def _plain_or(value: str) -> str | Call:
    return block(value) if plain(value) else expression(value)


class TableWriter:
    """Writes tables of one catalog.

    Args:
        catalog: All facts.
        division: What is said with the tables.
        naming: The names of the module.
    """

    def __init__(self, catalog: Catalog, division: Division, naming: Naming) -> None:
        self._catalog = catalog
        self._said = division.tables
        self._naming = naming
        self._circular = circular(catalog, division.tables)

    def write(self, table: Table) -> str:
        """Give the class of columns and the table."""
        shape = self._catalog.shape(*table.path)
        if shape is None:
            raise LookupError(table.key)
        return f"{self._columns(shape)}\n\n\n{self._table(shape)}"

    def _comment(self, key: Key) -> Iterator[Item]:
        found = self._catalog.find(Comment, key.kind.value, *key.path)
        if found is not None and found.key in self._said:
            yield Keyword("comment", block(found.text))

    def _columns(self, shape: TableShape) -> str:
        table = shape.table
        doc = _for_docstring(f"Columns of `{_dotted(table.path)}`.")
        lines = [
            f"class {self._naming.classes[table.path]}(sa.TypedColumns):",
            f'    """{doc}"""',
            "",
        ]
        for column in shape.columns:
            name = self._naming.columns[column.path]
            known = self._type(column)
            nullable = not column.not_null
            python = (
                f"{known.python} | None" if nullable and known.python != "Any" else known.python
            )
            call = Call("sa.Column", tuple(self._column(shape, column, known)))
            lines.append(source(call, before=f"{name}: sa.Named[{python}] = ", indent=4))
        if not shape.columns:
            lines.pop()
        return "\n".join(lines)

    def _type(self, column: Column) -> Known:
        enum = self._naming.enums.get(column.user_type or ())
        domain = self._catalog.find(Domain, *(column.user_type or ()))
        if domain is not None:
            python = known_type(domain.base).python
            return replace(known_type(column.type), python=_as_array(python, column.type))
        if enum is None:
            return known_type(column.type)
        known = Known(enum, "str")
        return array_of(known, typed=True) if column.type.endswith("[]") else known

    def _column(self, shape: TableShape, column: Column, known: Known) -> Iterator[Item]:
        if self._naming.columns[column.path] != column.name:
            yield text(column.name)
        yield _collated(known.sql, column)
        if column.identity:
            yield _identity(column.identity)
        if column.generated:
            kept = "True" if column.generated.stored else "False"
            told = _plain_or(column.generated.expression)
            yield Call("sa.Computed", (told, Keyword("persisted", kept)))
        key = shape.primary_key
        serial = is_serial(self._catalog, column.key)
        if key is not None and key.key in self._said and _inline(key, column):
            yield Keyword("primary_key", "True")
        alone = key is not None and key.columns == (column.name,) and column.type in _WHOLE
        if alone and not serial and not column.identity and not column.generated:
            yield Keyword("autoincrement", "False")
        if not (key is not None and column.name in key.columns and key.key in self._said):
            if column.not_null:
                yield Keyword("nullable", "False")
            elif known.python == "Any":
                yield Keyword("nullable", "True")
        default = Key(Kind.DEFAULT, column.path)
        if default in self._said and not serial:
            told = expression(shape.defaults[column.name])
            yield Keyword("server_default", told)
        yield from self._comment(column.key)

    def _table(self, shape: TableShape) -> str:
        table = shape.table
        items: list[Item] = [text(table.name), "metadata", self._naming.classes[table.path]]
        items += self._keys(shape)
        items += [self._check(fact) for fact in shape.checks if fact.key in self._said]
        items += [self._foreign_key(f) for f in shape.foreign_keys if f.key in self._said]
        items += [self._index(fact) for fact in shape.indexes if fact.key in self._said]
        if table.unlogged:
            items.append(Keyword("prefixes", '["UNLOGGED"]'))
        if table.partition_key:
            items.append(Keyword("postgresql_partition_by", block(table.partition_key)))
        if table.options:
            items.append(Keyword("postgresql_with", _options(table.options)))
        if table.schema != "public":
            items.append(Keyword("schema", text(table.schema)))
        items += self._comment(table.key)
        return source(
            Call("sa.Table", tuple(items)), before=f"{self._naming.tables[table.path]} = "
        )

    def _names(self, table: tuple[str, ...], columns: tuple[str, ...]) -> list[str]:
        return [self._naming.columns[*table, column] for column in columns]

    def _keys(self, shape: TableShape) -> Iterator[Item]:
        table = shape.table.path
        key = shape.primary_key
        if key is not None and key.key in self._said:
            inline = len(key.columns) == 1 and _usual(key) and not key.extra
            names = map(text, self._names(table, key.columns))
            words = [Keyword(*word) for word in (keyed_words(key) or {}).items()]
            name = [] if _usual(key) else [Keyword("name", text(key.name))]
            if not inline:
                yield Call("sa.PrimaryKeyConstraint", (*names, *name, *words))
        for unique in shape.uniques:
            if unique.key in self._said:
                yield self._unique(unique)

    def _unique(self, fact: Unique) -> Call:
        words = [Keyword(*word) for word in (keyed_words(fact) or {}).items()]
        if fact.nulls_not_distinct:
            words.append(Keyword("postgresql_nulls_not_distinct", "True"))
        names = map(text, self._names(fact.path[:2], fact.columns))
        return Call("sa.UniqueConstraint", (*names, Keyword("name", text(fact.name)), *words))

    def _check(self, fact: Check) -> Call:
        name = Keyword("name", text(fact.name))
        return Call("sa.CheckConstraint", (_plain_or(fact.expression), name))

    def _foreign_key(self, fact: ForeignKey) -> Call:
        target = (fact.target_schema, fact.target_table)
        place = fact.target_table if target[0] == "public" else ".".join(target)
        own = self._names(fact.path[:2], fact.columns)
        theirs = [f"{place}.{name}" for name in self._names(target, fact.target_columns)]
        items: list[Item] = [texts(own), texts(theirs), Keyword("name", text(fact.name))]
        for word, action in (("onupdate", fact.on_update), ("ondelete", fact.on_delete)):
            if action != "no action":
                items.append(Keyword(word, text(action.upper())))
        items += [Keyword(*word) for word in (foreign_key_words(fact) or {}).items()]
        if fact.key in self._circular:
            items.append(Keyword("use_alter", "True"))
        return Call("sa.ForeignKeyConstraint", tuple(items))

    def _index(self, fact: Index) -> Call:
        table = (fact.schema, fact.relation)
        items: list[Item] = [text(fact.name)]
        items += [self._index_key(table, column) for column in fact.columns]
        if fact.unique:
            items.append(Keyword("unique", "True"))
        if fact.method != "btree":
            items.append(Keyword("postgresql_using", text(fact.method)))
        if fact.include:
            names = texts(self._names(table, fact.include))
            items.append(Keyword("postgresql_include", names))
        if fact.nulls_not_distinct:
            items.append(Keyword("postgresql_nulls_not_distinct", "True"))
        if fact.options:
            items.append(Keyword("postgresql_with", _options(fact.options)))
        if fact.where:
            items.append(Keyword("postgresql_where", expression(fact.where)))
        return Call("sa.Index", tuple(items))

    def _index_key(self, table: tuple[str, ...], key: IndexColumn) -> Item:
        words = _index_words(key)
        if key.column is not None and not words:
            return text(self._naming.columns[*table, key.column])
        told = printed(key.column) if key.column is not None else key.expression
        return expression(f"{told}{words}")


def _as_array(python: str, type_: str) -> str:
    return f"list[{python}]" if type_.endswith("[]") and python != "Any" else python


def _inline(key: PrimaryKey, column: Column) -> bool:
    return key.columns == (column.name,) and _usual(key) and not key.extra


def _usual(key: PrimaryKey) -> bool:
    """Say whether PostgreSQL would give the key its name by itself."""
    return key.name == default_name(key.table, "", "pkey")


def _index_words(key: IndexColumn) -> str:
    words = f" COLLATE {key.collation}" if key.collation else ""
    words += f" {key.operator_class}" if key.operator_class else ""
    if key.descending:
        return words + (" DESC" if key.nulls_first else " DESC NULLS LAST")
    return words + (" NULLS FIRST" if key.nulls_first else "")


def _identity(identity: Identity) -> Call:
    options = identity.options
    low, high = (
        (1, _LIMITS[options.type]) if options.increment > 0 else (-_LIMITS[options.type] - 1, -1)
    )
    usual = low if options.increment > 0 else high
    items: list[Item] = []
    if identity.always:
        items.append(Keyword("always", "True"))
    for word, value, common in (
        ("start", options.start, usual),
        ("increment", options.increment, 1),
        ("minvalue", options.minimum, low),
        ("maxvalue", options.maximum, high),
        ("cache", options.cache, 1),
    ):
        if value != common:
            items.append(Keyword(word, str(value)))
    if options.cycle:
        items.append(Keyword("cycle", "True"))
    return Call("sa.Identity", tuple(items))


def _collated(sql: str, column: Column) -> str:
    """Add a collation of PostgreSQL's own to a text; any other is set later."""
    found = _COLLATION.match(column.collation or "")
    if found is None or not sql.startswith(("sa.Text", "sa.String", "sa.CHAR")):
        return sql
    name = text(found[1].replace('""', '"').strip('"') if '"' in found[1] else found[1])
    if sql.endswith(")"):
        return f"{sql[:-1]}, collation={name})"
    return f"{sql}(collation={name})"


def _options(options: tuple[str, ...]) -> str:
    pairs = (option.partition("=")[::2] for option in options)
    return "{" + ", ".join(f"{text(name)}: {text(value)}" for name, value in pairs) + "}"


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(path[1:] if path[0] == "public" else path)


def _for_docstring(value: str) -> str:
    """Keep a name with quotes, backslashes or line breaks from ending the docstring."""
    return (
        "".join(mark if mark.isprintable() else " " for mark in value)
        .replace("\\", "/")
        .replace('"', "'")
    )
