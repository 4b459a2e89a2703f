"""Inputs of an answer that is written piece by piece."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from chatkeep.ids import new_message_id
from chatkeep.inputs.base import Input
from chatkeep.inputs.deepsearch import Metadata, NewUsage, Sources, check_json
from chatkeep.inputs.fields import Id
from chatkeep.records.deepsearch import Role


class NewAnswer(Input):
    """An answer that begins. It follows the chat's head, or `parent_id` where that is set."""

    id: Id = Field(default_factory=new_message_id)
    role: Role = "assistant"
    parent_id: Id | None = None


class AnswerDetails(Input):
    """What is known of an answer beside its text, at its end at the latest."""

    sources: Sources | None = None
    metadata: Metadata | None = None
    parts: Annotated[Any, AfterValidator(check_json)] = None
    usage: NewUsage | None = None
