"""Columns and their defaults."""

from dataclasses import replace

from chatkeep.kit.catalog.catalog import SERIAL_LIMITS, default_name
from chatkeep.kit.catalog.tables import Column, Default, Identity, SequenceOptions
from chatkeep.kit.plan.kinds.losses import base_type
from chatkeep.kit.plan.kinds.sequences import changed_words, lift, option_words
from chatkeep.kit.plan.kinds.tables import option_changes
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.plan.writer import Context, Writer

_TEXTS = ("text", "character varying")
_TEXTUAL = (*_TEXTS, "character")
_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_TIMES = ("timestamp without time zone", "timestamp with time zone", "date")
_ZONED = ("timestamp with time zone", "timestamp without time zone")
_DIRECT = {("json", "jsonb"), ("jsonb", "json"), ("integer", "boolean"), ("boolean", "integer")} | {
    ("jsonb", type_) for type_ in (*_NUMBERS, "boolean")
}
"""Pairs of different families that PostgreSQL casts without going through text."""


def head(column: Column | Default) -> str:
    """Give ALTER TABLE … ALTER COLUMN …."""
    return f"ALTER TABLE {ident(*column.path[:2])} ALTER COLUMN {ident(column.name)}"


def identity_words(column: Column, identity: Identity) -> str:
    """Give GENERATED … AS IDENTITY with every option."""
    name = ident(column.schema, identity.sequence)
    mode = "ALWAYS" if identity.always else "BY DEFAULT"
    words = f"SEQUENCE NAME {name} {option_words(identity.options)}"
    return f"GENERATED {mode} AS IDENTITY ({words})"


def type_family(type_: str) -> str:
    """Give what makes types comparable with each other: `text` for a varchar, and so on."""
    base = base_type(type_)
    for family in (_TEXTS, _NUMBERS):
        if base in family:
            return family[0]
    return base


def needs_using(before: str, after: str) -> bool:
    """Say whether PostgreSQL has no assignment cast for a change of type.

    Where it has one, that one is used: it refuses a text that is too long, which `::` would cut.
    """
    old, new = base_type(before), base_type(after)
    if old == new or new in _TEXTUAL:
        return False  # everything casts to text on assignment
    if old.endswith("[]") and new.endswith("[]"):
        return needs_using(old.removesuffix("[]"), new.removesuffix("[]"))
    return not any(old in family and new in family for family in (_NUMBERS, _TIMES))


def set_type(before: Column, after: Column, context: Context) -> list[str]:
    """Give the change of type, with USING where PostgreSQL needs it or the caller gave it."""
    sql = f"{head(after)} SET DATA TYPE {after.type}"
    if after.collation or before.collation:
        sql += f" COLLATE {after.collation}" if after.collation else ""
    given = context.using.get((after.schema, after.table, after.name))
    using = given or _in_utc(before, after)
    if using is None and needs_using(before.type, after.type):
        using = f"{ident(after.name)}{_through(before, after)}::{after.type}"
    return [f"{sql} USING {using}" if using else sql]


def _in_utc(before: Column, after: Column) -> str | None:
    """Cast times with a zone to such without, and back, as UTC.

    PostgreSQL's own cast takes the session's zone, and two databases migrated from two places
    would differ.
    """
    old, new = base_type(before.type), base_type(after.type)
    name = ident(after.name)
    if (old, new) in {_ZONED, _ZONED[::-1]}:
        return f"{name} AT TIME ZONE 'UTC'"
    if old == _ZONED[0] and new in {"date", "time without time zone"}:
        return f"({name} AT TIME ZONE 'UTC')::{after.type}"
    if (old, new) == ("date", _ZONED[0]):
        return f"{name}::timestamp AT TIME ZONE 'UTC'"
    return None


def _through(before: Column, after: Column) -> str:
    """Cast by way of text where PostgreSQL has no cast of its own."""
    if before.type.endswith("[]") != after.type.endswith("[]"):
        scalars = [c.type for c in (before, after) if not c.type.endswith("[]")]
        return "" if type_family(scalars[0]) == "text" else "::text"
    old, new = (base_type(c.type).removesuffix("[]") for c in (before, after))
    families = (type_family(old), type_family(new))
    known = "text" in families or families[0] == families[1] or (old, new) in _DIRECT
    return "" if known or (old in _TIMES and new in _TIMES) else "::text"


def _alter(before: Column, after: Column, context: Context) -> list[str] | None:
    out = _generated(before, after, context)
    if out is None:
        return None
    start = head(after)
    if before.identity and not after.identity:
        out.append(f"{start} DROP IDENTITY")
    if before.type != after.type:
        if before.compression and not after.compression:
            out.append(f"{start} SET COMPRESSION default")  # the new type may know none
            before = replace(before, compression=None)
        before_type, before = before, replace(before, storage=None)  # PostgreSQL takes the type's
        out += set_type(before_type, after, context)
    elif before.collation != after.collation:
        out += set_type(before, after, context)
    out += _not_null(before, after)
    if after.identity:
        out += _identity(before, after, after.identity)
    return out + _storage(before, after)


