"""Schemas, extensions, enums, domains and composite types."""

from chatkeep.kit.catalog.types import (
    Collation,
    Composite,
    Domain,
    Enum,
    Extension,
    Range,
    Schema,
)
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.plan.writer import Context, Writer, replaced


def _extension(fact: Extension) -> list[str]:
    version = f" VERSION {literal(fact.version)}" if fact.version else ""
    words = f"WITH SCHEMA {ident(fact.schema)}{version}"
    return [f"CREATE EXTENSION IF NOT EXISTS {ident(fact.name)} {words}"]


def _alter_extension(before: Extension, after: Extension, context: Context) -> list[str] | None:
    del context
    head, out = f"ALTER EXTENSION {ident(after.name)}", list[str]()
    if before.version != after.version:
        out.append(f"{head} UPDATE{f' TO {literal(after.version)}' if after.version else ''}")
    if before.schema != after.schema:
        out.append(f"{head} SET SCHEMA {ident(after.schema)}")
    return out


def _enum(fact: Enum) -> list[str]:
    labels = ", ".join(map(literal, fact.labels))
    return [f"CREATE TYPE {ident(*fact.path)} AS ENUM({labels})"]


def added_labels(before: Enum, after: Enum) -> list[str] | None:
    """Give the new labels when all old ones are still there in their order, else None."""
    rest = iter(after.labels)
    if not all(label in rest for label in before.labels):
        return None
    return [label for label in after.labels if label not in before.labels]


def _alter_enum(before: Enum, after: Enum, context: Context) -> list[str] | None:
    del context
    added = added_labels(before, after)
    if added is None:
        return None
    out: list[str] = []
    for label in added:
        at = after.labels.index(label)
        old = [other for other in after.labels[at + 1 :] if other in before.labels]
        place = f" AFTER {literal(after.labels[at - 1])}" if at else ""
        if old and not place:
            place = f" BEFORE {literal(old[0])}"
        if not old:
            place = ""
        out.append(f"ALTER TYPE {ident(*after.path)} ADD VALUE {literal(label)}{place}")
    return out


def _domain(fact: Domain) -> list[str]:
    parts = [f"CREATE DOMAIN {ident(*fact.path)} AS {fact.base}"]
    parts += [f"COLLATE {fact.collation}"] if fact.collation else []
    parts += [f"DEFAULT {fact.default}"] if fact.default else []
    parts += ["NOT NULL"] if fact.not_null else []
    parts += [f"CONSTRAINT {ident(name)} {text}" for name, text in fact.checks]
    return [" ".join(parts)]


def _alter_domain(before: Domain, after: Domain, context: Context) -> list[str] | None:
    del context
    if (before.base, before.collation) != (after.base, after.collation):
        return None
    head = f"ALTER DOMAIN {ident(*after.path)}"
    old, new = dict(before.checks), dict(after.checks)
    out = [f"{head} DROP CONSTRAINT {ident(n)}" for n in old if new.get(n) != old[n]]
    out += [f"{head} ADD CONSTRAINT {ident(n)} {d}" for n, d in new.items() if old.get(n) != d]
    if before.not_null != after.not_null:
        out.append(f"{head} {'SET' if after.not_null else 'DROP'} NOT NULL")
    if before.default != after.default:
        change = f"SET DEFAULT {after.default}" if after.default else "DROP DEFAULT"
        out.append(f"{head} {change}")
    return out


def _composite(fact: Composite) -> list[str]:
    attributes = ", ".join(f"{ident(name)} {type_}" for name, type_ in fact.attributes)
    return [f"CREATE TYPE {ident(*fact.path)} AS ({attributes})"]


def _alter_composite(before: Composite, after: Composite, context: Context) -> list[str] | None:
    del context
    head = f"ALTER TYPE {ident(*after.path)}"
    old, new = dict(before.attributes), dict(after.attributes)
    kept = [name for name in old if name in new]
    if [*kept, *(name for name in new if name not in old)] != list(new):
        return None
    out = [f"{head} DROP ATTRIBUTE {ident(n)} CASCADE" for n in old if n not in new]
    for name, type_ in new.items():
        if name not in old:
            out.append(f"{head} ADD ATTRIBUTE {ident(name)} {type_} CASCADE")
        elif old[name] != type_:
            out.append(f"{head} ALTER ATTRIBUTE {ident(name)} SET DATA TYPE {type_} CASCADE")
    return out


def _no_change(before: Schema, after: Schema, context: Context) -> list[str] | None:
    del before, after, context
    return []


def _range(fact: Range) -> list[str]:
    words = ", ".join(f"{name} = {value}" for name, value in fact.options)
    return [f"CREATE TYPE {ident(*fact.path)} AS RANGE ({words})"]


def _collation(fact: Collation) -> list[str]:
    words = ", ".join(f"{name} = {value}" for name, value in fact.options)
    return [f"CREATE COLLATION {ident(*fact.path)} ({words})"]


RANGE = Writer[Range](_range, lambda f: f"DROP TYPE {ident(*f.path)}", replaced)
COLLATION = Writer[Collation](_collation, lambda f: f"DROP COLLATION {ident(*f.path)}", replaced)
SCHEMA = Writer[Schema](
    lambda f: [f"CREATE SCHEMA {ident(f.name)}"],
    lambda f: f"DROP SCHEMA {ident(f.name)}",
    _no_change,
)
EXTENSION = Writer[Extension](
    _extension, lambda f: f"DROP EXTENSION {ident(f.name)}", _alter_extension
)
ENUM = Writer[Enum](_enum, lambda f: f"DROP TYPE {ident(*f.path)}", _alter_enum)
DOMAIN = Writer[Domain](_domain, lambda f: f"DROP DOMAIN {ident(*f.path)}", _alter_domain)
COMPOSITE = Writer[Composite](_composite, lambda f: f"DROP TYPE {ident(*f.path)}", _alter_composite)
