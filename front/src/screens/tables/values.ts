import { ago } from "../../format";
import type { Cell, Column, Cut, Filter, ForeignKey, Given, Key, Masked, Row, Rows, Sort } from "./api";

/** A row as the screen holds it: its cells by the name of their column. */
export interface Line {
  key: Key | null;
  /** The key as one text; null where rows cannot be told apart. */
  id: string | null;
  cells: Map<string, Cell>;
}

export const idOf = (key: Key): string => JSON.stringify(key);

export function linesOf({ columns, rows }: Rows): Line[] {
  return rows.map(({ key, cells }: Row) => ({
    key,
    id: key && idOf(key),
    cells: new Map(columns.map((name, at) => [name, cells[at] ?? null])),
  }));
}

export const isCut = (cell: Cell | undefined): cell is Cut => typeof cell === "object" && cell !== null && "text" in cell;
export const isMasked = (cell: Cell | undefined): cell is Masked => typeof cell === "object" && cell !== null && "secret" in cell;
export const isDefault = (given: Given | undefined): given is { default: true } => typeof given === "object" && given !== null;

/** What is there of a cell's text; null for NULL and for what is masked. */
export function textOf(cell: Cell | undefined): string | null {
  if (cell === undefined || cell === null || isMasked(cell)) return null;
  return isCut(cell) ? cell.text : cell;
}

export const isTrue = (value: string): boolean => value === "true" || value === "t";

const STAMP = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)?([+-]\d\d(?::?\d\d)?)?$/;

/** A time without its fraction and zone: the exact one is told on hover. */
export function shortTime(value: string): string {
  const parts = STAMP.exec(value);
  return parts ? `${parts[1]} ${parts[2]}` : value;
}

/** The exact time and how long ago that is. */
export function exactTime(value: string): string {
  const parts = STAMP.exec(value);
  if (!parts) return value;
  const zone = parts[3] ?? "+00";
  const iso = `${parts[1]}T${parts[2]}${/^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone}`;
  return Number.isNaN(Date.parse(iso)) ? value : `${value} · ${ago(iso)}`;
}

const SHORT: [RegExp, string][] = [
  [/^character varying/, "varchar"],
  [/^character\b/, "char"],
  [/^timestamp(\(\d\))? with time zone$/, "timestamptz$1"],
  [/^timestamp(\(\d\))? without time zone$/, "timestamp$1"],
  [/^time(\(\d\))? with(out)? time zone$/, "time$1"],
  [/^double precision$/, "float8"],
];

/** A type as people write it. */
export const shortType = (type: string): string => SHORT.reduce((told, [long, short]) => told.replace(long, short), type);

export const isLong = (cell: Cell | undefined): boolean => {
  const text = textOf(cell);
  return text !== null && (isCut(cell) || text.length > 120 || text.includes("\n"));
};

/** Whether a text can be a value of the column, as far as one can tell without the server. */
export function fits(column: Column, value: string): boolean {
  if (column.category === "number") return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$|^(NaN|[+-]?Infinity)$/i.test(value);
  if (column.category === "json") {
    try {
      JSON.parse(value);
    } catch {
      return false;
    }
  }
  return true;
}

export function prettyJson(value: string): string {
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}

/** Numbers too long for JavaScript would change on the way through it. */
export const survivesParsing = (value: string): boolean => !/\d{16,}|\d\.\d{15,}/.test(value);

/** The address of a table, with what of it is to be shown. */
export function tableAddress(
  schema: string,
  table: string,
  asked: { filter?: Filter; sort?: Sort; row?: Key } = {},
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) if (value !== undefined) query.set(name, JSON.stringify(value));
  const text = query.toString();
  return `/tables/${encodeURIComponent(schema)}/${encodeURIComponent(table)}${text ? `?${text}` : ""}`;
}

/** Where a foreign key of this row leads; null where a part of it is NULL, cut or secret. */
export function referred(link: ForeignKey, line: Line): string | null {
  const filter: Filter = [];
  for (const [at, name] of link.columns.entries()) {
    const cell = line.cells.get(name);
    const other = link.others[at];
    if (typeof cell !== "string" || other === undefined) return null;
    filter.push({ column: other, op: "=", value: cell });
  }
  return tableAddress(link.schema, link.table, { filter });
}

/** The sort after a click on a column's head: rising, falling, none; with shift beside the others. */
export function sortedBy(sort: Sort, column: string, isAdded: boolean): Sort {
  const was = sort.find(([name]) => name === column)?.[1];
  const next = was === undefined ? "asc" : was === "asc" ? "desc" : null;
  if (!isAdded) return next ? [[column, next]] : [];
  if (was === undefined) return [...sort, [column, "asc"]];
  return sort.flatMap((each) => (each[0] !== column ? [each] : next ? [[column, next] as Sort[number]] : []));
}