def _not_null(before: Column, after: Column) -> list[str]:
    start, table = head(after), f"ALTER TABLE {ident(*after.path[:2])}"
    if not after.not_null:
        return [f"{start} DROP NOT NULL"] if before.not_null else []
    usual = default_name(after.table, after.name, "not_null")
    name = after.not_null_name or before.not_null_name or usual
    if before.not_null and before.not_null_form == after.not_null_form:
        old = before.not_null_name or usual
        if after.not_null_name and old != name:
            return [f"{table} RENAME CONSTRAINT {ident(old)} TO {ident(name)}"]
        return []
    if before.not_null and before.not_null_form == " NOT VALID" and not after.not_null_form:
        return [f"{table} VALIDATE CONSTRAINT {ident(before.not_null_name or usual)}"]
    out = [f"{start} DROP NOT NULL"] if before.not_null else []
    if not after.not_null_form and not after.not_null_name:
        return [*out, f"{start} SET NOT NULL"]
    words = f"NOT NULL {ident(after.name)}{after.not_null_form}"
    return [*out, f"{table} ADD CONSTRAINT {ident(name)} {words}"]


def _generated(before: Column, after: Column, context: Context) -> list[str] | None:
    old, new = before.generated, after.generated
    if old == new:
        return []
    if old and new and old.stored == new.stored and context.before.version >= 17:
        return [f"{head(after)} SET EXPRESSION AS ({new.expression})"]
    if old and not new and old.stored:
        return [f"{head(after)} DROP EXPRESSION"]
    return None


def _identity(before: Column, after: Column, wanted: Identity) -> list[str]:
    if before.identity is None:
        return [f"{head(after)} ADD {identity_words(after, wanted)}"]
    out: list[str] = []
    if before.identity.sequence != wanted.sequence:
        old = ident(after.schema, before.identity.sequence)
        out.append(f"ALTER SEQUENCE {old} RENAME TO {ident(wanted.sequence)}")
    words: list[str] = []
    if before.identity.always != wanted.always:
        words.append(f"SET GENERATED {'ALWAYS' if wanted.always else 'BY DEFAULT'}")
    had = _retyped(before.identity.options, wanted.options)
    words += [f"SET {word}" for word in changed_words(had, wanted.options)]
    out += lift((after.schema, wanted.sequence), had, wanted.options)
    return [*out, f"{head(after)} {' '.join(words)}"] if words else out


def _retyped(options: SequenceOptions, wanted: SequenceOptions) -> SequenceOptions:
    """Give the options after PostgreSQL changed the type along with the column's."""
    if options.type == wanted.type:
        return options
    low, high = options.minimum, options.maximum
    limit, new_limit = SERIAL_LIMITS[options.type], SERIAL_LIMITS[wanted.type]
    return SequenceOptions(
        wanted.type,
        options.start,
        options.increment,
        -new_limit - 1 if low == -limit - 1 else low,
        new_limit if high == limit else high,
        options.cache,
        options.cycle,
    )


def _storage(before: Column, after: Column) -> list[str]:
    start, out = head(after), list[str]()
    if before.storage != after.storage:
        # The type's own strategy has no name before PostgreSQL 16 knew DEFAULT.
        out.append(f"{start} SET STORAGE {after.storage or 'EXTENDED'}")
    if before.compression != after.compression:
        out.append(f"{start} SET COMPRESSION {after.compression or 'default'}")
    if before.statistics != after.statistics:
        out.append(f"{start} SET STATISTICS {-1 if after.statistics is None else after.statistics}")
    return out + option_changes(start, before.options, after.options)


def leftovers(column: Column) -> list[str]:
    """Give what a column definition cannot say on every version."""
    out: list[str] = []
    if column.storage is not None:
        out.append(f"{head(column)} SET STORAGE {column.storage}")
    if column.statistics is not None:
        out.append(f"{head(column)} SET STATISTICS {column.statistics}")
    if column.not_null_form:
        out += _not_null(replace(column, not_null=False), column)
    return out + option_changes(head(column), (), column.options)


def _set_default(fact: Default) -> list[str]:
    return [f"{head(fact)} SET DEFAULT {fact.expression}"]


def _alter_default(before: Default, after: Default, context: Context) -> list[str] | None:
    del before, context
    return _set_default(after)


COLUMN = Writer[Column](
    leftovers,
    lambda f: f"ALTER TABLE {ident(*f.path[:2])} DROP COLUMN {ident(f.name)}",
    _alter,
)
"""`create` gives only what the column's definition cannot say."""

DEFAULT = Writer[Default](_set_default, lambda f: f"{head(f)} DROP DEFAULT", _alter_default)
