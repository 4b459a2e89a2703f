"""Where the values of secret columns would come out of a statement, told from PostgreSQL's plan.

A read-only run shows no secrets. An output column that is a secret column and nothing else is
masked; a secret column that is used in any other way (a condition, an expression, a whole row, a
grouping) is refused, because its value could be read from what comes out.

This keeps secrets off the screen; it is no border. A function of the database that reads a secret
inside its body, a view's owner or a foreign server are not seen through. What must not be read by
an operator belongs behind the privileges of the role that the studio connects with.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from chatkeep.kit.folder.tokens import tokens

Secrets = Mapping[tuple[str, str], frozenset[str]]
SYSTEM: Secrets = {
    ("pg_catalog", "pg_authid"): frozenset({"rolpassword"}),
    ("pg_catalog", "pg_statistic"): frozenset(f"stavalues{n}" for n in range(1, 6)),
    ("pg_catalog", "pg_statistic_ext_data"): frozenset({"stxdmcv", "stxdexpr"}),
    ("pg_catalog", "pg_subscription"): frozenset({"subconninfo"}),
    ("pg_catalog", "pg_user_mapping"): frozenset({"umoptions"}),
}
"""What PostgreSQL itself keeps: passwords of roles, samples of every column's values."""

# Columns of the catalog's views of the above are read through the views: the plan shows the tables.
_NAMES = frozenset({
    "Node Type", "Relation Name", "Schema", "Alias", "Index Name", "Join Type", "CTE Name",
    "Subplan Name", "Function Name", "Parent Relationship", "Strategy", "Partial Mode", "Command",
    "Scan Direction", "Operation", "Conflict Resolution", "Tuplestore Name", "Constraint Name",
    "Sampling Method", "Relations", "Conflict Arbiter Indexes", "Table Function Name",
    "Custom Plan Provider",
})  # fmt: skip
_PASSING = frozenset({"Outer", "Inner", None})
_OPAQUE = frozenset({
    "Subquery Scan", "CTE Scan", "SetOp", "Recursive Union", "WorkTable Scan", "ModifyTable",
})  # fmt: skip

_KEEPING = frozenset({
    "Hash", "Materialize", "Memoize", "Sort", "Incremental Sort", "Unique", "LockRows", "Limit",
})  # fmt: skip


class SecretUsedError(Exception):
    """A secret column is used otherwise than as an output.

    Attributes:
        column: `table.column`.
    """

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


def masked_outputs(plan: Mapping[str, Any], secrets: Secrets) -> frozenset[int]:
    """Give the places of the outputs, from 0, that are secret columns.

    Args:
        plan: The `Plan` of EXPLAIN (VERBOSE, FORMAT JSON).
        secrets: Names of secret columns by schema and table.

    Raises:
        SecretUsedError: A secret column is used in another way.
    """
    return _Reader(plan, {**SYSTEM, **secrets}).outputs(plan)


def telling_outputs(plan: Mapping[str, Any], secrets: Secrets) -> frozenset[int]:
    """Give the places of the outputs, from 0, in which a secret column is named.

    Args:
        plan: As for `masked_outputs`, which refuses what this overlooks.
        secrets: Names of secret columns by schema and table.
    """
    try:
        plain = masked_outputs(plan, secrets)
    except SecretUsedError:
        plain = frozenset[int]()
    return plain | _Reader(plan, {**SYSTEM, **secrets}).naming(plan)


