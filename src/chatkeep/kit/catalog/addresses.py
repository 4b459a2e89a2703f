"""PostgreSQL's addresses of objects (class, object, part), and the facts that they mean."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chatkeep.kit.catalog.fact import Fact, Key

TYPE, FUNCTION, RELATION = 1247, 1255, 1259
DEFAULT, CONSTRAINT, NAMESPACE, TRIGGER = 2604, 2606, 2615, 2620
RULE, COLLATION, EVENT_TRIGGER = 2618, 3456, 3466
EXTENSION, POLICY, STATISTICS, PUBLICATION = 3079, 3256, 3381, 6104
"""OIDs of the catalogs themselves; PostgreSQL has never changed one."""

Address = tuple[int, int, int]


@dataclass
class Found:
    """Facts with where PostgreSQL keeps them, while a catalog is being read."""

    facts: dict[Key, Fact] = field(default_factory=dict[Key, Fact])
    keys: dict[Address, Key] = field(default_factory=dict[Address, Key])
    aliases: dict[tuple[int, int], Address] = field(default_factory=dict[tuple[int, int], Address])

    def add(self, fact: Fact, catalog: int, object_id: int, part: int = 0) -> None:
        """Take in a fact and its address."""
        self.facts[fact.key] = fact
        self.keys[catalog, object_id, part] = fact.key

    def note(self, fact: Fact) -> None:
        """Take in a fact that pg_depend has no address for."""
        self.facts[fact.key] = fact

    def resolve(self, catalog: int, object_id: int, part: int) -> Key | None:
        """Give the fact at an address: the part's own, or that of the whole."""
        address = (catalog, object_id, part)
        for _ in range(4):  # rule of a view -> view; array -> element -> row type -> table
            found = self.keys.get(address) or self.keys.get((*address[:2], 0))
            if found is not None:
                return found
            target = self.aliases.get(address[:2])
            if target is None:
                return None
            address = target
        return None

    def dependencies(self, rows: Iterable[tuple[Address, Address]]) -> dict[Key, frozenset[Key]]:
        """Turn pg_depend into keys, with each fact's parent added."""
        found: dict[Key, set[Key]] = {key: set() for key in self.facts}
        for dependent, needed in rows:
            key, other = self.resolve(*dependent), self.resolve(*needed)
            if key is not None and other is not None and key != other:
                found[key].add(other)
        for key, fact in self.facts.items():
            if fact.parent is not None and fact.parent in self.facts:
                found[key].add(fact.parent)
        return {key: frozenset(needs) for key, needs in found.items()}
