import { expect, test } from "vitest";
import { read } from "./pieces";

test.each([
  ["AI SDK 5", [{ type: "tool-weather", toolCallId: "1", state: "output-available", input: { city: "Rome" }, output: 30 }]],
  ["AI SDK 4", [{ type: "tool-invocation", toolInvocation: { toolCallId: "1", toolName: "weather", args: { city: "Rome" }, result: 30 } }]],
  [
    "OpenAI",
    [
      { role: "assistant", tool_calls: [{ id: "1", type: "function", function: { name: "weather", arguments: '{"city": "Rome"}' } }] },
      { type: "function_call_output", call_id: "1", output: "30" },
    ],
  ],
  [
    "Anthropic",
    [
      { type: "tool_use", id: "1", name: "weather", input: { city: "Rome" } },
      { type: "tool_result", tool_use_id: "1", content: 30 },
    ],
  ],
  [
    "Pydantic AI",
    { parts: [
      { part_kind: "tool-call", tool_name: "weather", args: { city: "Rome" }, tool_call_id: "1" },
      { part_kind: "tool-return", tool_name: "weather", content: 30, tool_call_id: "1" },
    ] },
  ],
])("a tool call of %s has its name, arguments and result", (_, parts) => {
  const { pieces } = read(parts, true);
  expect(pieces).toHaveLength(1);
  const piece = pieces[0];
  expect(piece).toMatchObject({ kind: "call", name: "weather", input: { city: "Rome" }, failed: false });
  expect(Number((piece as { output: unknown }).output)).toBe(30);
});

test("text stands once, reasoning and files apart, and what is not known is kept", () => {
  const parts = [
    { type: "reasoning", text: "hm" },
    { type: "text", text: "Hello" },
    { type: "image_url", image_url: { url: "https://example.com/a.png" } },
    { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
    { type: "step-finish", finishReason: "stop" },
    { answer: 42 },
  ];
  expect(read(parts, true)).toEqual({
    finish: "stop",
    pieces: [
      { kind: "reasoning", text: "hm" },
      { kind: "file", name: "", type: "", url: "https://example.com/a.png" },
      { kind: "file", name: "image/png", type: "image/png", url: "data:image/png;base64,AAAA" },
      { kind: "other", value: { answer: 42 } },
    ],
  });
  expect(read([{ type: "text", text: "Hello" }], false).pieces).toEqual([{ kind: "text", text: "Hello" }]);
  expect(read(null, true)).toEqual({ finish: null, pieces: [] });
});
