import { ApiError, ask, useAsk } from "../../api";
import type {
  Applied, CellAsked, Change, Copied, CopyAsked, Count, Duplicate, Filter, Key, Picks, Preview, References, Rows, Table, TableLine, WholeCell,
} from "./api";
import type { Shown } from "./state";
import { idOf, type Line, linesOf } from "./values";
import type { Page } from "./window";

/** A table by its name; what its addresses begin with. */
export interface Name {
  schema: string;
  table: string;
}

export const pathOf = ({ schema, table }: Name): string => `tables/${encodeURIComponent(schema)}/${encodeURIComponent(table)}`;

function query(params: Record<string, string | number | undefined>): string {
  const given = Object.entries(params).filter((each): each is [string, string | number] => each[1] !== undefined && each[1] !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}

const json = (value: unknown[]): string | undefined => (value.length ? JSON.stringify(value) : undefined);

export const useTables = () => useAsk<TableLine[]>("tables");
export const useTable = (name: Name) => useAsk<Table>(pathOf(name), { keepPreviousData: false });
export const useReferences = (name: Name, key: Key | null) =>
  useAsk<References>(key && `${pathOf(name)}/references${query({ key: idOf(key) })}`, { keepPreviousData: false });

interface RowsWanted extends Pick<Shown, "sort" | "filter" | "q"> {
  columns: string[];
  scan: boolean;
}

const PAGE = 100;

export async function readRows(name: Name, wanted: RowsWanted, after: string | null, signal: AbortSignal): Promise<Page<Line>> {
  const params = query({
    sort: json(wanted.sort),
    filter: json(wanted.filter),
    columns: json(wanted.columns),
    q: wanted.q,
    scan: wanted.scan ? 1 : undefined,
    after: after ?? undefined,
    limit: PAGE,
  });
  const rows = await ask<Rows>(`${pathOf(name)}/rows${params}`, { signal });
  return { rows: linesOf(rows), next: rows.next };
}

/** One row with all its columns, by its key; null where it is gone. */
export async function readRow(table: Table, key: Key): Promise<Line | null> {
  const name = { schema: table.schema, table: table.name };
  if (!table.key?.length) return null;
  if (table.key[0] === "ctid") {
    try {
      return await readByPlace(table, key);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }
  const filter: Filter = table.key.map((column, at) => ({ column, op: "=", value: key[at] ?? "" }));
  const rows = await ask<Rows>(`${pathOf(name)}/rows${query({ filter: json(filter), limit: 1 })}`);
  return linesOf(rows)[0] ?? null;
}

async function readByPlace(table: Table, key: Key): Promise<Line | null> {
  const cells: Line["cells"] = new Map();
  for (const column of table.columns) {
    if (column.secret) cells.set(column.name, { secret: true });
    else cells.set(column.name, (await readCell({ schema: table.schema, table: table.name }, key, column.name)).text);
  }
  return { key, id: idOf(key), cells };
}

export const readCell = (name: Name, key: Key, column: string): Promise<WholeCell> =>
  ask<WholeCell>(`${pathOf(name)}/cell${query({ key: idOf(key), column })}`);

export const revealCell = (name: Name, key: Key, column: string): Promise<WholeCell> =>
  ask<WholeCell>(`${pathOf(name)}/cell`, { method: "POST", body: { key, column, reveal: true } satisfies CellAsked });

export const countRows = (name: Name, filter: Filter, q: string): Promise<Count> =>
  ask<Count>(`${pathOf(name)}/count${query({ filter: json(filter), q })}`);

export const copyRows = (name: Name, asked: CopyAsked): Promise<Copied> =>
  ask<Copied>(`${pathOf(name)}/copy`, { method: "POST", body: asked });

export const duplicateOf = (name: Name, key: Key): Promise<Duplicate> =>
  ask<Duplicate>(`${pathOf(name)}/duplicate${query({ key: idOf(key) })}`);

export const usePicks = (name: Name | null, columns: string[], q: string) =>
  useAsk<Picks>(name && `${pathOf(name)}/pick${query({ columns: json(columns), q })}`);

export const preview = (changes: Change[]): Promise<Preview> =>
  ask<Preview>("changes/preview", { method: "POST", body: { changes } });

export const apply = (changes: Change[]): Promise<Applied> => ask<Applied>("changes/apply", { method: "POST", body: { changes } });
