import type { Statement } from "./api";

const field = (value: string | null): string =>
  value === null ? "" : /[",\r\n]/.test(value) || value === "" ? `"${value.replaceAll('"', '""')}"` : value;

/** RFC 4180, with NULL as nothing and an empty text as "". */
export function asCsv({ columns, rows }: Statement): string {
  const lines = [columns.map((column) => column.name), ...rows];
  return lines.map((line) => line.map(field).join(",")).join("\r\n");
}

const NUMBERS = new Set(["smallint", "integer", "real", "double precision"]);

function value(text: string | null, type: string): unknown {
  if (text === null) return null;
  if (type === "boolean") return text === "t";
  // A bigint or numeric may hold more digits than a number of JSON keeps.
  if (NUMBERS.has(type) && Number.isFinite(Number(text))) return Number(text);
  if (type === "json" || type === "jsonb") {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  }
  return text;
}

/** An object for each row; of columns that share a name each after the first gets a number. */
export function asJson({ columns, rows }: Statement): string {
  const names: string[] = [];
  for (const { name } of columns) {
    let free = name;
    for (let number = 2; names.includes(free); number += 1) free = `${name}_${number}`;
    names.push(free);
  }
  const objects = rows.map((row) =>
    Object.fromEntries(row.map((text, place) => [names[place] ?? "", value(text, columns[place]?.type ?? "")])),
  );
  return JSON.stringify(objects, null, 2);
}
