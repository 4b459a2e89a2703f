"""One message of open-webui: its JSON as a node, and a node as JSON."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from chatkeep.exchange.foreign_json import BadValueError, is_web_url, mapping, objects
from chatkeep.exchange.model import Node
from chatkeep.inputs.deepsearch import MAX_COMMENT, MAX_CONTENT, NewUsage
from chatkeep.inputs.fields import SAFE_INTEGER
from chatkeep.records.deepsearch import MessageMetadata, Role, Source, Status, TokenUsage

_ROLES: Mapping[str, Role] = {
    "user": "user", "assistant": "assistant", "system": "system", "tool": "tool",
}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 10_000_000_000  # what is greater counts milliseconds; the product says so too
_SNIPPET = 500  # characters
# The names that servers of models have for the same counts, the product's own first.
_PROMPT = ("input_tokens", "prompt_tokens", "prompt_eval_count", "prompt_n")
_COMPLETION = ("output_tokens", "completion_tokens", "eval_count", "predicted_n")


def node_of(message_id: str, message: Mapping[str, Any], key: str) -> Node:
    """Turn a message into a node that begins a branch; `parts` is the message itself.

    Raises:
        BadValueError: It has no role that we know.
    """
    role = _ROLES.get(str(message.get("role")))
    if role is None:
        raise BadValueError("its role is none of user, assistant, system and tool", f"{key}.role")
    annotation = mapping(message.get("annotation"))
    comment = annotation.get("comment")
    return Node(
        id=message_id,
        parent=None,
        role=role,
        content=text_of(message)[:MAX_CONTENT],
        parts=dict(message),
        sources=list(_sources(message)) or None,
        metadata=_metadata(message),
        status=_status(message),
        created_at=moment(message.get("timestamp")),
        usage=_usage(message),
        vote=_vote(annotation),
        comment=comment[:MAX_COMMENT] if isinstance(comment, str) and comment else None,
    )


def message_of(node: Node, message_id: str, parent: str | None) -> dict[str, Any]:
    """Turn a node that did not come from the product into a message, without children yet."""
    message: dict[str, Any] = {
        "id": message_id,
        "parentId": parent,
        "childrenIds": [],
        "role": node.role,
        "content": node.content,
        "timestamp": int((node.created_at or datetime.now(UTC)).timestamp()),
    }
    if node.role != "user":
        message["done"] = True
        if node.metadata is not None and node.metadata.model:
            message["model"] = node.metadata.model
    if node.usage is not None:
        message["usage"] = _written_usage(node.usage)
    if node.sources:
        message["sources"] = [
            {
                "source": {"name": source.title, "url": source.url},
                "document": [source.snippet],
                "metadata": [{"source": source.url, "name": source.title}],
            }
            for source in node.sources
        ]
    return message


def annotated(message: Mapping[str, Any], node: Node) -> dict[str, Any]:
    """Give the message with the vote that it has with us."""
    annotation = mapping(message.get("annotation"))
    if _vote(annotation) == node.vote:
        return dict(message)
    changed = {name: value for name, value in annotation.items() if name != "rating"}
    if node.vote is not None:
        changed["rating"] = node.vote
        if node.comment is not None:
            changed["comment"] = node.comment
    return {**message, "annotation": changed}


def text_of(message: Mapping[str, Any]) -> str:
    """Give the text of a message: of its content, or of what the model put out."""
    content = message.get("content")
    if isinstance(content, str) and content:
        return content
    texts = _texts(content)
    for item in objects(message.get("output")):
        if not texts and item.get("type") == "message":
            texts = _texts(item.get("content"))
    return "\n\n".join(texts)


def moment(value: object) -> datetime | None:
    """Give the time of a count of seconds or milliseconds since 1970; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        if value > _MILLISECONDS_FROM:
            return _EPOCH + timedelta(milliseconds=value)
        return _EPOCH + timedelta(seconds=value)
    except OverflowError:
        return None


def usage_of(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give what the message says of tokens; empty where it says nothing."""
    info = mapping(message.get("info"))
    return mapping(message.get("usage")) or mapping(info.get("usage")) or info


def _texts(content: object) -> list[str]:
    texts = [part.get("text") for part in objects(content)]
    return [text for text in texts if isinstance(text, str) and text]


def _status(message: Mapping[str, Any]) -> Status:
    if message.get("error"):
        return "error"
    return "interrupted" if message.get("done") is False else "complete"


def _vote(annotation: Mapping[str, Any]) -> Any:  # noqa: ANN401 - 1, -1 or None
    rating = annotation.get("rating")
    return rating if type(rating) is int and rating in {1, -1} else None


def _sources(message: Mapping[str, Any]) -> Iterator[Source]:
    seen: set[str] = set()
    for cited in objects(message.get("sources") or message.get("citations")):
        source, documents = mapping(cited.get("source")), cited.get("document")
        texts = cast("list[object]", documents) if isinstance(documents, list) else []
        for number, about in enumerate(objects(cited.get("metadata")) or [{}]):
            given = (about.get("source"), about.get("url"), source.get("url"), source.get("name"))
            url = next((one for one in given if isinstance(one, str) and is_web_url(one)), None)
            if url is None or url in seen:
                continue  # a file: it stays in the parts
            seen.add(url)
            named = (about.get("title"), about.get("name"), source.get("name"))
            title = next((one for one in named if isinstance(one, str) and one), url)
            text = texts[number] if number < len(texts) else ""
            yield Source(title, url, text[:_SNIPPET] if isinstance(text, str) else "")


def _metadata(message: Mapping[str, Any]) -> MessageMetadata | None:
    model, usage = _model(message), _usage(message)
    if usage is None:
        return MessageMetadata(model=model) if model else None
    total = usage.prompt_tokens + usage.completion_tokens
    tokens = TokenUsage(usage.prompt_tokens, usage.completion_tokens, usage.total_tokens or total)
    return MessageMetadata(model=model, tokens=tokens)


def _model(message: Mapping[str, Any]) -> str | None:
    model = message.get("model")
    return model if isinstance(model, str) and 0 < len(model) <= 255 else None


def _usage(message: Mapping[str, Any]) -> NewUsage | None:
    usage = usage_of(message)
    prompt, completion = _count(usage, *_PROMPT), _count(usage, *_COMPLETION)
    if prompt is None and completion is None:
        return None
    took, cost = usage.get("total_duration"), usage.get("cost")
    exact = isinstance(took, int) and 0 <= took <= SAFE_INTEGER * 1_000_000
    return NewUsage(
        model=_model(message),
        prompt_tokens=prompt or 0,
        completion_tokens=completion or 0,
        total_tokens=_count(usage, "total_tokens"),
        cost=_cost(cost),
        latency_ms=cast("int", took) // 1_000_000 if exact else None,
    )


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    found = (usage.get(name) for name in names)
    counts = (one for one in found if isinstance(one, int) and not isinstance(one, bool))
    return next((one for one in counts if 0 <= one <= SAFE_INTEGER), None)


def _cost(cost: object) -> Decimal | None:
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost < 10**9:
        return None
    return round(Decimal(str(cost)), 10)


def _written_usage(usage: NewUsage) -> dict[str, Any]:
    total = usage.prompt_tokens + usage.completion_tokens
    written: dict[str, Any] = {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": total if usage.total_tokens is None else usage.total_tokens,
    }
    if usage.cost is not None:
        written["cost"] = float(usage.cost)
    return written
