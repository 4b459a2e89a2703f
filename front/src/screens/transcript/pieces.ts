/** What frameworks keep in a message's parts, as a reader sees it. */
export type Piece =
  | { kind: "text"; text: string }
  | { kind: "reasoning"; text: string }
  | { kind: "call"; id: string | null; name: string; input: unknown; output: unknown; failed: boolean }
  | { kind: "result"; id: string | null; name: string | null; output: unknown; failed: boolean }
  | { kind: "file"; name: string; type: string; url: string }
  | { kind: "other"; value: unknown };

export interface Read {
  pieces: Piece[];
  /** Why the model stopped, where somebody stored it. */
  finish: string | null;
}

type Thing = Record<string, unknown>;

const isThing = (value: unknown): value is Thing => typeof value === "object" && value !== null && !Array.isArray(value);
const firstOf = (thing: Thing, ...names: string[]): unknown => names.map((name) => thing[name]).find((value) => value !== undefined);
const textOf = (thing: Thing, ...names: string[]): string | null => {
  const value = firstOf(thing, ...names);
  return typeof value === "string" ? value : null;
};

const TEXT = new Set(["text", "output_text", "input_text", "user-prompt", "system-prompt"]);
const REASONING = new Set(["reasoning", "thinking", "redacted_thinking"]);
const CALL = new Set(["tool-call", "tool_call", "tool_use", "function_call", "function", "dynamic-tool", "tool-invocation"]);
const RESULT = new Set(["tool-result", "tool_result", "tool-return", "function_call_output"]);
const FILE = new Set(["file", "image", "image_url", "input_image", "attachment", "document", "media"]);
const STEP = new Set(["step-start", "step-finish", "finish", "finish-step"]);

/** Arguments travel as a text of JSON with some providers. */
function parsed(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Read any JSON; what is not known is kept as it is. `hasContent`: the text stands beside already. */
export function read(parts: unknown, hasContent: boolean): Read {
  const found: Read = { pieces: [], finish: null };
  if (parts !== null && parts !== undefined) walk(parts, hasContent, found);
  return { ...found, pieces: joined(found.pieces) };
}

function walk(value: unknown, hasContent: boolean, found: Read): void {
  if (Array.isArray(value)) {
    for (const each of value) walk(each, hasContent, found);
    return;
  }
  if (!isThing(value)) {
    if (typeof value !== "string" || !hasContent) found.pieces.push({ kind: "other", value });
    return;
  }
  const finish = textOf(value, "finishReason", "finish_reason", "stop_reason");
  found.finish ??= finish;
  const type = textOf(value, "type", "part_kind", "kind") ?? "";
  const piece = pieceOf(type, value);
  if (piece) found.pieces.push(piece);
  else if (STEP.has(type) || (TEXT.has(type) && hasContent)) return;
  else if (TEXT.has(type)) found.pieces.push({ kind: "text", text: textOf(value, "text", "content") ?? "" });
  else if (Array.isArray(value["parts"])) walk(value["parts"], hasContent, found);
  else if (Array.isArray(value["tool_calls"])) for (const call of value["tool_calls"] as unknown[]) walk(call, hasContent, found);
  else if (Array.isArray(value["content"])) walk(value["content"], hasContent, found);
  else found.pieces.push({ kind: "other", value });
}

function pieceOf(type: string, value: Thing): Piece | null {
  if (REASONING.has(type)) {
    return { kind: "reasoning", text: textOf(value, "text", "thinking", "reasoning", "content", "data") ?? "" };
  }
  if (RESULT.has(type)) {
    return {
      kind: "result",
      id: textOf(value, "toolCallId", "tool_call_id", "tool_use_id", "call_id", "id"),
      name: textOf(value, "toolName", "tool_name", "name"),
      output: parsed(firstOf(value, "output", "result", "content")),
      failed: value["isError"] === true || value["is_error"] === true,
    };
  }
  if (CALL.has(type) || type.startsWith("tool-")) return callOf(type, value);
  if (FILE.has(type)) return fileOf(value);
  return null;
}

function callOf(type: string, value: Thing): Piece {
  const own = isThing(value["toolInvocation"]) ? value["toolInvocation"] : isThing(value["function"]) ? value["function"] : value;
  const name = textOf(own, "toolName", "tool_name", "name") ?? (type.startsWith("tool-") ? type.slice(5) : type);
  return {
    kind: "call",
    id: textOf(value, "toolCallId", "tool_call_id", "call_id", "id") ?? textOf(own, "toolCallId"),
    name,
    input: parsed(firstOf(own, "input", "args", "arguments", "parameters")),
    output: parsed(firstOf(own, "output", "result")),
    failed: /error/.test(textOf(own, "state") ?? "") || own["errorText"] !== undefined,
  };
}

function fileOf(value: Thing): Piece {
  const image = value["image_url"];
  const source = isThing(value["source"]) ? value["source"] : value;
  const url = isThing(image) ? textOf(image, "url") : textOf(value, "url", "image_url", "image", "data", "file_url");
  const type = textOf(value, "mediaType", "media_type", "mimeType") ?? textOf(source, "media_type") ?? "";
  const data = textOf(source, "data");
  const whole = url ?? (data ? `data:${type};base64,${data}` : "");
  const isData = whole !== "" && !/^[a-z]+:/i.test(whole) && type !== "";
  return { kind: "file", name: textOf(value, "filename", "name", "title") ?? type, type, url: isData ? `data:${type};base64,${whole}` : whole };
}

/** Put the results beside their calls. */
function joined(pieces: Piece[]): Piece[] {
  const calls = new Map<string, Piece & { kind: "call" }>();
  return pieces.filter((piece) => {
    if (piece.kind === "call" && piece.id) calls.set(piece.id, piece);
    const call = piece.kind === "result" && piece.id ? calls.get(piece.id) : undefined;
    if (!call || piece.kind !== "result" || call.output !== undefined) return true;
    call.output = piece.output;
    call.failed ||= piece.failed;
    return false;
  });
}
