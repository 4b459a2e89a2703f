"""Relations of drizzle-orm, from foreign keys, under the names that the schema gives them.

A foreign key gives its own table *one* row of the other, named after the last column without `_id`,
and the other table *many* of its rows, named after the table's variable. Where the same two tables
have several foreign keys, the second kind is named after the columns as well: `reviewsByAuthorId`.
A schema object may have `relations`: by table and name, with `source`, `target`, `columns`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from chatkeep.kit.drizzle.columns import Module
from chatkeep.kit.drizzle.names import Place, TableNames, place_of
from chatkeep.kit.drizzle.shape import ForeignKeyJson, SnapshotJson, TableJson
from chatkeep.kit.drizzle.text import Taken, array, block, camel, key_text, literal, member, record

Pairs = tuple[tuple[str, str], ...]
GivenNames = Mapping[tuple[Place, Place, Pairs], str]
"""Name by source, target, and columns that are equal."""


class _RelationLike(Protocol):
    source: str
    target: str
    columns: Pairs


def given_names(schema: object, attributes: Mapping[Place, str]) -> GivenNames:
    """Read the names that a schema object gives to its relations; none where it gives none."""
    value: object = getattr(schema, "relations", None)
    if not isinstance(value, Mapping):
        return {}
    places = {attribute: place for place, attribute in attributes.items()}
    found: dict[tuple[Place, Place, Pairs], str] = {}
    for relations in cast("Mapping[str, Mapping[str, _RelationLike]]", value).values():
        for name, relation in relations.items():
            source, target = places.get(relation.source), places.get(relation.target)
            if source is not None and target is not None:
                found[source, target, relation.columns] = name
    return found


@dataclass(frozen=True, slots=True)
class _Relation:
    wanted: str
    code: str


def relations_code(
    snapshot: SnapshotJson, names: Mapping[Place, TableNames], given: GivenNames, module: Module
) -> list[str]:
    """Give `relations()` of each table that has any."""
    tables = list(snapshot["tables"].values())
    found: dict[Place, list[_Relation]] = {place_of(table): [] for table in tables}
    for table in tables:
        source = place_of(table)
        between = Counter(_target(key) for key in table["foreignKeys"].values())
        for key in sorted(table["foreignKeys"].values(), key=lambda key: key["columnsFrom"]):
            target = _target(key)
            back = between[target] > 1 or source == target
            if target in names:
                label = literal(key["name"]) if back or _mutual(snapshot, source, target) else None
                ends = _Ends(table, key, names, given)
                found[source].append(ends.away(label))
                found[target].append(ends.back(label, named_by_columns=back))
    return [
        _code(names[place], relations, module) for place, relations in found.items() if relations
    ]


@dataclass(frozen=True, slots=True)
class _Ends:
    """The two relations of one foreign key."""

    table: TableJson
    key: ForeignKeyJson
    names: Mapping[Place, TableNames]
    given: GivenNames

    @property
    def _pairs(self) -> Pairs:
        return tuple(zip(self.key["columnsFrom"], self.key["columnsTo"], strict=True))

    def away(self, label: str | None) -> _Relation:
        source, target = place_of(self.table), _target(self.key)
        here, there = self.names[source], self.names[target]
        last = self.key["columnsFrom"][-1]
        short = last.removesuffix("_id")
        usual = short if short and short != last else there.variable
        members = {
            "fields": _columns(here, self.key["columnsFrom"]),
            "references": _columns(there, self.key["columnsTo"]),
            **_labelled(label),
        }
        name = self.given.get((source, target, self._pairs)) or usual
        return _Relation(name, f"one({there.variable}, {record(members)})")

    def back(self, label: str | None, *, named_by_columns: bool) -> _Relation:
        source, target = place_of(self.table), _target(self.key)
        here = self.names[source]
        usual = here.variable
        if named_by_columns:
            usual += f"_by_{'_'.join(self.key['columnsFrom'])}"
        pairs = tuple((there, own) for own, there in self._pairs)
        # drizzle takes a label of `one` only with the columns, and then types it as never null.
        single = label is None and _is_unique(self.table, self.key["columnsFrom"])
        kind = "one" if single else "many"
        options = f", {record(_labelled(label))}" if label else ""
        name = self.given.get((target, source, pairs)) or usual
        return _Relation(name, f"{kind}({here.variable}{options})")


def _code(names: TableNames, relations: Iterable[_Relation], module: Module) -> str:
    module.orm.add("relations")
    taken = Taken(names.keys.values())  # a row has its columns and its relations side by side
    lines = [f"{key_text(taken.give(camel(r.wanted), 'Rows'))}: {r.code}" for r in relations]
    helpers = [kind for kind in ("one", "many") if any(r.code.startswith(kind) for r in relations)]
    variable = module.taken.give(f"{names.variable}Relations", "Of")
    head = f"export const {variable} = relations({names.variable}, ({{ {', '.join(helpers)} }}) => ({{\n"
    return f"{head}{block(lines)}}}));\n"


def _mutual(snapshot: SnapshotJson, source: Place, target: Place) -> bool:
    """Say whether the other table refers to this one as well."""
    other = snapshot["tables"].get(".".join(target))
    return other is not None and any(
        _target(key) == source for key in other["foreignKeys"].values()
    )


def _is_unique(table: TableJson, columns: Iterable[str]) -> bool:
    given = set(columns)
    keys = [*table["uniqueConstraints"].values(), *table["compositePrimaryKeys"].values()]
    sets = [set(key["columns"]) for key in keys]
    sets += [{column["name"]} for column in table["columns"].values() if column["primaryKey"]]
    sets += [
        {column["expression"] for column in index["columns"]}
        for index in table["indexes"].values()
        if index["isUnique"] and "where" not in index
        if not any(column["isExpression"] for column in index["columns"])
    ]
    return any(unique <= given for unique in sets)


def _target(key: ForeignKeyJson) -> Place:
    return (key.get("schemaTo", "public"), key["tableTo"])


def _columns(names: TableNames, columns: Iterable[str]) -> str:
    return array(member(names.variable, names.keys[column]) for column in columns)


def _labelled(label: str | None) -> dict[str, str]:
    return {"relationName": label} if label else {}
