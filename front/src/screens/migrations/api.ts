import type { Refusal } from "../../api";

/** How a migration stands in the database; `unread` where the bookkeeping cannot be read. */
export type State = "applied" | "pending" | "running" | "reversing" | "edited" | "redated" | "unread";

interface Standing {
  state: State;
  words: string;
  advice: string;
  applied: string | null;
  seconds: number | null;
}

export interface Listed extends Standing {
  tag: string;
  file: string;
  when: number;
  reverse: boolean;
}

export interface RunSummary {
  id: number;
  action: Action;
  state: RunState;
  tags: string[];
  done: string[];
  place: string;
}

export interface Listing {
  folder: string;
  place: string;
  format?: string;
  migrations: Listed[];
  notes: string[];
  strays: string[];
  run: RunSummary | null;
  error: Refusal | null;
}

export interface Whole extends Standing {
  tag: string;
  file: string;
  when: number;
  hash: string;
  sql: string;
  characters: number;
  statements: number;
  transaction: boolean;
  reverse: { file: string; sql: string | null; fault: string; loses: string[]; proved: boolean; generated: boolean };
  error: Refusal | null;
}

export type Found = "added" | "removed" | "changed";

export interface Change {
  kind: string;
  name: string;
  found: Found;
  was: string;
  before: string;
  after: string;
  parts: { kind: string; name: string; found: Found }[];
}

export interface Effect {
  changes: Change[];
  renamed: { table: string; was: string; name: string }[];
  others: string[];
}

export interface Lock {
  table: string;
  lock: string;
  strength: number;
  blocks: string;
}

export interface Measured {
  statement: number;
  line: number;
  sql: string;
  locks: Lock[];
  held: Lock[];
  rewrites: string[];
  scans: string[];
  writes: string[];
  measured: boolean;
}

export interface Finding {
  rule: string;
  severity: "danger" | "warning" | "note";
  file: string;
  line: number;
  object: string;
  message: string;
  safe: string;
  rows: number | null;
  keys: string[];
  also: string[];
  acknowledged: string | null;
  title: string;
  rule_safe: string;
  sql: string;
  safe_sql: string;
}

export interface ReviewOf {
  fails: boolean;
  migrations: { tag: string; file: string; transaction: boolean; statements: Measured[]; findings: Finding[] }[];
  tables: Record<string, { rows: number | null; bytes: number }>;
  notes: string[];
}

export type Action = "apply" | "rollback";
export type RunState = "running" | "done" | "failed" | "stopped";

export interface Plan {
  place: string;
  before: string;
  after: string;
  steps: { tag: string; sql: string; loses: { what: string; rows: number | null }[] }[];
  note: string;
}

export type RunLine =
  | ({ kind: "start"; at: string } & RunSummary)
  | { kind: "event"; at: string; tag: string; text: string; usual: boolean; what: string; number?: number; of?: number }
  | { kind: "through"; at: string; tag: string; seconds: number }
  | { kind: "stopping"; at: string }
  | { kind: "end"; at: string; state: RunState; error: Refusal | null; done: string[]; left: string[] };

export const fileOf = (tag: string) => `migrations/file/${encodeURIComponent(tag)}`;
export const pageOf = (tag: string) => `/migrations/${encodeURIComponent(tag)}`;

/** The database's name at the end of its place. */
/** The name in a place as the server shows it: `name at /folder`, or `host:port/name`. */
export const databaseOf = (place: string) =>
  /^(.+) at \//.exec(place)?.[1] ?? (place.slice(place.lastIndexOf("/") + 1) || place);
