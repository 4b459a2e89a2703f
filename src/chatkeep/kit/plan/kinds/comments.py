"""Comments."""

from chatkeep.kit.catalog.fact import Kind
from chatkeep.kit.catalog.programs import Comment
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.plan.writer import Context, Writer

_ON_TABLE = {
    Kind.PRIMARY_KEY: "CONSTRAINT",
    Kind.UNIQUE: "CONSTRAINT",
    Kind.CHECK: "CONSTRAINT",
    Kind.EXCLUDE: "CONSTRAINT",
    Kind.FOREIGN_KEY: "CONSTRAINT",
    Kind.TRIGGER: "TRIGGER",
    Kind.POLICY: "POLICY",
    Kind.RULE: "RULE",
}
_NOUNS = {Kind.ENUM: "TYPE", Kind.COMPOSITE: "TYPE", Kind.RANGE: "TYPE"}


def _target(fact: Comment) -> str:
    kind, path = fact.target
    if kind is Kind.CHECK and fact.holder.kind is Kind.DOMAIN:
        return f"CONSTRAINT {ident(path[2])} ON DOMAIN {ident(*path[:2])}"
    if kind in _ON_TABLE:
        return f"{_ON_TABLE[kind]} {ident(path[2])} ON {ident(*path[:2])}"
    if kind is Kind.FUNCTION:
        noun = "PROCEDURE" if fact.procedure else "FUNCTION"
        return f"{noun} {ident(*path[:2])}({path[2]})"
    return f"{_NOUNS.get(kind, kind.upper())} {ident(*path)}"


def _say(fact: Comment) -> list[str]:
    return [f"COMMENT ON {_target(fact)} IS {literal(fact.text)}"]


def _alter(before: Comment, after: Comment, context: Context) -> list[str] | None:
    del before, context
    return _say(after)


COMMENT = Writer[Comment](_say, lambda f: f"COMMENT ON {_target(f)} IS NULL", _alter)
