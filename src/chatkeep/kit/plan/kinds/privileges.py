"""Owners, grants and default privileges."""

from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.privileges import DefaultPrivileges, Grant, Owner, Privileged
from chatkeep.kit.catalog.programs import Function
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.plan.writer import Context, Writer


def _name(target: Key) -> str:
    if target.kind is Kind.FUNCTION:
        return f"{ident(*target.path[:2])}({target.path[2]})"
    return ident(*(target.path[:2] if target.kind is Kind.COLUMN else target.path))


def _on(fact: Privileged) -> str:
    return f"{fact.noun} {_name(fact.target)}"


def _list(fact: Grant, privileges: tuple[str, ...]) -> str:
    if fact.target.kind is Kind.COLUMN:
        column = ident(fact.target.path[2])
        return ", ".join(f"{privilege} ({column})" for privilege in privileges)
    return ", ".join(privileges)


def _give(fact: Grant, privileges: tuple[str, ...], *, option: bool = False) -> list[str]:
    end = " WITH GRANT OPTION" if option else ""
    words = f"GRANT {_list(fact, privileges)} ON {_on(fact)} TO {fact.role}{end}"
    return [words] if privileges else []


def _take(fact: Grant, privileges: tuple[str, ...], *, option: bool = False) -> list[str]:
    what = f"{'GRANT OPTION FOR ' if option else ''}{_list(fact, privileges)}"
    return [f"REVOKE {what} ON {_on(fact)} FROM {fact.role}"] if privileges else []


def _change(before: Grant, after: Grant) -> list[str]:
    had, has = {*before.granted, *before.grantable}, {*after.granted, *after.grantable}
    demoted = set(before.grantable) & set(after.granted)
    new = set(after.granted) - had
    return [
        *_take(after, tuple(sorted(had - has))),
        *_take(after, tuple(sorted(demoted)), option=True),
        *_take(after, tuple(sorted(set(after.revoked) - set(before.revoked)))),
        *_give(after, tuple(sorted(set(before.revoked) - set(after.revoked) - new))),
        *_give(after, tuple(sorted(new))),
        *_give(after, tuple(sorted(set(after.grantable) - set(before.grantable))), option=True),
    ]


def _none(fact: Grant) -> Grant:
    return Grant(fact.target, fact.holder, fact.noun, fact.role, (), (), ())


def _alter(before: Grant, after: Grant, context: Context) -> list[str] | None:
    del context
    return _change(before, after)


def _own(fact: Owner) -> list[str]:
    return [f"ALTER {_on(fact)} OWNER TO {fact.role}"]


def _alter_owner(before: Owner, after: Owner, context: Context) -> list[str] | None:
    del before, context
    return _own(after)


def _head(fact: DefaultPrivileges) -> str:
    maker = f" FOR ROLE {fact.maker}" if fact.maker else ""
    schema = f" IN SCHEMA {ident(fact.schema)}" if fact.schema else ""
    return f"ALTER DEFAULT PRIVILEGES{maker}{schema}"


def _default(fact: DefaultPrivileges) -> list[str]:
    head, to = _head(fact), f"ON {fact.objects} TO {fact.role}"
    out: list[str] = []
    if fact.revoked:
        out.append(f"{head} REVOKE {', '.join(fact.revoked)} ON {fact.objects} FROM {fact.role}")
    if fact.granted:
        out.append(f"{head} GRANT {', '.join(fact.granted)} {to}")
    if fact.grantable:
        out.append(f"{head} GRANT {', '.join(fact.grantable)} {to} WITH GRANT OPTION")
    return out


def _drop_default(fact: DefaultPrivileges) -> list[str]:
    head, given = _head(fact), (*fact.granted, *fact.grantable)
    out: list[str] = []
    if given:
        out.append(f"{head} REVOKE {', '.join(given)} ON {fact.objects} FROM {fact.role}")
    if fact.revoked:
        out.append(f"{head} GRANT {', '.join(fact.revoked)} ON {fact.objects} TO {fact.role}")
    return out


def _alter_default(
    before: DefaultPrivileges, after: DefaultPrivileges, context: Context
) -> list[str] | None:
    del context
    return [*_drop_default(before), *_default(after)]


_OBJECTS = {
    Kind.TABLE: "TABLES",
    Kind.VIEW: "TABLES",
    Kind.MATERIALIZED_VIEW: "TABLES",
    Kind.SEQUENCE: "SEQUENCES",
    Kind.FUNCTION: "FUNCTIONS",
    Kind.ENUM: "TYPES",
    Kind.DOMAIN: "TYPES",
    Kind.COMPOSITE: "TYPES",
    Kind.RANGE: "TYPES",
    Kind.SCHEMA: "SCHEMAS",
}
_NOUNS = {"TABLES": "TABLE", "SEQUENCES": "SEQUENCE", "TYPES": "TYPE", "SCHEMAS": "SCHEMA"}


def undo_defaults(fact: Fact, context: Context) -> list[str]:
    """Take from a new object what default privileges give it and it shall not have."""
    objects = _OBJECTS.get(fact.kind)
    if objects is None:
        return []
    out: list[str] = []
    for default in context.before.of(DefaultPrivileges):
        now = context.after.facts.get(default.key)
        there = default.schema in ("", fact.path[0]) and default.objects == objects
        if not isinstance(now, DefaultPrivileges) or not there or default.maker:
            continue
        noun = _NOUNS.get(objects, "FUNCTION")
        if isinstance(fact, Function) and fact.procedure:
            noun = "PROCEDURE"
        given = Grant(fact.key, None, noun, default.role, now.granted, now.grantable, now.revoked)
        wanted = context.after.facts.get(given.key)
        out += _change(given, wanted if isinstance(wanted, Grant) else _none(given))
    return out


OWNER = Writer[Owner](_own, lambda f: f"ALTER {_on(f)} OWNER TO CURRENT_USER", _alter_owner)
GRANT = Writer[Grant](lambda f: _change(_none(f), f), lambda f: _change(f, _none(f)), _alter)
DEFAULT_PRIVILEGES = Writer[DefaultPrivileges](_default, _drop_default, _alter_default)
