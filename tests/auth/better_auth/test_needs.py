"""What a version of Better Auth says that it needs, read from the version itself, and our tables."""

from typing import Any

import pytest
from sqlalchemy import DateTime, Table, Text, UniqueConstraint

from chatkeep.auth.better_auth_config import better_auth_config
from chatkeep.presets import maps
from fixtures.servers import PgServer

pytestmark = pytest.mark.needs("node")

TYPES = {"string": Text, "boolean": bool, "date": DateTime}

# Where we ask less than the library: it always gives the value, and rows of before have none.
LAXER = {
    "user.name": "the seed's users may be without a name; Better Auth gives one to each that it makes",
}
# By the folder of the version: what it needs that our tables have not.
LACKING = {
    "better_auth": {},
    "better_auth_issuer": {
        "account.issuer": "1.7.0 to 1.7.2 only; later ones never write it, and cannot live with it",
    },
}
VERSIONS = {"better_auth": "1.7.5", "better_auth_issuer": "1.7.2"}


@pytest.fixture(params=list(VERSIONS))
def library(request: pytest.FixtureRequest) -> str:
    return request.param


async def test_the_tables_hold_what_the_version_needs(
    library: str, pg18: PgServer, fresh_database, node_script
):
    schema = maps.schema(prefix="ai-app_")
    options = better_auth_config(schema).options()
    url = await fresh_database(pg18).holding(schema)
    said = node_script(library, "../better_auth/tables.mjs", url, given={"options": options})
    assert said["version"] == VERSIONS[library]
    needs = said["needs"]
    assert set(needs) == set(options)
    found: dict[str, str] = {}
    for model, needed in needs.items():
        table = schema.tables[f"{model}s"]
        assert needed["modelName"] == table.name
        for name, field in needed["fields"].items():
            lack = _lack(schema, table, field)
            if lack:
                found[f"{model}.{name}"] = lack
        mapped = {*needed["fields"], "id"}
        ours = set(options[model]["fields"])
        assert ours <= mapped, "told of a field that the library has not"
    laxer = {place for place, lack in found.items() if lack == "may be NULL"}
    assert laxer == LAXER.keys()
    assert found.keys() - laxer == LACKING[library].keys()
    _the_library_says_the_same(said, library, schema)


def _lack(schema: maps.Schema, table: Table[Any], field: dict[str, Any]) -> str | None:
    """What our table has not that the field needs."""
    column = table.columns.get(field["fieldName"])
    if column is None:
        return "no such column"
    wanted = TYPES[field["type"]]
    fits = column.type.python_type is bool if wanted is bool else isinstance(column.type, wanted)
    if not fits or (wanted is DateTime and not column.type.timezone):
        return f"is of type {column.type}"
    if field["required"] and column.nullable:
        return "may be NULL"
    if not field["required"] and not column.nullable:
        return "may not be NULL"
    if field["unique"] and not _is_unique(table, column.name):
        return "not unique"
    if (field["index"] or field.get("references")) and not _is_indexed(table, column.name):
        return "no index"
    return _wrong_reference(schema, column, field.get("references"))


def _is_unique(table: Table[Any], column: str) -> bool:
    return any(
        [each.name for each in constraint.columns] == [column]
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    )


def _is_indexed(table: Table[Any], column: str) -> bool:
    return any([c.name for c in index.columns][:1] == [column] for index in table.indexes)


def _wrong_reference(schema: maps.Schema, column: Any, wanted: dict[str, str] | None) -> str | None:
    keys = [(key.column.table.name, key.column.name, key.ondelete) for key in column.foreign_keys]
    if wanted is None:
        return None if not keys else f"refers to {keys}"
    goal = (schema.users.name, wanted["field"], wanted["onDelete"].upper())
    assert wanted["model"] in {"user", schema.users.name}
    return None if keys == [goal] else f"refers to {keys}, not to {goal}"


def _the_library_says_the_same(said: dict[str, Any], library: str, schema: maps.Schema) -> None:
    """Its own migration finds no more to add than we name, and warns of no more than we explain."""
    accounts = schema.accounts.name
    lacking = library == "better_auth_issuer"
    assert said["created"] == []
    assert said["added"] == ([[accounts, ["issuer"]]] if lacking else [])
    assert [each["index"]["columns"] for each in said["indexes"]] == (
        [["issuer", "account_id"]] if lacking else []
    )
    assert said["problems"] == []
    (warning,) = said["warnings"]
    assert warning.startswith(f'Column "name" on table "{schema.users.name}" stays nullable')
