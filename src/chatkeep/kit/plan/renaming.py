"""Renames as statements, and as the catalog is after each of them."""

from collections.abc import Iterator
from dataclasses import replace

from chatkeep.errors import MigrationError
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Constraint
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.programs import Function
from chatkeep.kit.catalog.tables import Sequence, SequenceOwner
from chatkeep.kit.catalog.types import Composite, Domain, Enum
from chatkeep.kit.plan import naming, rewrite
from chatkeep.kit.plan.naming import CONSTRAINTS, Path
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.plan.renames import Renames
from chatkeep.kit.plan.statement import Statement

_NOUNS = {
    Kind.SCHEMA: "SCHEMA",
    Kind.TABLE: "TABLE",
    Kind.VIEW: "VIEW",
    Kind.MATERIALIZED_VIEW: "MATERIALIZED VIEW",
    Kind.ENUM: "TYPE",
    Kind.DOMAIN: "DOMAIN",
    Kind.COMPOSITE: "TYPE",
    Kind.SEQUENCE: "SEQUENCE",
    Kind.INDEX: "INDEX",
}


class Renaming:
    """Makes renames one after the other.

    Attributes:
        catalog: As it is after those made so far.
        statements: That make them.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.statements: list[Statement] = []
        self._done: list[tuple[Key, str]] = []
        self._start = catalog
        self._schemas: dict[str, str] = {}
        self._places: dict[Path, str] = {}

    def make(self, renames: Renames, *, strict: bool = True) -> None:
        """Rename functions first, which are told by their arguments, then schemas, then what is in them.

        Columns, constraints, labels and attributes come last; their schema, table or type may be
        named as it was or as it is now.

        Args:
            renames: What to rename.
            strict: Refuse what is not there, instead of passing it over.

        Raises:
            MigrationError: There is nothing of that name.
        """
        left: list[tuple[Path, str]] = []
        for path, new in sorted(renames.items(), key=lambda item: (len(item[0]), item[0])):
            if new is None:
                continue
            key = naming.find(self.catalog, path) if path[-1].endswith(")") else None
            if key is not None and key.kind is Kind.FUNCTION:
                self._make(key, new)
            else:
                left.append((path, new))
        for path, new in sorted(left, key=lambda item: (len(item[0]), item[0][-1].endswith(")"))):
            key = self._find(path)
            if key is not None:
                self._make(key, new)
            elif strict:
                raise unknown(path)

    def inverse(self, after: Catalog) -> Renames:
        """Give the renames that lead back from a later state, for what that state shows."""
        return {
            naming.path_of(key, after): old
            for key, old in self._done
            if naming.exists(after, key) and not naming.exists(self._start, key)
        }

    def _find(self, path: Path) -> Key | None:
        """Find it by its path as said, or with what holds it under the new name."""
        word, (schema, *rest) = naming.said_kind(path)
        here = self._schemas.get(schema, schema)
        for holder in (schema, here):
            for names in (rest, self._moved(here, rest)):
                first = f"{word}:{holder}" if word else holder
                key = naming.find(self.catalog, (first, *names))
                if key is not None:
                    return key
        return None

    def _moved(self, schema: str, rest: list[str]) -> list[str]:
        if len(rest) < 2:
            return rest
        return [self._places.get((schema, rest[0]), rest[0]), *rest[1:]]

    def _make(self, key: Key, new: str) -> None:
        old, wanted = naming.name_of(key), naming.named(key, new)
        if naming.exists(self.catalog, wanted):
            raise MigrationError(
                f"Cannot rename {naming.told([key])} to {new}: there is one of that name already.",
                hint="Rename or drop that one first, in a migration of its own.",
            )
        sql, catalog = self._renamed(key, new)
        self.statements.append(Statement(sql, key.kind, naming.dotted(key), "rename"))
        # Each fact keeps its place in the catalog, whatever it is called.
        now = dict(zip(self.catalog.facts, catalog.facts, strict=True))
        self._done = [*((now.get(done, done), name) for done, name in self._done), (wanted, old)]
        if key.kind is Kind.SCHEMA:
            self._schemas[old] = new
        elif len(key.path) == 2:
            self._places[key.path] = new
        self.catalog = catalog

    def _renamed(self, key: Key, new: str) -> tuple[str, Catalog]:
        """Give the statement, and the catalog after it."""
        catalog, path = self.catalog, key.path
        end = f"TO {ident(new)}"
        if key.kind is Kind.FUNCTION:
            return _function(catalog, key, new)
        if len(path) == 3:
            return _part(catalog, key, new)
        sql = f"ALTER {_NOUNS[key.kind]} {ident(*path)} RENAME {end}"
        if key.kind is Kind.SCHEMA:
            return sql, rewrite.rename_schema(catalog, path[0], new)
        if key.kind in (Kind.SEQUENCE, Kind.INDEX):
            return sql, rewrite.rewritten(catalog, rewrite.rename_fact(key, new))
        return sql, rewrite.rename_place(catalog, (path[0], path[1]), new)


def _function(catalog: Catalog, key: Key, new: str) -> tuple[str, Catalog]:
    schema, name, arguments = key.path
    fact = catalog.find(Function, *key.path)
    noun = "PROCEDURE" if fact is not None and fact.procedure else "FUNCTION"
    sql = f"ALTER {noun} {ident(schema, name)}({arguments}) RENAME TO {ident(new)}"
    return sql, rewrite.rename_function(catalog, key, new)


def _part(catalog: Catalog, key: Key, new: str) -> tuple[str, Catalog]:
    """Rename a column, a constraint, a label or an attribute."""
    holder, old = (key.path[0], key.path[1]), key.path[2]
    on, change = ident(*holder), f"{ident(old)} TO {ident(new)}"
    enum, type_ = catalog.find(Enum, *holder), catalog.find(Composite, *holder)
    if key.kind is Kind.ENUM and enum is not None:
        sql = f"ALTER TYPE {on} RENAME VALUE {literal(old)} TO {literal(new)}"
        return sql, rewrite.rewritten(catalog, rewrite.rename_label(enum, old, new))
    if key.kind is Kind.COMPOSITE and type_ is not None:
        sql = f"ALTER TYPE {on} RENAME ATTRIBUTE {change}"
        return sql, rewrite.rename_attribute(catalog, type_, old, new)
    if key.kind in CONSTRAINTS:
        sql = f"ALTER TABLE {on} RENAME CONSTRAINT {change}"
        return sql, rewrite.rewritten(catalog, rewrite.rename_fact(key, new))
    sql = f"ALTER TABLE {on} RENAME COLUMN {change}"
    return sql, rewrite.rewritten(catalog, rewrite.rename_column(holder, old, new))


def unknown(path: Path) -> MigrationError:
    """Give the error about a name that nothing has."""
    word, plain = naming.said_kind(path)
    what = word or "schema, table, view, type, function, sequence, index, column, label or the like"
    return MigrationError(
        f"Cannot rename {'.'.join(plain)}: there is no such {what}.",
        hint="Name it as it is before the change: schema.table.column.",
    )


def apply_renames(catalog: Catalog, renames: Renames) -> tuple[Catalog, list[Statement]]:
    """Make the renames; give the catalog after them and the statements.

    Raises:
        MigrationError: There is nothing of that name, or something of the new one.
    """
    renaming = Renaming(catalog)
    renaming.make(renames)
    return renaming.catalog, renaming.statements


def renamed_keys(before: Catalog, after: Catalog, renames: Renames) -> set[Key]:
    """Give the keys of what the renames give another name, with what a renamed schema takes along.

    What nobody renames, and a later state does not have under the new name, is not among them.
    """
    renaming = Renaming(before)
    renaming.make(renames, strict=False)
    now = zip(before.facts, renaming.catalog.facts, strict=True)
    return {old for old, new in now if old != new and new in after.facts}


def inverted(renames: Renames, before: Catalog, after: Catalog) -> Renames:
    """Turn renames round, leaving out those that these two states do not show."""
    renaming = Renaming(before)
    renaming.make(renames, strict=False)
    return renaming.inverse(after)


def infer_renames(before: Catalog, after: Catalog) -> tuple[Catalog, list[Statement]]:
    """Rename constraints, indexes and sequences that are equal but for their name.

    Nothing is asked: no row can tell the difference, and a sequence keeps where it stands.
    """
    before, statements = _domain_checks(before, after)
    for old, new in [*_equal_but_name(before, after), *_sequences(before, after)]:
        name = new.path[-1]
        if isinstance(old, Constraint):
            table = ident(*old.path[:2])
            sql = f"ALTER TABLE {table} RENAME CONSTRAINT {ident(old.name)} TO {ident(name)}"
        else:
            noun = "INDEX" if old.kind is Kind.INDEX else "SEQUENCE"
            sql = f"ALTER {noun} {ident(*old.path)} RENAME TO {ident(name)}"
        statements.append(Statement(sql, old.kind, ".".join(old.path), "rename"))
        before = rewrite.rewritten(before, rewrite.rename_fact(old.key, name))
    return before, statements


def _equal_but_name(before: Catalog, after: Catalog) -> Iterator[tuple[Fact, Fact]]:
    new: dict[Fact, list[Fact]] = {}
    for key, fact in after.facts.items():
        if isinstance(fact, Constraint | Index) and key not in before.facts:
            new.setdefault(replace(fact, name=""), []).append(fact)
    taken = {_relation_name(fact) for fact in before.facts.values()}
    for key, fact in before.facts.items():
        if not isinstance(fact, Constraint | Index) or key in after.facts:
            continue
        found = new.get(replace(fact, name=""))
        # A name that another object has until it is dropped cannot be given yet.
        if found and _relation_name(found[0]) not in taken:
            yield fact, found.pop()


def _relation_name(fact: Fact) -> tuple[str, str]:
    return (fact.path[0], fact.path[-1])


def _sequences(before: Catalog, after: Catalog) -> Iterator[tuple[Fact, Fact]]:
    new = {owner.owner: owner for owner in after.of(SequenceOwner) if owner.key not in before.facts}
    for owner in before.of(SequenceOwner):
        other = new.get(owner.owner)
        if owner.key in after.facts or other is None:
            continue
        old = before.find(Sequence, *owner.path)
        wanted = after.find(Sequence, *other.path)
        if old is not None and wanted is not None and wanted.schema == old.schema:
            yield old, wanted


def _domain_checks(before: Catalog, after: Catalog) -> tuple[Catalog, list[Statement]]:
    """Rename checks of domains: one that is dropped and made anew looks at every row again."""
    statements: list[Statement] = []
    for domain in before.of(Domain):
        other = after.find(Domain, *domain.path)
        had, has = dict(domain.checks), dict(other.checks if other is not None else ())
        came = [name for name in has if name not in had]
        for old in [name for name in had if name not in has]:
            new = next((name for name in came if has[name] == had[old]), None)
            if new is None:
                continue
            came.remove(new)
            end = f"RENAME CONSTRAINT {ident(old)} TO {ident(new)}"
            sql = f"ALTER DOMAIN {ident(*domain.path)} {end}"
            statements.append(Statement(sql, domain.kind, ".".join(domain.path), "rename"))
            before = rewrite.rewritten(before, rewrite.rename_domain_check(domain, old, new))
    return before, statements
