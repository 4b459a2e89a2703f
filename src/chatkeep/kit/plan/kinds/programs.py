"""Functions, views, triggers and policies."""

from chatkeep.kit.catalog.programs import (
    EventTrigger,
    Function,
    MaterializedView,
    Policy,
    Publication,
    Rule,
    Trigger,
    View,
    ViewDefault,
)
from chatkeep.kit.plan.kinds.tables import option_changes
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
    return [] if fact.enabled == "origin" else [_switch(fact, _SWITCHES[fact.enabled])]


_SWITCHES = {
    "origin": "ENABLE",
    "disabled": "DISABLE",
    "replica": "ENABLE REPLICA",
    "always": "ENABLE ALWAYS",
}


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


def _alter_policy(before: Policy, after: Policy, context: Context) -> list[str] | None:
    """Change it in place, unless PostgreSQL cannot: an expression cannot be taken away."""
    same = (before.command, before.permissive) == (after.command, after.permissive)
    lost = (before.using is not None and after.using is None) or (
        before.check is not None and after.check is None
    )
    if not same or lost:
        return replaced(before, after, context)
    sql = f"ALTER POLICY {ident(after.name)} ON {ident(*after.path[:2])}"
    if before.roles != after.roles:
        sql += f" TO {', '.join(after.roles)}"
    if before.using != after.using:
        sql += f" USING ({after.using})"
    return [sql + (f" WITH CHECK ({after.check})" if before.check != after.check else "")]


def _alter_matview(
    before: MaterializedView, after: MaterializedView, context: Context
) -> list[str] | None:
    if (before.definition, before.columns) != (after.definition, after.columns):
        return replaced(before, after, context)
    head = f"ALTER MATERIALIZED VIEW {ident(*after.path)}"
    return option_changes(head, before.options, after.options)


def _create_rule(fact: Rule) -> list[str]:
    return [fact.definition, *([] if fact.enabled == "origin" else [_switch_rule(fact)])]


def _switch_rule(fact: Rule) -> str:
    head = f"ALTER TABLE {ident(*fact.path[:2])}"
    return f"{head} {_SWITCHES[fact.enabled]} RULE {ident(fact.name)}"


def _alter_rule(before: Rule, after: Rule, context: Context) -> list[str] | None:
    if before.definition != after.definition:
        return replaced(before, after, context)
    return [_switch_rule(after)]


def _view_default(fact: ViewDefault) -> list[str]:
    return [f"{_view_column(fact)} SET DEFAULT {fact.expression}"]


def _view_column(fact: ViewDefault) -> str:
    return f"ALTER VIEW {ident(*fact.path[:2])} ALTER COLUMN {ident(fact.name)}"


def _alter_view_default(
    before: ViewDefault, after: ViewDefault, context: Context
) -> list[str] | None:
    del before, context
    return _view_default(after)


def _create_event_trigger(fact: EventTrigger) -> list[str]:
    return [fact.definition, *([] if fact.enabled == "origin" else [_switch_event(fact)])]


def _switch_event(fact: EventTrigger) -> str:
    return f"ALTER EVENT TRIGGER {ident(fact.name)} {_SWITCHES[fact.enabled]}"


def _alter_event_trigger(
    before: EventTrigger, after: EventTrigger, context: Context
) -> list[str] | None:
    if before.definition != after.definition:
        return replaced(before, after, context)
    return [_switch_event(after)]


def _create_publication(fact: Publication) -> list[str]:
    items = "ALL TABLES" if fact.everything else ", ".join(fact.items)
    sql = f"CREATE PUBLICATION {ident(fact.name)}{f' FOR {items}' if items else ''}"
    return [f"{sql} WITH ({', '.join(f'{name} = {value}' for name, value in fact.options)})"]


_PUBLISHING = {"publish_via_partition_root": "false", "publish_generated_columns": "none"}
"""What each option is when nobody sets it; `publish` is always said."""


def _alter_publication(
    before: Publication, after: Publication, context: Context
) -> list[str] | None:
    if before.everything != after.everything or (before.items and not after.items):
        return replaced(before, after, context)
    head, out = f"ALTER PUBLICATION {ident(after.name)}", list[str]()
    if before.items != after.items:
        out.append(f"{head} SET {', '.join(after.items)}")
    old, new = dict(before.options), dict(after.options)
    wanted = {**{name: _PUBLISHING[name] for name in old if name not in new}, **new}
    changed = [f"{name} = {value}" for name, value in wanted.items() if old.get(name) != value]
    return [*out, f"{head} SET ({', '.join(changed)})"] if changed else out


FUNCTION = Writer[Function](_create_function, _drop_function, _alter_function)
VIEW = Writer[View](_create_view, lambda f: f"DROP VIEW {ident(*f.path)}", _alter_view)
MATERIALIZED_VIEW = Writer[MaterializedView](
    lambda f: [f"CREATE MATERIALIZED VIEW {_view(f)}"],
    lambda f: f"DROP MATERIALIZED VIEW {ident(*f.path)}",
    _alter_matview,
)
TRIGGER = Writer[Trigger](
    _create_trigger,
    lambda f: f"DROP TRIGGER {ident(f.name)} ON {ident(*f.path[:2])}",
    _alter_trigger,
)
POLICY = Writer[Policy](
    _create_policy,
    lambda f: f"DROP POLICY {ident(f.name)} ON {ident(*f.path[:2])}",
    _alter_policy,
)
RULE = Writer[Rule](
    _create_rule, lambda f: f"DROP RULE {ident(f.name)} ON {ident(*f.path[:2])}", _alter_rule
)
VIEW_DEFAULT = Writer[ViewDefault](
    _view_default, lambda f: f"{_view_column(f)} DROP DEFAULT", _alter_view_default
)
EVENT_TRIGGER = Writer[EventTrigger](
    _create_event_trigger, lambda f: f"DROP EVENT TRIGGER {ident(f.name)}", _alter_event_trigger
)
PUBLICATION = Writer[Publication](
    _create_publication, lambda f: f"DROP PUBLICATION {ident(f.name)}", _alter_publication
)
