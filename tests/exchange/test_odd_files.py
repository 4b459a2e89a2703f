"""Records in which anything may stand for anything: refused, or the same again. No database."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from chatkeep.exchange import identity
from chatkeep.exchange.chatgpt_writing import written
from chatkeep.exchange.checking import Unfit
from chatkeep.exchange.fine_tuning import example_of
from chatkeep.exchange.formats import find_format
from chatkeep.exchange.model import BadRecord, Conversation, Options
from chatkeep.exchange.open_assistant import trees_of
from chatkeep.exchange.rows import rows_of
from exchange.samples import chatgpt, fine_tuning, tree

JUNK: list[Any] = [
    None, True, 0, 1.5, "x", "", [], {}, ["a", None], {"a": 1}, -1, 1e300, "\0", [[1]], 10**30,
    {"parts": [1, {"text": 2}]}, "é",
]  # fmt: skip


def changed(value: Any, chance: random.Random) -> Any:
    """Leave out or replace one part in a hundred, at any depth."""
    if chance.random() < 0.01:
        return chance.choice(JUNK)
    if isinstance(value, dict):
        return {k: changed(v, chance) for k, v in value.items() if chance.random() > 0.005}
    if isinstance(value, list):
        return [changed(one, chance) for one in value if chance.random() > 0.005]
    return value


def again(conversation: Conversation) -> Any:
    if conversation.format == "chatgpt":
        return written(conversation)
    if conversation.format == "fine-tuning":
        return example_of(conversation)
    (whole,) = trees_of(conversation)
    return whole


@pytest.mark.parametrize("form", ["chatgpt", "open-assistant", "fine-tuning"])
async def test_a_record_is_refused_or_comes_back(form: str, tmp_path: Path):
    chance = random.Random(form)
    samples = {"chatgpt": [chatgpt()], "open-assistant": [tree()], "fine-tuning": fine_tuning()}
    records = [changed(one, chance) for one in samples[form] * (600 // len(samples[form]))]
    path = tmp_path / "file"
    if form == "chatgpt":
        path.write_text(json.dumps(records))
    else:
        path.write_text("\n".join(map(json.dumps, records)))
    opens = find_format(form).reader
    assert opens is not None
    sound = refused = 0
    async with opens(str(path), Options()) as reader:
        async for found in reader:
            if isinstance(found, BadRecord):
                refused += 1
                continue
            try:
                rows_of(found, identity.chat_id("u", form, found.id))
            except Unfit:
                refused += 1
                continue
            assert found.place is not None
            assert again(found) == records[(found.place.record or 0) - 1]
            sound += 1
    assert sound > 30
    assert refused > 30
