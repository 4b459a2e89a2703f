import { useMemo } from "react";
import { useLocation } from "wouter";
import { usePathname, useSearch } from "wouter/use-browser-location";
import { ROOT } from "../../api";
import type { Name } from "./asking";
import type { Condition, Filter, Key, Sort } from "./api";

/** What of a table is shown. It stands in the address, so that a link brings somebody to the same rows. */
export interface Shown {
  sort: Sort;
  filter: Filter;
  /** Names of the columns to show, in the table's order; null for all. */
  columns: string[] | null;
  q: string;
  row: Key | null;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

function parsed<T>(text: string | null, isFit: (value: unknown) => value is T, otherwise: T): T {
  if (!text) return otherwise;
  try {
    const value: unknown = JSON.parse(text);
    return isFit(value) ? value : otherwise;
  } catch {
    return otherwise;
  }
}

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isSort = (value: unknown): value is Sort =>
  Array.isArray(value) && value.every((each) => Array.isArray(each) && isText(each[0]) && (each[1] === "asc" || each[1] === "desc"));
const isCondition = (value: unknown): value is Condition => isRecord(value) && isText(value["column"]) && isText(value["op"]);
const isFilter = (value: unknown): value is Filter =>
  Array.isArray(value) &&
  value.every((each) => isCondition(each) || (isRecord(each) && Array.isArray(each["any"]) && each["any"].every(isCondition)));

type Changes = Partial<Shown>;

/** The table that the address names. Read as it stands: a name may have any character, %2F too. */
export function useNamed(): Name | null {
  const path = usePathname();
  return useMemo(() => {
    const [screen, schema, table, ...more] = path.slice(ROOT.length).split("/");
    if (screen !== "tables" || !schema || !table || more.some(Boolean)) return null;
    try {
      return { schema: decodeURIComponent(schema), table: decodeURIComponent(table) };
    } catch {
      return null; // no address that we made
    }
  }, [path]);
}

/** What the address says of the table at `path`, and how to change it. */
export function useShown(path: string): [Shown, (changes: Changes, keep?: "push" | "replace") => void] {
  const search = useSearch();
  const [, navigate] = useLocation();
  const params = new URLSearchParams(search);
  const texts = ["sort", "filter", "columns", "q", "row"].map((name) => params.get(name));
  const [sort, filter, columns, q, row] = texts;
  const shown = useMemo<Shown>(() => {
    const names = parsed(columns ?? null, isTexts, []);
    const key = parsed(row ?? null, isTexts, []);
    return {
      sort: parsed(sort ?? null, isSort, []),
      filter: parsed(filter ?? null, isFilter, []),
      columns: names.length ? names : null,
      q: q ?? "",
      row: key.length ? key : null,
    };
  }, [sort, filter, columns, q, row]);
  const set = (changes: Changes, keep?: "push" | "replace") => {
    const next = new URLSearchParams(search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value.length === 0) next.delete(name);
      else next.set(name, typeof value === "string" ? value : JSON.stringify(value));
    }
    const text = next.toString();
    navigate(text ? `${path}?${text}` : path, { replace: keep === "replace" });
  };
  return [shown, set];
}
