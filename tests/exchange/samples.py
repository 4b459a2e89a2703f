"""Conversations in the forms of other products, made by hand after their public descriptions."""

from typing import Any


def said(
    key: str, role: str, text: str, parent: str, *children: str, **more: Any
) -> dict[str, Any]:
    """A node of ChatGPT's mapping with a message of plain text."""
    message = {
        "id": key, "author": {"role": role, "name": None, "metadata": {}},
        "create_time": 1700000000.123456, "update_time": None,
        "content": {"content_type": "text", "parts": [text]},
        "status": "finished_successfully", "end_turn": True, "weight": 1.0, "metadata": {},
        "recipient": "all", "channel": None, **more,
    }  # fmt: skip
    return {"id": key, "message": message, "parent": parent, "children": list(children)}


def chatgpt(number: int = 1, **more: Any) -> dict[str, Any]:
    """A conversation with everything that exports have: see the comments."""
    image = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-1",
             "size_bytes": 5, "width": 1, "height": 1}  # fmt: skip
    cited = {"citations": [{"start_ix": 0, "end_ix": 4, "metadata": {
        "type": "webpage", "title": "Docs", "url": "https://example.com/a", "text": "so"}}],
        "model_slug": "gpt-4o"}  # fmt: skip
    n = str(number)
    nodes = [
        {"id": f"root{n}", "message": None, "parent": None, "children": [f"sys{n}"]},
        # hidden, empty
        said(f"sys{n}", "system", "", f"root{n}", f"gap{n}", weight=0.0, end_turn=None,
             metadata={"is_visually_hidden_from_conversation": True}, create_time=None),
        # a node without a message in the middle
        {"id": f"gap{n}", "message": None, "parent": f"sys{n}", "children": [f"q{n}"]},
        # two answers, of which the second one is older in the mapping and shown
        said(f"q{n}", "user", "What is an index?", f"gap{n}", f"a{n}", f"b{n}"),
        said(f"b{n}", "assistant", "A sorted copy.", f"q{n}", f"p{n}", metadata=cited),
        said(f"a{n}", "assistant", "I do not know", f"q{n}", status="in_progress"),
        # text and image
        said(f"p{n}", "user", "", f"b{n}", f"t{n}", content={
            "content_type": "multimodal_text", "parts": [image, "And this?"]}),
        # a tool, with a name
        said(f"t{n}", "tool", "", f"p{n}", f"c{n}", content={
            "content_type": "execution_output", "text": "42"},
            author={"role": "tool", "name": "python", "metadata": {"x": [1, 2.5, None]}}),
        # code for a tool, and no content at all
        said(f"c{n}", "assistant", "", f"t{n}", f"n{n}", recipient="python", content={
            "content_type": "code", "language": "python", "text": "print(42)"}),
        said(f"n{n}", "assistant", "", f"c{n}", f"z{n}", content=None),
        said(f"z{n}", "user", "ありがとう 🙏", f"n{n}", create_time=1700000100),
    ]  # fmt: skip
    return {
        "title": f"Indexes {n}", "create_time": 1700000000.5, "update_time": 1700000200.25,
        "mapping": {node["id"]: node for node in nodes}, "moderation_results": [],
        "current_node": f"z{n}", "plugin_ids": None, "conversation_id": f"conv-{n}",
        "gizmo_id": "g-1", "is_archived": False, "is_starred": None, "safe_urls": [],
        "default_model_slug": "gpt-4o", "id": f"conv-{n}", **more,
    }  # fmt: skip


def fine_tuning() -> list[dict[str, Any]]:
    """Examples with everything that the format knows; the last one is there twice."""
    call = {"id": "call_1", "type": "function",
            "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}  # fmt: skip
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    plain = {
        "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]
    }
    return [
        {"messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "name": "ada", "content": "Rain in Rome?"},
            {"role": "assistant", "tool_calls": [call], "weight": 0},
            {"role": "tool", "tool_call_id": "call_1", "content": '{"rain": false}'},
            {"role": "assistant", "content": "No.", "weight": 1},
        ], "tools": [tool], "parallel_tool_calls": False},
        {"messages": [
            {"role": "developer", "content": "Look."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": "https://example.com/i.png"}}]},
            {"role": "assistant", "content": None, "refusal": "I will not."},
        ]},
        {"messages": [
            {"role": "user", "content": "f"},
            {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
            {"role": "assistant", "content": ""},
        ], "functions": [{"name": "f"}]},
        plain, plain,
    ]  # fmt: skip


def tree(number: int = 1) -> dict[str, Any]:
    """A tree of Open Assistant with two replies."""
    n = str(number)
    return {
        "message_tree_id": f"t{n}", "tree_state": "ready_for_export",
        "prompt": {"message_id": f"t{n}", "text": f"question {n}", "role": "prompter", "lang": "en",
                   "replies": [
            {"message_id": f"a{n}", "parent_id": f"t{n}", "text": "one", "role": "assistant",
             "model_name": "m", "rank": 0, "replies": [
                {"message_id": f"b{n}", "parent_id": f"a{n}", "text": "more", "role": "prompter",
                 "replies": []}]},
            {"message_id": f"c{n}", "parent_id": f"t{n}", "text": "two", "role": "assistant",
             "replies": []}]},
    }  # fmt: skip
