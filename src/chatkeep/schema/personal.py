"""What a schema says about persons: which columns lead to one, and what erasing does to the row.

Foreign keys that lead to the users table say it by themselves. A schema adds what they cannot say,
and overrides what they do:

    class AppSchema(deepsearch.Schema[AppUser, NewAppUser]):
        personal = {
            "invoices": (reference("user_id", rule=anonymise(to="nobody")),),
            "invitations": (reference("email", holds="email", rule=DELETE),),
            "payments": (reference("payer", rule=keep("tax law, ten years")),),
            "webhooks": (secret("signing_key"), mentions("payload", rule=DELETE)),
        }

The keys are the tables' attributes of the schema; for a table that only the database knows, its
name there: `"public.legacy_note"`. A class adds to what its base declares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Does: TypeAlias = Literal["delete", "anonymise", "keep"]
Holds: TypeAlias = Literal["id", "email", "text"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What erasing a person does to a row that leads to them.

    Attributes:
        does: delete: the row goes; anonymise: the row stays, its columns become NULL or `to`;
            keep: it stays as it is, for a reason.
        to: What an anonymised column becomes; None for NULL.
        reason: Why a row is kept.
    """

    does: Does
    to: str | None = None
    reason: str = ""


DELETE = Rule("delete")


def anonymise(to: str | None = None) -> Rule:
    """Let the row stay without the person.

    Args:
        to: What the column becomes, such as the id of a user who stands for everybody who left.
            NULL unless given.
    """
    return Rule("anonymise", to=to)


def keep(reason: str) -> Rule:
    """Let the row stay as it is. The reason stands in each report."""
    return Rule("keep", reason=reason)


@dataclass(frozen=True, slots=True)
class Personal:
    """What is said of some columns of a table; made by the functions of this module.

    Attributes:
        columns: By their names.
        rule: What erasing does to the row; None where only `is_secret` is said.
        holds: What the columns hold: a person's id (or a key of a row of theirs), an e-mail, or
            text in which one of them may stand.
        is_secret: Whether an export leaves the values out; None where nothing is said about it.
    """

    columns: tuple[str, ...]
    rule: Rule | None = None
    holds: Holds = "id"
    is_secret: bool | None = None


Declarations: TypeAlias = Mapping[str, tuple[Personal, ...]]


def reference(*columns: str, rule: Rule, holds: Literal["id", "email"] = "id") -> Personal:
    """Say that a column leads to a person, or what becomes of one whose foreign key does.

    Args:
        columns: One, or those of a foreign key in its order.
        rule: What erasing the person does to the row.
        holds: What stands in it. An e-mail is compared letter case aside.
    """
    return Personal(columns, rule, holds)


def mentions(*columns: str, rule: Rule) -> Personal:
    """Say that a person's id or e-mail may stand somewhere in these columns' text or JSON."""
    return Personal(columns, rule, "text")


def secret(*columns: str) -> Personal:
    """Leave the values of these columns out of exports: whoever has them can act as the person."""
    return Personal(columns, is_secret=True)


def shown(*columns: str) -> Personal:
    """Show these columns in exports although their names sound like a secret."""
    return Personal(columns, is_secret=False)
