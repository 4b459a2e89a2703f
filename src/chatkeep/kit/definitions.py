"""What the objects of a catalog are, as the SQL that makes them, to be read."""

from collections.abc import Iterator

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Check
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.tables import Column, SequenceOwner, Table
from chatkeep.kit.plan.kinds.create_table import create_table
from chatkeep.kit.plan.registry import WRITERS

_INLINE = {Kind.COLUMN, Kind.DEFAULT, Kind.PRIMARY_KEY, Kind.UNIQUE, Kind.CHECK}


def holder(catalog: Catalog, key: Key) -> Key:
    """Give the object under which a person looks for this one: its table, its view, or itself."""
    while (parent := _parent(catalog, key)) is not None:
        key = parent
    return key


def definition(catalog: Catalog, key: Key) -> str:
    """Give the SQL that makes an object with all that belongs to it; "" where it is not there."""
    fact = catalog.facts.get(key)
    if fact is None:
        return ""
    parts = [fact, *_parts(catalog, key)]
    statements = [sql for part in parts for sql in _own(catalog, part)]
    return "".join(f"{_laid_out(sql)};\n" for sql in dict.fromkeys(statements))


def _laid_out(sql: str) -> str:
    """Give a statement to read: a constraint of its own goes to a second line."""
    return sql.rstrip().rstrip(";").replace(" ADD CONSTRAINT ", "\n\tADD CONSTRAINT ", 1)


def _own(catalog: Catalog, fact: Fact) -> list[str]:
    if isinstance(fact, Table):
        return create_table(catalog, fact, lambda key: _is_inline(catalog.facts.get(key)))
    return WRITERS[fact.kind].create(fact)


def _parts(catalog: Catalog, key: Key) -> Iterator[Fact]:
    """Give what belongs to an object and is not said by the SQL of its own."""
    work = sorted(catalog.children(key), key=lambda fact: fact.key)
    while work:
        fact = work.pop(0)
        work += sorted(catalog.children(fact.key), key=lambda each: each.key)
        if not _is_inline(fact):
            yield fact


def _is_inline(fact: Fact | None) -> bool:
    """Whether CREATE TABLE says it; a check that is not valid it would take for proved."""
    if isinstance(fact, Check) and "NOT VALID" in fact.extra:
        return False
    return fact is None or fact.kind in _INLINE or fact.kind is Kind.SEQUENCE


def _parent(catalog: Catalog, key: Key) -> Key | None:
    fact = catalog.facts.get(key)
    if fact is None:
        return None
    if key.kind is Kind.SEQUENCE:  # a serial's goes with its column
        owner = catalog.find(SequenceOwner, *key.path)
        column = catalog.facts.get(owner.owner) if owner else None
        serial = catalog.serial_sequence(column) if isinstance(column, Column) else None
        return column.key if column and serial and serial.key == key else None
    return fact.parent if fact.parent in catalog.facts else None
