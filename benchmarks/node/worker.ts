// A peer's process on Node: takes commands as lines of JSON on stdin, answers on stdout.
//
//     node --import tsx drizzle.ts URL CONNECTIONS
//
// What benchmarks/worker.py is for Python: the same commands, the same way of timing.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

export type Values = (string | number)[];
export type Call = (...values: never[]) => Promise<unknown>;

export interface Peer {
  packages: string[];
  calls: Record<string, Call>;
  plain(pattern: string, answer: unknown): unknown;
  close(): Promise<void>;
}

// What the writing patterns write; the driver says it, so that it stands in one place.
export const words: {
  title: string;
  first_role: string;
  first_content: string;
  said: string;
  ten: [string, string][];
} = JSON.parse(process.env.BENCH_WORDS ?? "{}");

const MIN_CALLS = 3;
const loaded: Record<string, Values[]> = {};

interface Turn {
  pattern: string;
  tasks: number;
  seconds: number;
  tag: string;
  fresh: boolean;
  once: boolean;
}

function* given(turn: Turn): Generator<Values> {
  const source = loaded[turn.pattern];
  if (turn.once) {
    yield* source;
    return;
  }
  for (let number = 1; ; ) {
    for (const values of source) {
      yield turn.fresh ? [...values, `${turn.tag}_${number++}`] : values;
    }
  }
}

async function alone(call: Call, turn: Turn): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + turn.seconds * 1000;
  const settled = end - 750 * turn.seconds; // the first quarter is not counted
  for (const values of given(turn)) {
    const start = performance.now();
    await call(...(values as never[]));
    const done = performance.now();
    if (start < settled && !turn.once) continue;
    times.push(Math.round((done - start) * 1e5) / 100);
    if (done > end && times.length >= MIN_CALLS) break;
  }
  return times;
}

async function together(call: Call, turn: Turn): Promise<number> {
  let calls = 0;
  const source = given(turn);
  const end = performance.now() + turn.seconds * 1000;
  const work = async () => {
    // Not `for of`: leaving it would close the source for the other tasks.
    for (let next = source.next(); !next.done; next = source.next()) {
      await call(...(next.value as never[]));
      calls += 1;
      if (performance.now() > end) break;
    }
  };
  await Promise.all(Array.from({ length: turn.tasks }, work));
  return calls;
}

async function run(peer: Peer, turn: Turn) {
  const call = peer.calls[turn.pattern];
  if (turn.tasks === 1) return { times: await alone(call, turn) };
  const start = performance.now();
  const calls = await together(call, turn);
  return { calls, seconds: (performance.now() - start) / 1000 };
}

function memory() {
  const status = readFileSync("/proc/self/status", "ascii");
  const kib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
  return { now_kib: kib("VmRSS"), peak_kib: kib("VmHWM") };
}

function versions(packages: string[]) {
  const require = createRequire(import.meta.url);
  const read = (name: string) =>
    JSON.parse(readFileSync(`${require.resolve.paths(name)?.[0]}/${name}/package.json`, "utf8"));
  const found = packages.map((name) => [name, read(name).version]);
  return { "Node.js": process.versions.node, ...Object.fromEntries(found) };
}

// Times as whole milliseconds, numbers that a driver gives as text as numbers.
export function row(columns: string[], found: Record<string, unknown>, names = camel) {
  const plain: Record<string, unknown> = {};
  for (const column of columns) {
    const value = found[names(column)];
    if (value instanceof Date) plain[column] = value.getTime();
    else if (column === "seq" || column === "expires_at") plain[column] = Number(value);
    else plain[column] = value ?? null;
  }
  return plain;
}

export const camel = (name: string) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

export const USER = "id name email email_verified image is_admin created_at updated_at".split(" ");
export const ACCOUNT = (
  "user_id type provider provider_account_id refresh_token access_token expires_at token_type " +
  "scope id_token session_state created_at updated_at"
).split(" ");
export const CHAT = "id user_id title created_at updated_at".split(" ");
export const MESSAGE = (
  "id chat_id role content sources metadata created_at user_id seq"
).split(" ");
export const SETTINGS = (
  "user_id theme language default_model enable_search_by_default max_search_results " +
  "updated_at created_at"
).split(" ");

type Found = Record<string, unknown>;

// Parents with their children in a field, or the ids of new rows where the pattern writes.
export function plain(pattern: string, answer: unknown, names = camel): unknown {
  const one = answer as Found;
  const rows = (columns: string[], found: unknown) =>
    (found as Found[]).map((each) => row(columns, each, names));
  if (pattern === "user_by_email") return row(USER, one, names);
  if (pattern === "user_with_accounts")
    return { ...row(USER, one, names), accounts: rows(ACCOUNT, one.accounts) };
  if (pattern === "chats_of_user") return rows(CHAT, answer);
  if (pattern === "chat_with_messages")
    return { ...row(CHAT, one, names), messages: rows(MESSAGE, one.messages) };
  if (pattern === "messages_before") return rows(MESSAGE, answer);
  if (pattern.startsWith("settings")) return row(SETTINGS, one, names);
  return answer;
}

export async function serve(open: (url: string, connections: number) => Promise<Peer>) {
  const say = (message: unknown) => process.stdout.write(`${JSON.stringify(message)}\n`);
  const peer = await open(process.argv[2], Number(process.argv[3]));
  say({ versions: versions(peer.packages), ...memory() });
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    if (command.cmd === "load") {
      loaded[command.pattern] = command.args;
      say({});
    } else if (command.cmd === "run") {
      say(await run(peer, command));
    } else if (command.cmd === "answer") {
      const answer = await peer.calls[command.pattern](...(command.args as never[]));
      say({ answer: peer.plain(command.pattern, answer) });
    } else {
      say(memory());
    }
  }
  await peer.close();
}
