"""What the folder shall lead to: tables, and the functions and triggers that go with them.

The kit knows a schema object only by these shapes; any MetaData of a user's own will do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sqlalchemy import MetaData

from chatkeep.errors import ConfigError


class ExtraLike(Protocol):
    """A function or trigger: `create` makes or replaces it."""

    @property
    def create(self) -> str:
        """The statement that makes it."""
        ...


class StageLike(Protocol):
    """A step on the way to the schema: a state to reach, or statements to run."""

    @property
    def name(self) -> str:
        """Goes into the migration's name: `expand`."""
        ...

    @property
    def summary(self) -> str:
        """What the step does and why, for the head of the file."""
        ...

    @property
    def metadata(self) -> MetaData | None:
        """Tables of the state to reach; None where the step runs statements."""
        ...

    @property
    def extras(self) -> Sequence[ExtraLike]:
        """Functions and triggers of that state."""
        ...

    @property
    def statements(self) -> Sequence[str]:
        """What to run where there is no state to reach."""
        ...


@runtime_checkable
class SchemaLike(Protocol):
    """A schema object of `chatkeep.schema`, or anything of its shape."""

    @property
    def metadata(self) -> MetaData:
        """The tables."""
        ...

    @property
    def extras(self) -> Sequence[ExtraLike]:
        """Functions and triggers, in the order in which they can be created."""
        ...

    @property
    def stages(self) -> Sequence[StageLike]:
        """Steps that lead an older edition here, or none."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """A state of a database, told by tables and extras."""

    metadata: MetaData
    extras: tuple[ExtraLike, ...] = ()

    def using(self) -> dict[tuple[str, str, str], str]:
        """Give the USING expressions of `Column.info["using"]`, by (schema, table, column).

        Raises:
            ConfigError: One of them is not a text.
        """
        found: dict[tuple[str, str, str], str] = {}
        for table in self.metadata.tables.values():
            for column in table.columns:
                using: object = column.info.get("using")
                if isinstance(using, str):
                    found[table.schema or "public", table.name, column.name] = using
                elif using is not None:
                    raise ConfigError(
                        f'info["using"] of column {column} is of type {type(using).__name__}, not a text.',
                        hint="Write the SQL that makes the new value of the old one.",
                    )
        return found


@dataclass(frozen=True, slots=True)
class Target:
    """Where the folder shall lead, and how an older edition gets there.

    Attributes:
        prefix: Stands before the tables' names; left out of migrations' names.
    """

    state: State
    stages: tuple[StageLike, ...] = ()
    prefix: str = ""

    @property
    def full_names(self) -> dict[str, str]:
        """Constraint names that PostgreSQL cut, to those by which drizzle-kit knows them."""
        states = [self.state.metadata]
        states += [stage.metadata for stage in self.stages if stage.metadata is not None]
        return {
            str(constraint.name): str(constraint.info["drizzle_name"])
            for metadata in states
            for table in metadata.tables.values()
            for constraint in table.constraints
            if "drizzle_name" in constraint.info
        }


def target_of(schema: object, reference: str = "the schema") -> Target:
    """Take a schema object or a MetaData for what the folder shall lead to.

    Raises:
        ConfigError: It is neither; `reference` is what the message calls it.
    """
    if isinstance(schema, MetaData):
        return Target(State(schema))
    if isinstance(schema, SchemaLike):
        prefix: object = getattr(schema, "prefix", "")
        state = State(schema.metadata, tuple(schema.extras))
        return Target(state, tuple(schema.stages), prefix if isinstance(prefix, str) else "")
    raise ConfigError(
        f"{reference} is a {type(schema).__name__}, neither a schema nor a MetaData.",
        hint="`schema` in the configuration names a Schema object: package.module:name.",
    )
