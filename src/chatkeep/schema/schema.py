"""A schema: the tables of an application under a prefix, and what goes with them.

Use one of the presets as it is:

    schema = deepsearch.schema(prefix="ai-app-template_")
    select(schema.users.c.id, schema.users.c.name)     # typed: Select[str, str | None]

or extend it. Columns, record and inputs are subclasses of the preset's; a table of your own is a
`TableDef`. The new classes go into the brackets, so that `Database(schema)` is typed by them:

    class AppUserColumns(deepsearch.UserColumns):
        home_city: Named[str | None] = Column(Text)

    class AppUser(User):
        home_city: str | None = None

    class NewAppUser(NewUser):
        home_city: str | None = None

    class AppSchema(deepsearch.Schema[AppUser, NewAppUser]):
        users = deepsearch.Schema.users.extend(AppUserColumns, record=AppUser, new=NewAppUser)
        itineraries = TableDef("itinerary", ItineraryColumns, (
            foreign_key("user_id", references="users", on_delete="cascade"),
            index("user_id"),
        ))

    schema = AppSchema(prefix="x_")

What the layers above read: `prefix`, `edition`, `seed_writers`, `metadata`, `tables` (by
attribute), `table_name("user")`, `records["users"]`, `inputs["users"]`, `changes["users"]`,
`relations["users"]`, `extras` and `stages`. Every schema has a MetaData of its own: two presets, or two prefixes, live in
one process and in one database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeAlias, get_args

from sqlalchemy import MetaData
from typing_extensions import TypeVar, get_original_bases

from chatkeep.errors import ConfigError
from chatkeep.inputs.base import Changes, Input
from chatkeep.records.base import Record
from chatkeep.schema.extras import Extra, extension
from chatkeep.schema.naming import Naming
from chatkeep.schema.relations import Declarations, Declared, Relations, relations_of
from chatkeep.schema.security import check_role, security_extras
from chatkeep.schema.tables import TableDef, build_tables, new_metadata

if TYPE_CHECKING:
    from chatkeep.schema.parts import Tables

Edition: TypeAlias = Literal["seed", "hardened"]
Security: TypeAlias = Literal["rls"]

UserT = TypeVar("UserT", bound=Record, default=Record)
NewUserT = TypeVar("NewUserT", bound=Input, default=Input)
SessionT = TypeVar("SessionT", bound=Record, default=Record)
NewSessionT = TypeVar("NewSessionT", bound=Input, default=Input)


@dataclass(frozen=True)
class Stage:
    """One step on the way from the seed's edition to this one.

    Either a state to reach (`metadata` and `extras`) or statements to run (`metadata` is None).
    `safe_statements` are run instead where big tables are written to meanwhile: they work in
    batches.
    """

    name: str
    summary: str
    metadata: MetaData | None = None
    extras: tuple[Extra, ...] = ()
    statements: tuple[str, ...] = ()
    safe_statements: tuple[str, ...] = ()


class Schema(Generic[UserT, NewUserT, SessionT, NewSessionT]):
    """Base of the presets' schemas. Make an instance for each prefix.

    Args:
        prefix: Stands before the name of every table, index, constraint and function.
        seed_writers: Whether code written for the seed writes to the same database; adds the
            triggers that fill what such code does not know.
        security: "rls" for row-level security: a user's scope then runs under `app_role`, and
            PostgreSQL itself shows it nobody else's rows.
        app_role: Name of that role; `<prefix>app` unless given.

    Raises:
        ConfigError: A table's name would be longer than 63 bytes, a class in the brackets is
            not the record or input of its table, or the security or role is none.
    """

    edition: ClassVar[Edition] = "hardened"
    definitions: ClassVar[Mapping[str, TableDef[Any]]] = MappingProxyType({})
    declared_relations: ClassVar[Declarations] = MappingProxyType({})
    """Relations that foreign keys leave unclear: see `chatkeep.schema.relations`. A class adds
    to what its base declares."""
    app_grants: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
    """What the application role may do with a table, by its attribute, where a user's scope needs
    less than to read and write it. For row-level security."""

    def __init__(
        self,
        prefix: str = "",
        *,
        seed_writers: bool = False,
        security: Security | None = None,
        app_role: str | None = None,
    ) -> None:
        if security not in (None, *get_args(Security)):
            raise ConfigError('security must be "rls", or None.')
        if app_role is not None and security is None:
            raise ConfigError('An app_role goes with security="rls".')
        self.prefix = prefix
        self.seed_writers = seed_writers
        self.security = security
        self.app_role = Naming(prefix).other("app") if app_role is None else app_role
        if security == "rls":
            check_role(self.app_role)
        self.metadata = new_metadata()
        self.tables: Tables = build_tables(self.definitions, prefix, self.metadata)

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - Python's signature
        """Collect the tables, the base's first, and compare them with the brackets."""
        super().__init_subclass__(**kwargs)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, TableDef)}
        cls.definitions = MappingProxyType({**cls.definitions, **own})
        _check_brackets(cls)
        if "declared_relations" in vars(cls):
            cls.declared_relations = _all_declared(cls)
            _relations(cls, build_tables(cls.definitions, "", new_metadata()))  # refuses wrong ones

    def table_name(self, logical: str) -> str:
        """Give a table's full name: `schema.table_name("message")`."""
        return Naming(self.prefix).table(logical)

    @property
    def records(self) -> Mapping[str, type[Record]]:
        """Record classes by the attribute of their table."""
        return {name: d.record for name, d in self.definitions.items() if d.record is not None}

    @property
    def inputs(self) -> Mapping[str, type[Input]]:
        """Inputs for new rows by the attribute of their table."""
        return {name: d.new for name, d in self.definitions.items() if d.new is not None}

    @property
    def changes(self) -> Mapping[str, type[Changes]]:
        """Inputs for changes by the attribute of their table."""
        return {name: d.changes for name, d in self.definitions.items() if d.changes is not None}

    @cached_property
    def relations(self) -> Relations:
        """Relations by the attribute of their table and their name."""
        return _relations(type(self), self.tables)

    @property
    def extras(self) -> tuple[Extra, ...]:
        """Functions, triggers and policies, in the order in which they can be created."""
        extras = (*self.extensions(), *self.own_extras())
        if self.seed_writers:
            extras = (*extras, *self.seed_writer_extras())
        if self.security != "rls":
            return extras
        secured = security_extras(self.tables, self.app_role, self.app_grants)
        return (*extras, *secured, *self.app_extras())

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Steps from the seed's edition to this one; none for the seed's edition itself."""
        return ()

    def extensions(self) -> tuple[Extra, ...]:
        """Give what the tables need that PostgreSQL does not have by itself."""
        needed = {name: None for table in self.definitions.values() for name in table.needs}
        return tuple(extension(name) for name in needed)

    def own_extras(self) -> tuple[Extra, ...]:
        """Functions that the tables themselves need."""
        return ()

    def app_extras(self) -> tuple[Extra, ...]:
        """What the application role needs beside the tables."""
        return ()

    def seed_writer_extras(self) -> tuple[Extra, ...]:
        """Functions and triggers that fill what code of the seed does not know."""
        return ()

    def transition_metadata(self) -> MetaData:
        """Build the tables in the form in which both old and new code can write."""
        metadata = new_metadata()
        build_tables(self.definitions, self.prefix, metadata, in_transition=True)
        return metadata


def _all_declared(cls: type[Schema[Any, Any, Any, Any]]) -> Declarations:
    found: dict[str, dict[str, Declared]] = {}
    for base in reversed(cls.__mro__):
        own: Declarations = vars(base).get("declared_relations", {})
        for table, relations in own.items():
            found.setdefault(table, {}).update(relations)
    return found


def _relations(cls: type[Schema[Any, Any, Any, Any]], tables: "Tables") -> Relations:
    names = {logical: definition.name for logical, definition in cls.definitions.items()}
    return relations_of(tables, names, cls.declared_relations)


def _check_brackets(cls: type[Schema[Any, Any, Any, Any]]) -> None:
    users, sessions = cls.definitions.get("users"), cls.definitions.get("sessions")
    expected = (
        users and users.record,
        users and users.new,
        sessions and sessions.record,
        sessions and sessions.new,
    )
    places = ("record of users", "input of users", "record of sessions", "input of sessions")
    for base in get_original_bases(cls):
        for place, given, wanted in zip(places, get_args(base), expected, strict=False):
            if isinstance(given, type) and wanted is not None and given is not wanted:
                raise ConfigError(
                    f"{cls.__name__} says {given.__name__} in its brackets,"
                    f" but the {place} is {wanted.__name__}.",
                    hint="Give the table the same class, with extend(record=..., new=...).",
                )
