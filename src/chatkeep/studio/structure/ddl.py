"""The SQL that makes one table, written by the planner of migrations from the facts."""

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Kind
from chatkeep.kit.catalog.ownership import owned
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.plan.statement import Statement

_LEFT_OUT = frozenset({Kind.SCHEMA.value, "setting"})


def ddl(catalog: Catalog, schema: str, name: str) -> dict[str, str]:
    """Give the statements that make a table or view and what belongs to it, in their order.

    Types and sequences that it needs are among them; tables that it refers to are not. The functions
    of its triggers and indexes, which come before those, stand by themselves: they may be long.
    """
    own = owned(catalog, lambda s, n: (s, n) == (schema, name))
    own = Catalog(own.version, own.facts, own.depends)
    statements = plan(Catalog(own.version, {}), own, allow_drops=True)
    functions = [each for each in statements if each.kind == Kind.FUNCTION]
    others = [each for each in statements if each.kind not in {*_LEFT_OUT, Kind.FUNCTION.value}]
    return {"ddl": _text(others), "functions": _text(functions)}


def _text(statements: list[Statement]) -> str:
    return "\n\n".join(f"{each.sql.replace(chr(9), '    ')};" for each in statements)
