import { ask } from "../../api";

/** What the server says of a run; the shapes stand in `studio/console/`. */
export interface Trouble {
  code: string;
  message: string;
  detail: string | null;
  hint: string | null;
  place: number | null;
  line: number | null;
  column: number | null;
}

export interface Column {
  name: string;
  type: string;
  masked: boolean;
}

export interface Statement {
  number: number;
  start: number;
  end: number;
  line: number;
  ms: number;
  tag: string;
  affected: number | null;
  columns: Column[];
  rows: (string | null)[][];
  cut: [row: number, column: number, length: number][];
  more: boolean;
  notices: { severity: string; message: string }[];
  error: Trouble | null;
}

export type Kept = "rolled_back" | "committed" | "each";

export interface Outcome {
  id: string;
  write: boolean;
  kept: Kept;
  statements: Statement[];
  left: number;
  ms: number;
}

export interface Planned {
  analyzed: boolean;
  plan: Record<string, unknown> | null;
  error: Trouble | null;
}

export interface Entry {
  at: string;
  sql: string;
  write: boolean;
  ok: boolean;
  ms: number;
}

export interface Saved {
  name: string;
  sql: string | null;
  version: string;
  at: string;
}

export interface Limits {
  rows: number;
  seconds: number;
}

export const savedPath = (name: string): string => `console/saved/${encodeURIComponent(name)}`;

export const cancelRun = (id: string): Promise<unknown> => ask(`console/runs/${id}/cancel`, { method: "POST" });