class _Reader:
    def __init__(self, plan: Mapping[str, Any], secrets: Secrets) -> None:
        self._every = frozenset(name for names in secrets.values() for name in names)
        self._by_alias: dict[str, tuple[str, frozenset[str]]] = {}
        self._loose: dict[str, str] = {}
        self._aliases = {str(node.get("Alias")) for node in _nodes(plan)}
        for node in _nodes(plan):
            self._know(node, secrets)

    def _know(self, node: Mapping[str, Any], secrets: Secrets) -> None:
        alias = node.get("Alias")
        if alias is None:
            return
        if "Relation Name" in node:
            table = str(node["Relation Name"])
            names = secrets.get((str(node.get("Schema")), table), frozenset())
        elif node["Node Type"] in {"Function Scan", "Table Function Scan"}:
            # What a function gives may be rows of any table: a secret's name is taken for one.
            table, names = str(alias), self._every
        else:
            return
        if names:
            self._by_alias[str(alias)] = table, names
            self._loose |= {name: f"{table}.{name}" for name in names}

    def outputs(self, node: Mapping[str, Any]) -> frozenset[int]:
        """Give the outputs of a node that are secret columns, after looking at all below it."""
        below = [(child, self.outputs(child)) for child in node.get("Plans", ())]
        own = [str(text) for text in node.get("Output", ())]
        for text in own:
            self._refuse_use(text, plain=True)
        for name, value in node.items():
            if name not in _NAMES | {"Plans", "Output"}:
                for text in _texts(value):
                    self._refuse_use(text)
        self._refuse_foreign(node)
        if node["Node Type"] in {"Append", "Merge Append"}:
            return self._of_members(below)
        found = frozenset(place for place, text in enumerate(own) if self._is_plain(text))
        for child, places in below:
            if places and not (
                _passes(node, child) and self._follows(node, own, same=places == found)
            ):
                raise SecretUsedError(self._named(_output(child, min(places))))
        return found

    def naming(self, node: Mapping[str, Any]) -> frozenset[int]:
        """Give the outputs of a node that name a secret column; of an Append, its members'."""
        if "Output" not in node:
            return frozenset[int]().union(*(self.naming(child) for child in node.get("Plans", ())))
        found: set[int] = set()
        for place, text in enumerate(node["Output"]):
            try:
                self._refuse_use(str(text))
            except SecretUsedError:
                found.add(place)
        return frozenset(found)

    def _follows(self, node: Mapping[str, Any], own: Sequence[str], *, same: bool) -> bool:
        """Say whether a child's secrets can be known by name in a node's outputs.

        PostgreSQL leaves out scans of subqueries that do nothing; above them the columns bear names
        of the subquery. Nodes that compute nothing have the outputs of their child, place by place.
        """
        if node["Node Type"] in _KEEPING:
            return same
        strange = {
            qualifier
            for text in own
            for qualifier, _, _ in _references(text)
            if qualifier is not None and qualifier not in self._aliases
        }
        return all(
            any(re.fullmatch(re.escape(name) + r"_\d+", alias) for alias in self._aliases)
            for name in strange
        )

    def _of_members(
        self, below: Sequence[tuple[Mapping[str, Any], frozenset[int]]]
    ) -> frozenset[int]:
        """Give the outputs of an Append, which PostgreSQL does not tell: those of its members.

        The nodes above name the outputs of the first one, so the others' must be the same.
        """
        members = [each for each in below if each[0].get("Parent Relationship") == "Member"]
        common = members[0][1] if members else frozenset[int]()
        for child, places in below:
            if places and places != common:
                raise SecretUsedError(self._named(_output(child, min(places))))
        if any(places != common for _, places in members):
            raise SecretUsedError(self._named(_output(members[0][0], min(common))))
        return common

    def _refuse_foreign(self, node: Mapping[str, Any]) -> None:
        remote = str(node.get("Remote SQL", ""))
        alias = self._by_alias.get(str(node.get("Alias")))
        if remote and alias is not None:
            raise SecretUsedError(f"{alias[0]}.{min(alias[1])}")

    def _may_hold(self, text: str) -> bool:
        """Say whether a text is worth being read: long ones take the lexer seconds."""
        return ".*" in text or any(name.replace('"', '""') in text for name in self._loose)

    def _is_plain(self, text: str) -> bool:
        if not self._may_hold(text):
            return False
        found = list(_references(text))
        if len(found) != 1:
            return False
        qualifier, column, whole = found[0]
        return whole and column != "*" and self._is_secret(qualifier, column)

    def _is_secret(self, qualifier: str | None, column: str) -> bool:
        if qualifier is None:  # where a plan has one table, outputs do not name it
            return column in self._loose
        if qualifier not in self._aliases:  # a partitioned table bears its name above its members
            return column in self._loose or (column == "*" and bool(self._loose))
        known = self._by_alias.get(qualifier)
        return known is not None and (column == "*" or column in known[1])

    def _named(self, text: str) -> str:
        for qualifier, column, _ in _references(text):
            if qualifier not in self._by_alias and column in self._loose:
                return self._loose[column]
            if qualifier is not None and self._is_secret(qualifier, column):
                table, names = self._by_alias.get(qualifier, (qualifier, frozenset(self._loose)))
                return f"{table}.{min(names) if column == '*' else column}"
        return text

    def _refuse_use(self, text: str, *, plain: bool = False) -> None:
        if not self._may_hold(text) or (plain and self._is_plain(text)):
            return
        for qualifier, column, _ in _references(text):
            if self._is_secret(qualifier, column):
                raise SecretUsedError(self._named(text))


def _passes(node: Mapping[str, Any], child: Mapping[str, Any]) -> bool:
    """Say whether a child's outputs keep their names in the node's own."""
    return node["Node Type"] not in _OPAQUE and child.get("Parent Relationship") in _PASSING


def _output(node: Mapping[str, Any], place: int) -> str:
    """Give the text of an output; of an Append, that of its first member."""
    while "Output" not in node:
        node = node["Plans"][0]
    return str(node["Output"][place])


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _texts(value: object) -> Iterator[str]:
    """Give the texts in a field of a node, those of groups of expressions among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in cast("Mapping[str, object]", value).values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _texts(each)


def _references(text: str) -> Iterator[tuple[str | None, str, bool]]:
    """Give qualifier and name of each column in an expression, and whether it is all there is."""
    code = [token for token in tokens(text) if token.is_code]
    place = 0
    while place < len(code):
        if not _is_name(code[place].text, code[place].kind):
            place += 1
            continue
        start = place
        while (
            place + 2 < len(code)
            and code[place + 1].text == "."
            and (
                code[place + 2].text == "*" or _is_name(code[place + 2].text, code[place + 2].kind)
            )
        ):
            place += 2
        name = _folded(code[place].text)
        qualifier = _folded(code[place - 2].text) if place > start else None
        is_call = place + 1 < len(code) and code[place + 1].text == "("
        if qualifier is None or not is_call:
            yield qualifier, name, start == 0 and place == len(code) - 1
        place += 1


def _is_name(text: str, kind: str) -> bool:
    return kind == "word" or (kind == "quoted" and text.startswith('"'))


def _folded(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text
