import { useSyncExternalStore } from "react";
import type { Cell, Change, Column, Given, Key, Seen, Table } from "./api";
import type { Clash } from "./clashes";
import { back, begin, forth, type History, step } from "./history";
import { isCut, isDefault, isMasked, type Line } from "./values";

/** A change that is not applied yet, in the order in which it was begun. */
export type Entry =
  | { kind: "update"; id: string; key: Key; set: Map<string, Given>; old: Map<string, Seen> }
  | { kind: "insert"; id: string; values: Map<string, Given> }
  | { kind: "delete"; id: string; key: Key; old: Map<string, Seen> };

export type Update = Extract<Entry, { kind: "update" }>;
export type Insert = Extract<Entry, { kind: "insert" }>;

// Kept here and not in a component: whoever comes back to a table finds what was not applied.
const histories = new Map<string, History<Entry[]>>();
const watchers = new Set<() => void>();
const NONE = begin<Entry[]>([]);
let inserted = 0;

function put(name: string, history: History<Entry[]>): void {
  histories.set(name, history);
  for (const watcher of watchers) watcher();
}

/** What was seen of a cell, to be compared with what is there when the change is applied. */
export const seenOf = (cell: Cell | undefined, md5?: string | null): Seen | undefined => {
  if (cell === undefined || isMasked(cell)) return undefined;
  if (isCut(cell)) return md5 ? { md5 } : undefined;
  return cell;
};

const same = (a: Given, b: Seen | undefined): boolean => !isDefault(a) && b !== undefined && a === b;

function updated(entries: Entry[], line: Line, column: Column, given: Given, seen: Seen | undefined): Entry[] {
  if (!line.key || line.id === null) return entries;
  const { key, id } = line;
  const before = entries.find((each): each is Update => each.kind === "update" && each.id === id);
  const set = new Map(before?.set);
  const old = new Map(before?.old);
  const first = old.has(column.name) ? old.get(column.name) : seen;
  if (same(given, first)) {
    set.delete(column.name);
    old.delete(column.name);
  } else {
    set.set(column.name, given);
    if (first !== undefined) old.set(column.name, first);
  }
  const next: Update = { kind: "update", id, key, set, old };
  if (!before) return set.size ? [...entries, next] : entries;
  return set.size ? entries.map((each) => (each === before ? next : each)) : entries.filter((each) => each !== before);
}

/** The staged changes of a table, and what may be done with them. */
export class Staging {
  constructor(
    readonly name: string,
    private readonly history: History<Entry[]>,
  ) {}

  get entries(): Entry[] {
    return this.history.now;
  }
  get canUndo(): boolean {
    return this.history.past.length > 0;
  }
  get canRedo(): boolean {
    return this.history.future.length > 0;
  }
  get inserts(): Insert[] {
    return this.entries.filter((each): each is Insert => each.kind === "insert");
  }

  update(line: Line, column: Column, given: Given, seen: Seen | undefined): void {
    this.take(updated(this.entries, line, column, given, seen));
  }
  insert(values: Map<string, Given>): string {
    inserted += 1;
    const id = `new ${inserted}`;
    this.take([...this.entries, { kind: "insert", id, values }]);
    return id;
  }
  /** Give a value to a row that is not there yet; undefined takes it back. */
  fill(id: string, column: string, given: Given | undefined): void {
    this.take(
      this.entries.map((each) => {
        if (each.kind !== "insert" || each.id !== id) return each;
        const values = new Map(each.values);
        if (given === undefined) values.delete(column);
        else values.set(column, given);
        return { ...each, values };
      }),
    );
  }
  remove(lines: Line[]): void {
    const gone = new Set(this.entries.filter((each) => each.kind === "delete").map((each) => each.id));
    const added = lines.flatMap(({ key, id, cells }): Entry[] => {
      if (!key || id === null || gone.has(id)) return [];
      gone.add(id);
      const old = new Map<string, Seen>();
      for (const [column, cell] of cells) {
        const seen = seenOf(cell);
        if (seen !== undefined) old.set(column, seen);
      }
      return [{ kind: "delete", id, key, old }];
    });
    if (added.length) this.take([...this.entries, ...added]);
  }
  /** Forget entries, such as those of a row that is kept after all. */
  drop(isDropped: (entry: Entry) => boolean): void {
    this.take(this.entries.filter((each) => !isDropped(each)));
  }
  replace(entries: Entry[]): void {
    this.take(entries);
  }
  undo(): void {
    put(this.name, back(this.history));
  }
  redo(): void {
    put(this.name, forth(this.history));
  }
  clear(): void {
    put(this.name, NONE);
  }

  private take(next: Entry[]): void {
    if (next !== this.history.now) put(this.name, step(this.history, next));
  }
}

const stagings = new WeakMap<History<Entry[]>, Map<string, Staging>>();

/** The changes of a table as they stand now. */
export function stagingOf(name: string): Staging {
  const history = histories.get(name) ?? NONE;
  const known = stagings.get(history) ?? new Map<string, Staging>();
  stagings.set(history, known);
  const staging = known.get(name) ?? new Staging(name, history);
  known.set(name, staging);
  return staging;
}

export function useStaging(name: string): Staging {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => stagingOf(name),
  );
}

/** The changes as the server takes them. What is to be deleted needs no change before. */
export function changesOf(table: Table, entries: Entry[]): Change[] {
  const { schema, name } = table;
  const gone = new Set(entries.filter((each) => each.kind === "delete").map((each) => each.id));
  return entries.flatMap((entry): Change[] => {
    if (entry.kind === "insert") return [{ kind: "insert", schema, table: name, values: Object.fromEntries(entry.values) }];
    if (entry.kind === "delete") return [{ kind: "delete", schema, table: name, key: entry.key, old: Object.fromEntries(entry.old) }];
    if (gone.has(entry.id)) return [];
    const { key, set, old } = entry;
    return [{ kind: "update", schema, table: name, key, set: Object.fromEntries(set), old: Object.fromEntries(old) }];
  });
}

/** The changes after somebody decided: over what is there now, or without those that clash. */
export function rebased(entries: Entry[], clashes: Clash[], whose: "mine" | "theirs"): Entry[] {
  return entries.flatMap((entry): Entry[] => {
    if (entry.kind === "insert") return [entry];
    const mine = clashes.filter(({ id }) => id === entry.id);
    if (!mine.length) return [entry];
    if (mine.some(({ column }) => column === null)) return [];
    const old = new Map(entry.old);
    if (entry.kind === "delete") {
      if (whose === "theirs") return [];
      for (const { column, now } of mine) if (column !== null) old.set(column, now);
      return [{ ...entry, old }];
    }
    const set = new Map(entry.set);
    for (const { column, now } of mine) {
      if (column === null) continue;
      if (whose === "mine") old.set(column, now);
      else {
        old.delete(column);
        set.delete(column);
      }
    }
    return set.size ? [{ ...entry, set, old }] : [];
  });
}
