import { tables as text } from "../../text/tables";
import type { Given, Seen, Table } from "./api";
import { readCell, readRow } from "./asking";
import type { Entry } from "./staged";
import { isCut, isDefault, isMasked, type Line } from "./values";

/** A cell that is not what it was when it was edited. */
export interface Clash {
  id: string;
  key: string;
  /** Null where the row itself is gone. */
  column: string | null;
  was: Seen;
  now: Seen;
  /** What was to be stored; undefined where the row was to be deleted. */
  yours: Given | undefined;
}

const MOST = 200;

const same = (a: Seen, b: Seen): boolean => JSON.stringify(a) === JSON.stringify(b);

async function nowOf(table: Table, entry: Exclude<Entry, { kind: "insert" }>, line: Line, column: string, was: Seen): Promise<Seen> {
  const cell = line.cells.get(column);
  if (cell === undefined || cell === null || isMasked(cell)) return null;
  const isBySum = typeof was === "object" && was !== null;
  if (!isCut(cell) && !isBySum) return cell;
  const whole = await readCell({ schema: table.schema, table: table.name }, entry.key, column);
  return isBySum ? { md5: whole.md5 ?? "" } : whole.text;
}

/** Compare what was seen with what is there now. */
export async function findClashes(table: Table, entries: Entry[]): Promise<Clash[]> {
  const found: Clash[] = [];
  for (const entry of entries.slice(0, MOST)) {
    if (entry.kind === "insert") continue;
    const { id, key, old } = entry;
    const isNamed = table.key?.[0] !== "ctid";
    const told = isNamed ? key.join(" · ") : [...old.values()].slice(0, 3).map(shown).join(" · ");
    const line = await readRow(table, key);
    if (!line) {
      const yours = entry.kind === "update" ? [...entry.set].map(([column, given]) => `${column}: ${shown(given)}`).join(", ") : undefined;
      found.push({ id, key: told, column: null, was: null, now: null, yours });
      continue;
    }
    for (const [column, was] of old) {
      const now = await nowOf(table, entry, line, column, was);
      const yours = entry.kind === "update" ? entry.set.get(column) : undefined;
      if (!same(was, now)) found.push({ id, key: told, column, was, now, yours });
    }
  }
  return found;
}

function shown(value: Seen | Given | undefined): string {
  if (value === undefined) return text.toDelete;
  if (value === null) return text.null;
  if (typeof value === "string") return value.length > 200 ? `${value.slice(0, 200)}…` : value;
  return isDefault(value as Given) && "default" in value ? text.setDefault : `md5 ${"md5" in value ? value.md5 : ""}`;
}

export function Clashes({ clashes }: { clashes: Clash[] }) {
  return (
    <div className="scroll-x">
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">{text.clashRow}</th>
            <th scope="col">{text.column}</th>
            <th scope="col">{text.clashWas}</th>
            <th scope="col">{text.clashNow}</th>
            <th scope="col">{text.clashYours}</th>
          </tr>
        </thead>
        <tbody>
          {clashes.map(({ id, key, column, was, now, yours }) => (
            <tr key={`${id} ${column}`}>
              <td>{key}</td>
              <td>{column}</td>
              <td>{column === null ? "" : shown(was)}</td>
              <td className="tables-wrong">{column === null ? text.clashGone : shown(now)}</td>
              <td>{shown(yours)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
