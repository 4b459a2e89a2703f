"""What is dropped, made and altered between two catalogs, before any order."""

from dataclasses import dataclass, field

from chatkeep.kit.catalog.fact import Key
from chatkeep.kit.plan.writer import Context


@dataclass
class Changes:
    """The work, by key.

    Attributes:
        alters: SQL that keeps the object.
        finish: SQL that must wait until nothing uses the object's old form.
        retyped: Columns whose type changes.
        carried: Facts dropped, made or altered by the statements of another one's ALTER.
        follows: Facts whose ALTER comes after another one's.
        only: Facts of partitioned tables that are changed without their partitions.
    """

    context: Context
    drops: set[Key] = field(default_factory=set[Key])
    creates: set[Key] = field(default_factory=set[Key])
    alters: dict[Key, list[str]] = field(default_factory=dict[Key, list[str]])
    finish: dict[Key, str] = field(default_factory=dict[Key, str])
    retyped: set[Key] = field(default_factory=set[Key])
    swapped: set[Key] = field(default_factory=set[Key])
    carried: dict[Key, Key] = field(default_factory=dict[Key, Key])
    follows: dict[Key, Key] = field(default_factory=dict[Key, Key])
    only: set[Key] = field(default_factory=set[Key])

    @property
    def replaced(self) -> set[Key]:
        """Facts that are dropped and made anew."""
        return self.drops & self.creates

    def keys(self) -> set[Key]:
        """Every fact that is touched."""
        return self.drops | self.creates | set(self.alters)

    def alone(self, key: Key, sql: str) -> str:
        """Keep a change of a partitioned table from its partitions, which have one of their own."""
        return sql.replace("ALTER TABLE ", "ALTER TABLE ONLY ", 1) if key in self.only else sql

    def replace(self, key: Key) -> None:
        """Drop a fact and make it anew."""
        self.alters.pop(key, None)
        self.drops.add(key)
        self.creates.add(key)
