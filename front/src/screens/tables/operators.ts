import { tables as text } from "../../text/tables";
import type { Column, Condition, Filter, Op } from "./api";

const NULLS: Op[] = ["null", "notnull"];
const ORDER: Op[] = ["<", "<=", ">", ">="];

/** What one may ask of a column, the likeliest first. */
export function operatorsOf(column: Column, path: string[]): Op[] {
  const nulls = column.nullable ? NULLS : [];
  if (column.secret) return NULLS;
  if (column.category === "json") {
    if (path.length) return ["=", "!=", "contains", ...ORDER, "exists", "missing", "includes", "in", "starts"];
    return ["includes", "contains", ...nulls];
  }
  switch (column.category) {
    case "text":
      return ["contains", "=", "!=", "starts", "in", ...ORDER, ...nulls];
    case "boolean":
    case "enum":
      return ["=", "!=", ...(column.category === "enum" ? (["in"] as Op[]) : []), ...nulls];
    case "array":
      return ["has", "contains", ...nulls];
    case "bytes":
      return ["=", "!=", ...nulls];
    case "other":
      return ["=", "!=", "contains", ...nulls];
    default:
      return ["=", "!=", ...ORDER, "in", ...nulls];
  }
}

export const takesNoValue = (op: Op): boolean => ["null", "notnull", "exists", "missing"].includes(op);

/** `tokens.total` as the steps into the JSON; a part in double quotes may have dots in it. */
export function pathOf(typed: string): string[] {
  const parts = typed.match(/"(?:[^"\\]|\\.)*"|[^.]+/g) ?? [];
  return parts.map((part) => (part.startsWith('"') ? part.slice(1, -1).replace(/\\(.)/g, "$1") : part.trim())).filter(Boolean);
}

export const pathText = (path: string[]): string => path.map((part) => (/[."]/.test(part) ? JSON.stringify(part) : part)).join(".");

export function describe({ column, op, value, path }: Condition): string {
  const where = path?.length ? `${column}.${pathText(path)}` : column;
  const what = value === undefined ? "" : Array.isArray(value) ? value.join(", ") : value;
  return [where, text.operators[op], what].filter(Boolean).join(" ");
}

export const describeAny = (part: Filter[number]): string =>
  "any" in part ? part.any.map(describe).join(` ${text.or} `) : describe(part);
