import { told } from "../../parts/basic";
import { copyText } from "../../parts/clipboard";
import { saveFile } from "../../parts/saving";
import { say } from "../../parts/toast";
import { tables as text } from "../../text/tables";
import type { Column, Copied, CopyAsked, Table } from "./api";
import { copyRows, type Name, readCell } from "./asking";
import type { MenuItem } from "./menu";
import type { Shown } from "./state";
import { isCut, type Line, textOf } from "./values";

const TYPES: Record<CopyAsked["format"], string> = { csv: "text/csv", json: "application/json", sql: "application/sql" };
const FORMATS = ["csv", "json", "sql"] as const;
const MOST_KEYS = 1000;

interface Wanted {
  table: Table;
  shown: Shown;
  selected: Map<string, Line>;
  scan: boolean;
}

async function fetched({ table, shown, selected, scan }: Wanted, format: CopyAsked["format"]): Promise<Copied> {
  const asked: CopyAsked = { format };
  if (shown.columns) asked.columns = shown.columns;
  const keys = [...selected.values()].flatMap(({ key }) => (key ? [key] : [])).slice(0, MOST_KEYS);
  if (keys.length) asked.keys = keys;
  else {
    if (shown.sort.length) asked.sort = shown.sort;
    if (shown.filter.length) asked.filter = shown.filter;
    if (shown.q) asked.q = shown.q;
    if (scan) asked.scan = true;
  }
  return await copyRows({ schema: table.schema, table: table.name }, asked);
}

function notes({ rows, more, guarded, secret }: Copied, format: string): string {
  return [
    text.copiedRows(rows, format),
    more ? text.copyMore : "",
    guarded ? text.copyGuarded(guarded) : "",
    secret.length ? text.copySecret(secret.join(", ")) : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Bring the chosen rows, or all that sort and filter give, into the clipboard or a file. */
export async function copyOut(wanted: Wanted, format: CopyAsked["format"], to: "clipboard" | "file"): Promise<void> {
  try {
    const copied = await fetched(wanted, format);
    const said = [notes(copied, text.formats[format]), wanted.selected.size > MOST_KEYS ? text.copyMost : ""].filter(Boolean).join(" · ");
    if (to === "clipboard") await copyText(copied.text, said);
    else {
      saveFile(`${wanted.table.name}.${format}`, new Blob([copied.text], { type: TYPES[format] }));
      say(said);
    }
  } catch (error) {
    say(told(error).message);
  }
}

/** Bring one value into the clipboard, all of it. */
export async function copyCell(name: Name, line: Line, column: Column): Promise<void> {
  const cell = line.cells.get(column.name);
  try {
    const value = isCut(cell) && line.key ? (await readCell(name, line.key, column.name)).text : textOf(cell);
    if (value !== null) await copyText(value);
  } catch (error) {
    say(told(error).message);
  }
}

export function copyItems(wanted: Wanted): MenuItem[] {
  const isSome = wanted.selected.size > 0;
  const copy = isSome ? text.copySelected : text.copyShown;
  const save = isSome ? text.saveSelected : text.saveShown;
  return [
    ...FORMATS.map((format) => ({ label: copy(text.formats[format]), run: () => void copyOut(wanted, format, "clipboard") })),
    ...FORMATS.map((format) => ({ label: save(text.formats[format]), run: () => void copyOut(wanted, format, "file") })),
  ];
}
