"""Functions, views, triggers and policies."""

from chatkeep.kit.catalog.programs import Function, MaterializedView, Policy, Trigger, View
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.plan.writer import Context, Writer, replaced


def _create_function(fact: Function) -> list[str]:
    return [fact.definition.rstrip()]


def _drop_function(fact: Function) -> str:
    noun = "PROCEDURE" if fact.procedure else "FUNCTION"
    return f"DROP {noun} {ident(fact.schema, fact.name)}({fact.arguments})"


def _alter_function(before: Function, after: Function, context: Context) -> list[str] | None:
    same = (before.result, before.procedure) == (after.result, after.procedure)
    if not same or before.signature != after.signature:
        return replaced(before, after, context)
    return _create_function(after)


def _create_view(fact: View) -> list[str]:
    return [f"CREATE VIEW {_view(fact)}"]


def _view(fact: View) -> str:
    options = f" WITH ({', '.join(fact.options)})" if fact.options else ""
    return f"{ident(*fact.path)}{options} AS{_text(fact.definition)}"


def _text(definition: str) -> str:
    return definition if definition[:1].isspace() else f" {definition}"


def _alter_view(before: View, after: View, context: Context) -> list[str] | None:
    if after.columns[: len(before.columns)] != before.columns:
        return replaced(before, after, context)
    out = [f"CREATE OR REPLACE VIEW {_view(after)}"]
    names = {option.split("=")[0] for option in after.options}
    gone = [o.split("=")[0] for o in before.options if o.split("=")[0] not in names]
    if gone:
        out.append(f"ALTER VIEW {ident(*after.path)} RESET ({', '.join(gone)})")
    return out


def _create_trigger(fact: Trigger) -> list[str]:
    return [fact.definition, *_enabled(fact)]


def _enabled(fact: Trigger) -> list[str]:
    words = {"disabled": "DISABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS"}
    if fact.enabled == "origin":
        return []
    return [_switch(fact, words[fact.enabled])]


def _switch(fact: Trigger, word: str) -> str:
    return f"ALTER TABLE {ident(*fact.path[:2])} {word} TRIGGER {ident(fact.name)}"


def _alter_trigger(before: Trigger, after: Trigger, context: Context) -> list[str] | None:
    if before.definition != after.definition:
        return replaced(before, after, context)
    return _enabled(after) or [_switch(after, "ENABLE")]


def _create_policy(fact: Policy) -> list[str]:
    mode = "PERMISSIVE" if fact.permissive else "RESTRICTIVE"
    sql = f"CREATE POLICY {ident(fact.name)} ON {ident(*fact.path[:2])} AS {mode}"
    sql += f" FOR {fact.command} TO {', '.join(fact.roles)}"
    sql += f" USING ({fact.using})" if fact.using is not None else ""
    return [sql + (f" WITH CHECK ({fact.check})" if fact.check is not None else "")]


FUNCTION = Writer[Function](_create_function, _drop_function, _alter_function)
VIEW = Writer[View](_create_view, lambda f: f"DROP VIEW {ident(*f.path)}", _alter_view)
MATERIALIZED_VIEW = Writer[MaterializedView](
    lambda f: [f"CREATE MATERIALIZED VIEW {_view(f)}"],
    lambda f: f"DROP MATERIALIZED VIEW {ident(*f.path)}",
    replaced,
)
TRIGGER = Writer[Trigger](
    _create_trigger,
    lambda f: f"DROP TRIGGER {ident(f.name)} ON {ident(*f.path[:2])}",
    _alter_trigger,
)
POLICY = Writer[Policy](
    _create_policy,
    lambda f: f"DROP POLICY {ident(f.name)} ON {ident(*f.path[:2])}",
    replaced,
)
